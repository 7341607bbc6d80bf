"""Proves that stored bodies are canonical JSON, many at a time and at the speed of two C loops.

A kind's body structs are mirrored by plain structs with the same members in order of their names: an enum is its text,
no length is bounded, every integer lies within ±(2^53-1). Bodies are decoded into these and encoded again. For structs
of that form the output is the RFC 8785 form (`core.canonical.encode_struct`), so bytes that come out equal to what went
in are canonical: an unknown or doubled member, white space, another order, escape or spelling of a number would not
come out again. Whether a value is one that its schema allows is level 2's question, which decodes in full.

Bodies go through as lines. The encoder writes one line feed after each value and none within; if as many values come
out as bodies went in, and the whole is equal, then each line is its own body.
"""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Annotated, Any, Literal, Union

import msgspec
from msgspec import inspect as shape

from ledger.core import canonical
from ledger.core.errors import NotCanonical
from ledger.core.kinds import Kind, KindRegistry

_SafeInt = Annotated[int, msgspec.Meta(ge=-canonical.MAX_INT, le=canonical.MAX_INT)]
_sorted_encoder = msgspec.json.Encoder(order="sorted")
_encoder = msgspec.json.Encoder()


class Unmirrored(Exception):
    """A type that cannot be mirrored; its bodies take the slow and strict way."""


class Shapes:
    """The mirrors of all kinds. Not for use by several threads at once."""

    def __init__(self, kinds: KindRegistry) -> None:
        self._kinds: Mapping[bytes, Kind] = {kind.name.encode(): kind for kind in kinds}
        self._codecs: dict[bytes, Codec | None] = {}

    def read(self, kind: bytes, bodies: Sequence[bytes]) -> list[Any]:
        """The bodies of one kind, decoded (plain structs, or what JSON has for a kind that can't be mirrored).

        Raises NotCanonical if one of them is not canonical JSON of its kind's shape.
        """
        try:
            codec = self._codecs[kind]
        except KeyError:
            codec = self._codecs[kind] = self.codec(kind)
        if codec is None:
            return [canonical.require_canonical(body) for body in bodies]
        decoder, encoder = codec
        lines = b"\n".join((*bodies, b""))
        try:
            decoded = decoder.decode_lines(lines)
            again = encoder.encode_lines(decoded)
        except (msgspec.DecodeError, UnicodeError) as error:
            raise NotCanonical(f"a body of kind {kind.decode()} is not of its shape: {error}") from None
        if again != lines or len(decoded) != len(bodies):
            raise NotCanonical(f"a body of kind {kind.decode()} is not in canonical form")
        return decoded

    def codec(self, name: bytes) -> "Codec | None":
        """The mirror of a kind's bodies; None where they take the slow way."""
        kind = self._kinds.get(name)
        if kind is None:
            return None
        # One version: its tag is a member like any other, in its place. Several: the tag tells them apart.
        tagged = len(kind.versions) > 1
        try:
            mirrors = tuple(_Mirror(tagged).of(shape.type_info(version)) for version in kind.versions)
        except Unmirrored:
            return None
        decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Union[mirrors])  # noqa: UP007 - known at run time
        return decoder, _sorted_encoder if tagged else _encoder


Codec = tuple[msgspec.json.Decoder[Any], msgspec.json.Encoder]


class _Mirror:
    """Mirrors one type tree."""

    def __init__(self, tagged: bool) -> None:
        self._tagged = tagged
        self._structs: dict[type, type | None] = {}

    def of(self, node: shape.Type) -> Any:
        match node:
            case shape.StructType():
                return self._struct(node)
            case shape.UnionType():
                return Union[tuple(self.of(one) for one in node.types)]  # noqa: UP007
            case shape.ListType() | shape.VarTupleType():
                return list[self.of(node.item_type)]  # type: ignore[misc]
            case shape.TupleType():
                return tuple[tuple(self.of(one) for one in node.item_types)]  # type: ignore[misc]
            case shape.Metadata():
                return self.of(node.type)
            case shape.EnumType():
                return _plain([member.value for member in node.cls])
            case shape.LiteralType():
                return _plain(node.values)
            case _:
                return _SCALARS.get(type(node)) or _unmirrored(node)

    def _struct(self, node: shape.StructType) -> Any:
        if node.cls in self._structs:
            found = self._structs[node.cls]
            return _unmirrored(node) if found is None else found
        config = node.cls.__struct_config__
        if config.array_like or not all(field.encode_name.isascii() for field in node.fields):
            return _unmirrored(node)
        self._structs[node.cls] = None
        members: dict[str, Any] = {}
        for field in node.fields:
            members[field.encode_name] = (field.name, *self._member(field))
        if config.tag_field is not None and not self._tagged:
            members[config.tag_field] = (config.tag_field, Literal[config.tag])
        mirror = msgspec.defstruct(
            node.cls.__name__,
            [members[name] for name in sorted(members)],
            kw_only=True,
            omit_defaults=config.omit_defaults,
            tag_field=config.tag_field if self._tagged else None,
            tag=config.tag if self._tagged else None,
            rename={member[0]: name for name, member in members.items()},
            gc=False,
        )
        self._structs[node.cls] = mirror
        return mirror

    def _member(self, field: shape.Field) -> tuple[Any, ...]:
        mirrored = self.of(field.type)
        if not field.required and field.default is field.default_factory is msgspec.NODEFAULT:
            # So msgspec describes a member that may be missing: UNSET is neither its type nor its default there.
            return mirrored | msgspec.UnsetType, msgspec.UNSET
        return mirrored, *_default(field)


_SCALARS: dict[type, Any] = {
    shape.NoneType: type(None),
    shape.BoolType: bool,
    shape.StrType: str,
    shape.IntType: _SafeInt,
    shape.BytesType: bytes,
}


def _default(field: shape.Field) -> tuple[Any, ...]:
    if field.default_factory is not msgspec.NODEFAULT:
        return (msgspec.field(default_factory=field.default_factory),)
    if field.default is msgspec.NODEFAULT:
        return ()
    if isinstance(field.default, Enum):
        return (field.default.value,)
    return (list(field.default) if isinstance(field.default, tuple) else field.default,)


def _plain(values: Sequence[object]) -> Any:
    if all(isinstance(value, str) for value in values):
        return str
    if all(isinstance(value, int) for value in values):
        return _SafeInt
    raise Unmirrored(values)


def _unmirrored(node: shape.Type) -> Any:
    if type(node).__name__ == "UnsetType":
        return msgspec.UnsetType
    raise Unmirrored(node)
