"""The payload of Sparkplug B messages, read by the protobuf library, and cut into parts without changing a byte.

The message types are built here from the field numbers of the Sparkplug specification 3.0 (section 6.4), with optional
fields as in its schema of proto2.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from collectors.text import clean
from ledger.core.errors import SkippableRecord

_PACKAGE: Final = "org.eclipse.tahu.protobuf"
_KINDS: Final = {
    "u32": FieldDescriptorProto.TYPE_UINT32,
    "u64": FieldDescriptorProto.TYPE_UINT64,
    "float": FieldDescriptorProto.TYPE_FLOAT,
    "double": FieldDescriptorProto.TYPE_DOUBLE,
    "bool": FieldDescriptorProto.TYPE_BOOL,
    "string": FieldDescriptorProto.TYPE_STRING,
    "bytes": FieldDescriptorProto.TYPE_BYTES,
}
_SCALARS: Final = ("int_value u32", "long_value u64", "float_value float", "double_value double", "boolean_value bool")
"""The first members of each choice of a value; after them comes `string_value`."""
_MESSAGES: Final[dict[str, tuple[str, ...]]] = {
    "DataSetValue": (*(f"{at}|{one}" for at, one in enumerate((*_SCALARS, "string_value string"), start=1)),),
    "Row": ("1*elements DataSetValue",),
    "DataSet": ("1 num_of_columns u64", "2*columns string", "3*types u32", "4*rows Row"),
    "PropertyValue": (
        "1 type u32",
        "2 is_null bool",
        *(f"{at}|{one}" for at, one in enumerate((*_SCALARS, "string_value string"), start=3)),
        "9|propertyset_value PropertySet",
        "10|propertysets_value PropertySetList",
    ),
    "PropertySet": ("1*keys string", "2*values PropertyValue"),
    "PropertySetList": ("1*propertyset PropertySet",),
    "Parameter": (
        "1 name string",
        "2 type u32",
        *(f"{at}|{one}" for at, one in enumerate((*_SCALARS, "string_value string"), start=3)),
    ),
    "Template": (
        "1 version string",
        "2*metrics Metric",
        "3*parameters Parameter",
        "4 template_ref string",
        "5 is_definition bool",
    ),
    "MetaData": (
        "1 is_multi_part bool",
        "2 content_type string",
        "3 size u64",
        "4 seq u64",
        "5 file_name string",
        "6 file_type string",
        "7 md5 string",
        "8 description string",
    ),
    "Metric": (
        "1 name string",
        "2 alias u64",
        "3 timestamp u64",
        "4 datatype u32",
        "5 is_historical bool",
        "6 is_transient bool",
        "7 is_null bool",
        "8 metadata MetaData",
        "9 properties PropertySet",
        *(f"{at}|{one}" for at, one in enumerate((*_SCALARS, "string_value string", "bytes_value bytes"), start=10)),
        "17|dataset_value DataSet",
        "18|template_value Template",
    ),
    "Payload": ("1 timestamp u64", "2*metrics Metric", "3 seq u64", "4 uuid string", "5 body bytes"),
}
"""Message → its fields: number, `*` for repeated and `|` for a member of the choice `value`, name, type."""
_SPEC: Final = re.compile(r"(\d+)([ *|])(\w+) (\w+)")
_METRICS: Final = 2


def _field(message: DescriptorProto, spec: str) -> None:
    match = _SPEC.fullmatch(spec)
    assert match is not None, spec
    number, mark, name, kind = match.groups()
    label = FieldDescriptorProto.LABEL_REPEATED if mark == "*" else FieldDescriptorProto.LABEL_OPTIONAL
    field = message.field.add(name=name, number=int(number), label=label)
    if kind in _KINDS:
        field.type = _KINDS[kind]
    else:
        field.type, field.type_name = FieldDescriptorProto.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
    if mark == "|":
        field.oneof_index = 0


def _build() -> Any:
    file = FileDescriptorProto(name="trailseal/sparkplug.proto", package=_PACKAGE, syntax="proto2")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        if any("|" in spec for spec in fields):
            message.oneof_decl.add(name="value")
        for spec in fields:
            _field(message, spec)
    pool = DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Payload"))


Payload: Final[Any] = _build()


def read_payload(data: bytes) -> Any:
    """Raises SkippableRecord for bytes that are no payload."""
    try:
        return Payload.FromString(data)
    except (DecodeError, UnicodeDecodeError) as error:
        raise SkippableRecord(f"no Sparkplug B payload: {str(error) or error.__class__.__name__}") from None


def text_of(value: str | bytes) -> str:
    """A text of a payload as a record holds it; the library gives bytes where it is not UTF-8."""
    return clean(value if isinstance(value, str) else value.decode("utf-8", "replace"))


class Cut(msgspec.Struct, frozen=True):
    """A payload's fields, byte for byte: those before its first metric, each metric's, and the others."""

    before: bytes
    metrics: list[bytes]
    after: bytes

    def join(self, metrics: Sequence[bytes]) -> bytes:
        """The payload with only these metrics; with all of them it is the whole, as programs write it."""
        return b"".join((self.before, *metrics, self.after))


def cut(data: bytes) -> Cut:
    """Raises SkippableRecord for bytes that are no payload."""
    before, metrics, after = bytearray(), [], bytearray()
    for number, field in _fields(data):
        if number == _METRICS:
            metrics.append(field)
        elif metrics:
            after += field
        else:
            before += field
    return Cut(bytes(before), metrics, bytes(after))


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and bytes of each field, tag and all (Protocol Buffers encoding)."""
    at = 0
    while at < len(data):
        tag, end = _varint(data, at)
        match tag & 7:
            case 0:
                _, end = _varint(data, end)
            case 1:
                end += 8
            case 2:
                size, end = _varint(data, end)
                end += size
            case 5:
                end += 4
            case other:
                raise SkippableRecord(f"no Sparkplug B payload: a field of the kind {other}")
        if end > len(data):
            raise SkippableRecord("no Sparkplug B payload: it ends in the middle of a field")
        yield tag >> 3, data[at:end]
        at = end


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place, byte in enumerate(data[at : at + 10]):
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value, at + place + 1
    raise SkippableRecord("no Sparkplug B payload: a number without end")
