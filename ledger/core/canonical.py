"""One value has one byte form: canonical JSON after RFC 8785, and a strict parser for all that comes in.

`dumps` uses msgspec's sorted encoder where its output is provably that of RFC 8785 and the `rfc8785` package
elsewhere. On JSON values the two differ in three points only: the form of floats, the missing bound on
integers, and the order of keys when code points from U+E000 up occur in them (UTF-16 code units sort surrogate
pairs before U+E000..U+FFFF). Where none of the three occurs, msgspec is used.
"""

import json
import math
import re
from collections.abc import Callable, Collection, Iterable
from typing import Any, Never

import msgspec
import rfc8785
from msgspec import inspect as shape

from ledger.core.errors import NotCanonical

MAX_DEPTH = 64
"""Deepest nesting of arrays and objects that is read or written."""

MAX_INT = 2**53 - 1
"""Largest integer that an IEEE 754 double, the number type of RFC 8785, holds without doubt."""

_FREE = frozenset({str, bool, type(None)})
_STR_ONLY = frozenset({str})
_KEY_ORDER_DIFFERS = re.compile(rb"[\xee-\xf4]")  # UTF-8 lead bytes of U+E000 and up
_ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_LONG_INTEGER = re.compile(rb"(?:^|[:,\[])(-?[0-9]{16,})")
_SAME_DIGIT = bytes(ord("0") if chr(byte) in "0123456789" else byte for byte in range(256))
_LONG_DIGITS = b"0" * 16
_BOM = b"\xef\xbb\xbf"

_sorted_encoder = msgspec.json.Encoder(order="sorted")
_checks: dict[type, Callable[[bytes], object]] = {}


def dumps(value: object) -> bytes:
    """Return the one RFC 8785 byte form of `value`.

    Takes None, bool, int, float, str, list, tuple, and dict with string keys. Raises NotCanonical on anything
    else, on NaN and infinities, lone surrogates, integers beyond ±(2^53-1), and nesting deeper than 64.
    """
    try:
        if _plain(value, 0):
            data = _sorted_encoder.encode(value)
            if data.isascii() or _KEY_ORDER_DIFFERS.search(data) is None:
                return data
        else:
            _require_depth(value)
        return rfc8785.dumps(value)  # type: ignore[arg-type]  # it checks the type itself
    except UnicodeEncodeError as error:
        raise NotCanonical("text holds a lone surrogate, which is not a character") from error
    except rfc8785.CanonicalizationError as error:
        raise NotCanonical(f"value has no canonical form: {error}") from error


def loads(data: bytes) -> Any:
    """Parse strict JSON: what two parsers could read differently is refused.

    Raises NotCanonical on invalid UTF-8, a byte order mark, duplicate keys, NaN and infinities (also written
    as 1e400), lone surrogates, and nesting deeper than 64. White space and the form of numbers are free
    (RFC 8259); integers keep all their digits.
    """
    return _parse(data, _parse_int)


def require_canonical(data: bytes) -> Any:
    """Return the parsed value only if `data` is byte for byte canonical, else raise NotCanonical.

    An integer literal beyond ±(2^53-1) is read as the double that RFC 8785 takes it for.
    """
    value = _parse(data, _parse_double if _has_long_digits(data) else _parse_int)
    if dumps(value) != data:
        raise NotCanonical("JSON is not in canonical form (RFC 8785): order, spacing, numbers or escapes differ")
    return value


def encode_struct(obj: msgspec.Struct) -> bytes:
    """Return the RFC 8785 byte form of a struct whose type tree makes it provable.

    Precondition, checked once for each struct type: only str, bool, int, None, bytes (as base64), enums and
    literals of str or int, lists, tuples and such structs; no float and no dict (its keys would be free), and
    member names in ASCII. Then the sorted msgspec encoder and RFC 8785 agree byte for byte. Raises
    NotCanonical when the type is outside that, on lone surrogates and on integers beyond ±(2^53-1); where all
    integers of the type are bounded by their annotations, also on a value outside any of its annotations.
    """
    kind = type(obj)
    try:
        check = _checks[kind]
    except KeyError:
        check = _checks[kind] = _prove(kind)
    try:
        data = _sorted_encoder.encode(obj)
    except UnicodeEncodeError as error:
        raise NotCanonical(f"{kind.__name__} holds a lone surrogate, which is not a character") from error
    except OverflowError as error:
        raise NotCanonical(f"{kind.__name__} holds an integer beyond 2^53-1") from error
    check(data)
    return data


def _check_by_decoding(kind: type) -> Callable[[bytes], object]:
    """Every integer of the type is bounded by its own annotation: the type's decoder is the quickest check."""
    decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(kind)

    def check(data: bytes) -> None:
        try:
            decoder.decode(data)
        except msgspec.ValidationError as error:
            raise NotCanonical(f"{kind.__name__}: {error}") from None

    return check


def _check_integers(data: bytes) -> None:
    if _has_long_digits(data) and any(abs(int(digits)) > MAX_INT for digits in _LONG_INTEGER.findall(data)):
        # Digits inside a string can look like an integer: only the parsed value tells.
        _require_safe_integers(json.loads(data))


def _has_long_digits(data: bytes) -> bool:
    """Whether 16 digits in a row occur anywhere; fewer cannot exceed MAX_INT."""
    return _LONG_DIGITS in data.translate(_SAME_DIGIT)


def _plain(value: object, depth: int) -> bool:
    """Whether msgspec agrees with RFC 8785 on this value, key order beyond U+DFFF apart."""
    kind = type(value)
    if kind in _FREE:
        return True
    children: Collection[object]
    if kind is dict:
        if not _STR_ONLY.issuperset(map(type, value)):  # type: ignore[call-overload]
            return False
        children = value.values()  # type: ignore[attr-defined]
    elif kind is list or kind is tuple:
        children = value  # type: ignore[assignment]
    else:
        return kind is int and -MAX_INT <= value <= MAX_INT  # type: ignore[operator]
    if depth >= MAX_DEPTH:
        raise NotCanonical(f"nested deeper than {MAX_DEPTH}")
    if _FREE.issuperset(map(type, children)):
        return True
    for child in children:  # noqa: SIM110 - a generator would double the time of the hottest loop
        if type(child) not in _FREE and not _plain(child, depth + 1):
            return False
    return True


def _require_depth(value: object, depth: int = 0) -> None:
    """Raise NotCanonical where arrays and objects nest deeper than MAX_DEPTH."""
    if isinstance(value, dict):
        children: Iterable[object] = value.values()
    elif isinstance(value, list | tuple):
        children = value
    else:
        return
    if depth >= MAX_DEPTH:
        raise NotCanonical(f"nested deeper than {MAX_DEPTH}")
    for child in children:
        _require_depth(child, depth + 1)


def _require_safe_integers(value: object) -> None:
    if isinstance(value, dict):
        for child in value.values():
            _require_safe_integers(child)
    elif isinstance(value, list):
        for child in value:
            _require_safe_integers(child)
    elif isinstance(value, int) and not -MAX_INT <= value <= MAX_INT:
        raise NotCanonical(f"integer {value} is beyond 2^53-1")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise NotCanonical(f"member {twice!r} occurs twice in one object")
    return members


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise NotCanonical(f"number {text[:40]} is beyond what a double holds")
    return number


def _refuse_constant(text: str) -> Never:
    raise NotCanonical(f"{text} is not JSON")


_STRICT = {"object_pairs_hook": _unique, "parse_float": _finite, "parse_constant": _refuse_constant}
_parse_int = json.JSONDecoder(**_STRICT)  # type: ignore[arg-type]
_parse_double = json.JSONDecoder(  # integers too long for a double's 53 bits become that double
    parse_int=lambda text: int(text) if len(text) < 16 else _shortest(text),
    **_STRICT,  # type: ignore[arg-type]
)


def _shortest(text: str) -> int | float:
    number = _finite(text)
    return int(text) if -MAX_INT <= number <= MAX_INT else number


def _parse(data: bytes, decoder: json.JSONDecoder) -> Any:
    if data.startswith(_BOM):
        raise NotCanonical("JSON starts with a byte order mark")
    try:
        value = decoder.decode(data.decode("utf-8"))
        if _ESCAPED_SURROGATE.search(data) is not None:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeDecodeError as error:
        raise NotCanonical(f"not UTF-8 at byte {error.start}") from error
    except UnicodeEncodeError as error:
        raise NotCanonical("text holds a lone surrogate, which is not a character") from error
    except RecursionError as error:
        raise NotCanonical(f"nested deeper than {MAX_DEPTH}") from error
    except json.JSONDecodeError as error:
        raise NotCanonical(f"not JSON at character {error.pos}: {error.msg}") from error
    except ValueError as error:  # more digits than Python turns into an integer
        raise NotCanonical("number has too many digits") from error
    if data.count(b"[") + data.count(b"{") > MAX_DEPTH:
        _require_depth(value)
    return value


_PROVABLE = (shape.NoneType, shape.BoolType, shape.StrType, shape.BytesType)


def _prove(kind: type) -> Callable[[bytes], object]:
    """Return what checks the integers of an encoded `kind`.

    Raises NotCanonical unless its type tree keeps the precondition of `encode_struct`.
    """
    bounded = True
    todo: list[shape.Type] = [shape.type_info(kind)]
    seen: set[type] = set()
    while todo:
        node = todo.pop()
        if isinstance(node, shape.StructType):
            if node.cls in seen:
                continue
            seen.add(node.cls)
            if not all(field.encode_name.isascii() for field in node.fields):
                raise NotCanonical(f"{node.cls.__name__} has a member name outside ASCII: use dumps")
            todo.extend(field.type for field in node.fields)
        elif isinstance(node, shape.UnionType):
            todo.extend(node.types)
        elif isinstance(node, shape.ListType | shape.VarTupleType):
            todo.append(node.item_type)
        elif isinstance(node, shape.TupleType):
            todo.extend(node.item_types)
        elif isinstance(node, shape.Metadata):
            todo.append(node.type)
        elif isinstance(node, shape.IntType):
            bounded &= node.ge is not None and node.ge >= -MAX_INT and node.le is not None and node.le <= MAX_INT
        elif not isinstance(node, (*_PROVABLE, shape.EnumType, shape.LiteralType)):
            raise NotCanonical(f"{kind.__name__} has a member of {type(node).__name__}: encode it with dumps")
    return _check_by_decoding(kind) if bounded else _check_integers
