"""A database's row as JSON that keeps every digit and type, and back: the original of a row.

A cell is `[name, sort, value]`, the value a text: `["id","int","7"]`, `["limit","decimal","1.50"]`,
`["blob","bytes","3q0="]` (base64), `["at","instant","2026-01-02T03:04:05.000001+00:00"]` with a zone, `datetime`
without, `["note","null",null]`. `list` holds `[sort, value]` pairs. What a driver gives besides these is refused.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec

from collectors.text import render
from ledger.core.errors import SkippableRecord

MEDIA_TYPE = "application/json"
_DEPTH = 8
_MICROSECOND = timedelta(microseconds=1)


class Cell(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A value without its name."""

    sort: str
    value: Any


class Named(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A value with the name of its column."""

    name: str
    sort: str
    value: Any

    @property
    def cell(self) -> Cell:
        return Cell(self.sort, self.value)


class Envelope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A row of a table or query. `twin` counts the rows before it that are the same in every cell."""

    table: str
    row: tuple[Named, ...]
    twin: int = 0

    def encode(self) -> bytes:
        """JSON in UTF-8; with escapes where a text holds what UTF-8 has no bytes for (a lone surrogate)."""
        found = msgspec.to_builtins(self)
        try:
            return json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
        except UnicodeEncodeError:
            return json.dumps(found, separators=(",", ":")).encode("ascii")

    def digest(self) -> str:
        """Tells rows apart: 128 bits of SHA-256 over the cells, base64 without padding."""
        return b64encode(sha256(self.encode()).digest()[:16]).decode("ascii").rstrip("=")


def decode(data: bytes) -> Envelope:
    """The row that `Envelope.encode` wrote; raises SkippableRecord for anything else."""
    try:
        return msgspec.convert(json.loads(data.decode("utf-8")), Envelope)
    except (ValueError, RecursionError) as error:  # msgspec's and the decoder's errors are ValueErrors
        raise SkippableRecord(f"not a row in JSON: {error}") from None


def to_cell(value: object, depth: int = 0) -> Cell:
    """A driver's value; raises TypeError for a kind that has no rule."""
    if value is None:
        return Cell("null", None)
    if isinstance(value, bool):
        return Cell("bool", "true" if value else "false")
    if isinstance(value, int):
        return Cell("int", str(int(value)))
    if isinstance(value, float):
        return Cell("float", repr(float(value)))
    if isinstance(value, str):
        return Cell("text", str(value))
    if isinstance(value, bytes | bytearray | memoryview):
        return Cell("bytes", b64encode(bytes(value)).decode("ascii"))
    if isinstance(value, datetime):
        return Cell("datetime" if value.tzinfo is None else "instant", value.isoformat())
    if isinstance(value, list | tuple) and depth < _DEPTH:
        return Cell("list", [to_cell(one, depth + 1) for one in value])
    return _rarer(value)


def _rarer(value: object) -> Cell:
    if isinstance(value, Decimal):
        return Cell("decimal", str(value))
    if isinstance(value, date):
        return Cell("date", value.isoformat())
    if isinstance(value, time):
        return Cell("time", value.isoformat())
    if isinstance(value, timedelta):
        return Cell("interval", str(value // _MICROSECOND))
    if isinstance(value, UUID):
        return Cell("uuid", str(value))
    raise TypeError(f"a value of type {type(value).__name__} has no rule")


def from_cell(cell: Cell) -> Any:
    """The driver's value again, for comparing with a column; raises SkippableRecord for a cell that none wrote."""
    if cell.sort == "null" and cell.value is None:
        return None
    if not isinstance(cell.value, str) or cell.sort not in _READ:
        raise SkippableRecord(f"a cell of sort {cell.sort!r} cannot be read")
    try:
        return _READ[cell.sort](cell.value)
    except (ValueError, InvalidOperation, OverflowError) as error:
        raise SkippableRecord(f"a cell of sort {cell.sort!r} cannot be read: {error}") from None


def item_value(cell: Cell, depth: int = 0) -> object:
    """A cell as a mapping sees it: numbers and truth values as such, all else as the text that a record has for it."""
    if cell.sort == "list" and isinstance(cell.value, list) and depth < _DEPTH:
        return [item_value(_as_cell(one), depth + 1) for one in cell.value]
    value = from_cell(cell)
    return value if isinstance(value, bool | int | float | Decimal) else render(value)


def item_row(row: Sequence[Named], lower: bool) -> dict[str, object]:
    """Column → value; a name that comes again gets `_2`, `_3`, … at its end."""
    found: dict[str, object] = {}
    for named in row:
        name = plain = named.name.lower() if lower else named.name
        number = 1
        while name in found:
            number += 1
            name = f"{plain}_{number}"
        found[name] = item_value(named.cell)
    return found


def _as_cell(value: object) -> Cell:
    try:
        return msgspec.convert(value, Cell)
    except msgspec.ValidationError as error:
        raise SkippableRecord(f"a list holds what is no cell: {error}") from None


def _truth(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(f"{text!r} is neither true nor false")
    return text == "true"


_READ: dict[str, Callable[[str], object]] = {
    "bool": _truth,
    "int": int,
    "float": float,
    "text": str,
    "bytes": lambda text: b64decode(text, validate=True),
    "datetime": datetime.fromisoformat,
    "instant": datetime.fromisoformat,
    "decimal": Decimal,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "interval": lambda text: int(text) * _MICROSECOND,
    "uuid": UUID,
}
