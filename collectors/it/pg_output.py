"""Reads the messages of PostgreSQL's own output plugin `pgoutput`, protocol version 1, one at a time.

The form is in the PostgreSQL manual, "Logical Replication Message Formats". Values are the server's texts; those of
types whose texts are plain (truth values, integers, decimals, bytes) become values of that type.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

import msgspec

from ledger.core.errors import SkippableRecord

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MOST_COLUMNS = 1664
"""A PostgreSQL table has no more."""
_KEY = 1


class Begin(msgspec.Struct, frozen=True, kw_only=True):
    """A transaction: where its commit stands in the log, when it was committed (ISO 8601, UTC), its number."""

    commit_lsn: str
    at: str
    xid: str


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a transaction, and where the log goes on after it."""

    commit_lsn: str
    end_lsn: str


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column of a relation; `key`: it is part of the replica identity."""

    name: str
    type: int
    key: bool


class Relation(msgspec.Struct, frozen=True, kw_only=True):
    """A table as it was when its rows changed."""

    oid: int
    schema: str
    name: str
    identity: str
    columns: tuple[Column, ...]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What an application wrote into the log by `pg_logical_emit_message`."""

    transactional: bool
    prefix: str
    content: bytes


class Tuple(msgspec.Struct, frozen=True, kw_only=True):
    """A row's cells in the relation's order: bytes of a text, null, or `UNCHANGED`. `whole`: not of the key alone."""

    cells: tuple[bytes | msgspec.UnsetType | None, ...]
    whole: bool = True


UNCHANGED = msgspec.UNSET
"""The value is kept out of the row (TOAST) and did not change."""


class RowChange(msgspec.Struct, frozen=True, kw_only=True):
    """A row that came, changed or went; or, of a truncation, the relations."""

    kind: str
    relations: tuple[int, ...]
    old: Tuple | None = None
    new: Tuple | None = None


Decoded = Begin | Commit | Relation | Message | RowChange | None
"""None: a message that says nothing of rows (a type's name, an origin)."""


def decode(data: bytes) -> Decoded:
    """One message; raises SkippableRecord for bytes that are none."""
    reader = _Reader(data)
    try:
        kind = reader.take(1).decode("ascii")
        if kind in ("Y", "O"):
            return None
        found = _KINDS[kind](reader)
    except (KeyError, ValueError, struct.error, OverflowError) as error:
        raise SkippableRecord(f"not a message of pgoutput: {error.__class__.__name__}: {error}") from None
    if reader.left:
        raise SkippableRecord(f"a message of pgoutput with {reader.left} bytes too many")
    return found


def values(row: Tuple, columns: Sequence[Column]) -> dict[str, object]:
    """Column → value, those alone that the row has; raises SkippableRecord where row and relation do not fit."""
    if len(row.cells) != len(columns):
        raise SkippableRecord(f"a row of {len(row.cells)} columns in a relation of {len(columns)}")
    return {
        column.name: None if cell is None else _value(cell, column.type)
        for column, cell in zip(columns, row.cells, strict=True)
        if not isinstance(cell, msgspec.UnsetType) and (row.whole or column.key)
    }


def _value(cell: bytes, type_oid: int) -> object:
    text = cell.decode("utf-8", "replace")
    try:
        return _TYPES.get(type_oid, str)(text)
    except (ValueError, InvalidOperation):
        return text


def _truth(text: str) -> object:
    return {"t": True, "f": False}.get(text, text)


def _decimal(text: str) -> object:
    found = Decimal(text)
    return found if found.is_finite() else text


def _bytes(text: str) -> object:
    return bytes.fromhex(text[2:]).hex() if text.startswith("\\x") else text


_TYPES: Mapping[int, Callable[[str], object]] = {
    16: _truth,
    17: _bytes,
    20: int,
    21: int,
    23: int,
    26: int,
    28: int,
    1700: _decimal,
}
"""Object id of a built-in type → what its text becomes; those ids never change."""


class _Reader:
    """Takes parts off the front of a message; raises ValueError at its end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def take(self, count: int) -> bytes:
        if count < 0 or count > self.left:
            raise ValueError(f"{count} bytes are wanted at {self._at}, {self.left} are left")
        self._at += count
        return self._data[self._at - count : self._at]

    def number(self, form: str) -> int:
        found: int = struct.unpack(f">{form}", self.take(struct.calcsize(f">{form}")))[0]
        return found

    def text(self) -> str:
        end = self._data.index(b"\x00", self._at)
        found = self.take(end - self._at)
        self._at += 1
        return found.decode("utf-8", "replace")

    def lsn(self) -> str:
        found = self.number("Q")
        return f"{found >> 32:X}/{found & 0xFFFFFFFF:X}"

    def moment(self) -> str:
        return (_EPOCH + timedelta(microseconds=self.number("q"))).isoformat(timespec="microseconds")


def _begin(reader: _Reader) -> Begin:
    return Begin(commit_lsn=reader.lsn(), at=reader.moment(), xid=str(reader.number("I")))


def _commit(reader: _Reader) -> Commit:
    reader.take(1)
    found = Commit(commit_lsn=reader.lsn(), end_lsn=reader.lsn())
    reader.moment()
    return found


def _relation(reader: _Reader) -> Relation:
    oid, schema, name = reader.number("I"), reader.text() or "pg_catalog", reader.text()
    identity = reader.take(1).decode("ascii")
    columns = []
    for _ in range(_count(reader)):
        key = bool(reader.number("B") & _KEY)
        columns.append(Column(key=key, name=reader.text(), type=reader.number("I")))
        reader.take(4)
    return Relation(oid=oid, schema=schema, name=name, identity=identity, columns=tuple(columns))


def _message(reader: _Reader) -> Message:
    transactional = bool(reader.number("B") & 1)
    reader.lsn()
    return Message(transactional=transactional, prefix=reader.text(), content=reader.take(reader.number("I")))


def _insert(reader: _Reader) -> RowChange:
    oid = reader.number("I")
    _expect(reader, b"N")
    return RowChange(kind="insert", relations=(oid,), new=_tuple(reader))


def _update(reader: _Reader) -> RowChange:
    oid, mark, old = reader.number("I"), reader.take(1), None
    if mark in (b"K", b"O"):
        old = _tuple(reader, whole=mark == b"O")
        mark = reader.take(1)
    if mark != b"N":
        raise ValueError(f"no new row but {mark!r}")
    return RowChange(kind="update", relations=(oid,), old=old, new=_tuple(reader))


def _delete(reader: _Reader) -> RowChange:
    oid, mark = reader.number("I"), reader.take(1)
    if mark not in (b"K", b"O"):
        raise ValueError(f"no old row but {mark!r}")
    return RowChange(kind="delete", relations=(oid,), old=_tuple(reader, whole=mark == b"O"))


def _truncate(reader: _Reader) -> RowChange:
    count = reader.number("I")
    reader.take(1)
    if count * 4 != reader.left:
        raise ValueError(f"{count} relations in {reader.left} bytes")
    return RowChange(kind="truncate", relations=tuple(reader.number("I") for _ in range(count)))


def _tuple(reader: _Reader, whole: bool = True) -> Tuple:
    cells: list[bytes | msgspec.UnsetType | None] = []
    for _ in range(_count(reader)):
        mark = reader.take(1)
        if mark == b"t":
            cells.append(reader.take(reader.number("I")))
        elif mark in (b"n", b"u"):
            cells.append(None if mark == b"n" else UNCHANGED)
        else:
            raise ValueError(f"a cell of sort {mark!r}")
    return Tuple(cells=tuple(cells), whole=whole)


def _count(reader: _Reader) -> int:
    count = reader.number("H")
    if count > _MOST_COLUMNS:
        raise ValueError(f"{count} columns")
    return count


def _expect(reader: _Reader, mark: bytes) -> None:
    if (found := reader.take(1)) != mark:
        raise ValueError(f"{found!r} instead of {mark!r}")


_KINDS: Mapping[str, Callable[[_Reader], Decoded]] = {
    "B": _begin,
    "C": _commit,
    "R": _relation,
    "M": _message,
    "I": _insert,
    "U": _update,
    "D": _delete,
    "T": _truncate,
}
