"""Remembers what was handed over of the end of a table, so that it can be read again and each thing comes once.

Numbers and times are given before a transaction commits, so a row may turn up before rows that were read already. A
*mark* says which row was the last one at some moment. Once the window has passed since then, every transaction that
was open at that moment has ended, and nothing more turns up before that row: there the next reading begins (the
*floor*). Of every row from the floor on a digest is kept; a row that is there again with another digest was amended.
"""

import zlib
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import msgspec

from collectors.it.sql_reader import Position, Row
from collectors.it.sql_value import Cell
from ledger.core.clock import parse_utc
from ledger.core.errors import FatalSource
from ledger.core.run import SourceState

_MARKS = 50
"""At most about this many marks within a window."""
_BYTES = 3 * 1024 * 1024
"""Rows are remembered as long as they fit into this many bytes; with those of the run before, a snapshot holds them."""
_UNPACKED = 64 * 1024 * 1024
_ROW_BYTES = 32
_FUTURE = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """At that time (`utc_text`) the row at the place with that digest was the last one."""

    at: str
    place: str


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """`floor`: where the next reading begins; null at the start. `at`: when the last whole reading ended.

    `number` is the highest of the source's gap-free numbers, `order` the columns that positions are made of.
    """

    order: tuple[str, ...]
    floor: Position | None = None
    at: str | None = None
    marks: tuple[Mark, ...] = ()
    number: str | None = None


Memory = dict[str, list[str]]
"""Place → digests of the rows there, in the database's order."""


def place_of(position: Position) -> str:
    """A position as text."""
    return msgspec.json.encode(position).decode()


def read_memory(state: SourceState) -> Memory:
    """What the last run remembered; raises FatalSource for a snapshot that no run of this type left."""
    if state.snapshot is None:
        return {}
    try:
        text = zlib.decompressobj().decompress(state.snapshot, _UNPACKED)
        return msgspec.json.decode(text, type=Memory)
    except (zlib.error, msgspec.DecodeError) as error:
        raise FatalSource(
            f"the snapshot of source {state.source!r} cannot be read: {error}",
            advice="It was written by another collector version; register the source anew under another id.",
        ) from None


class Window:
    """What one run knows: `before` of the runs before, and what it has read and handed over itself."""

    def __init__(self, cursor: Cursor, before: Memory, most: int, now_us: int) -> None:
        self._cursor = cursor
        self._left = dict(before)
        self._read: Memory = {}
        self._rows = 0
        self._bytes = 0
        self._most = most
        self._latest = _EPOCH + timedelta(microseconds=now_us) + _FUTURE
        self._floor = cursor.floor
        self.gone: list[str] = []
        """Places where rows were that are there no longer."""
        self.last: str | None = None
        """Place of the last row whose time is not in the future: rows with true times come before one that is."""

    def fresh(self, group: Sequence[Row]) -> list[tuple[Row, int]]:
        """The rows of a group that were not handed over yet, each with its number among rows that are all the same."""
        place = place_of(group[0].position)
        known = Counter(self._left.pop(place, ()))
        seen: Counter[str] = Counter()
        kept: list[str] = []
        new: list[tuple[Row, int]] = []
        for row in group:
            if known[row.digest] > 0:
                known[row.digest] -= 1
                kept.append(row.digest)
            else:
                new.append((row, seen[row.digest]))
            seen[row.digest] += 1
        if known.total() > len(new):
            self.gone.append(place)
        if not self._in_the_future(group[0].position):
            self.last = place
        self._remember(place, kept)
        return new

    def taken(self, row: Row) -> None:
        """The row is in the batch that comes next."""
        self._remember(place_of(row.position), [row.digest])

    def finish(self) -> None:
        """The table was read to its end: what was not found again is gone."""
        self.gone += self._left
        self._left = {}

    def state(self) -> tuple[Position | None, bytes]:
        """Floor and snapshot with which the next run goes on where this one is."""
        return self._floor, zlib.compress(msgspec.json.encode({**self._read, **self._left}))

    def __len__(self) -> int:
        return self._rows + len(self._left)

    def _remember(self, place: str, digests: list[str]) -> None:
        if not digests:
            return
        if place not in self._read:
            self._read[place] = []
            self._bytes += len(place) + _ROW_BYTES
        self._read[place] += digests
        self._rows += len(digests)
        self._bytes += len(digests) * _ROW_BYTES
        while (self._rows > self._most or self._bytes > _BYTES) and len(self._read) > 1:
            self._forget()

    def _in_the_future(self, position: Position) -> bool:
        if position[0].sort not in ("datetime", "instant", "date"):
            return False
        moment = datetime.fromisoformat(position[0].value)
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)) > self._latest

    def _forget(self) -> None:
        first = next(iter(self._read))
        digests = self._read.pop(first)
        self._rows -= len(digests)
        self._bytes -= len(first) + _ROW_BYTES * (1 + len(digests))
        self._floor = _position(next(iter(self._read)))
        if self._in_the_future(self._floor):
            raise FatalSource(
                f"more rows than the window holds have a time in the future, from {self._floor[0].value} on",
                advice="Correct the source's clock; order by a number, or set `window_rows` higher, to go on.",
            )


def settle(cursor: Cursor, memory: Memory, now_us: int, window_us: int) -> tuple[Cursor, Memory]:
    """Where a run begins: what was settled by the marks is neither read nor remembered any longer."""
    digests = {_digest(place): place for place in memory}
    ripe = [mark for mark in cursor.marks if mark.place in digests and parse_utc(mark.at) + window_us <= now_us]
    if not ripe:
        return cursor, memory
    first = _position(digests[ripe[-1].place])[0]
    if cursor.floor is not None and cursor.floor[0] == first:
        return cursor, memory
    places = list(memory)
    start = next(at for at, place in enumerate(places) if _position(place)[0] == first)
    kept = {place: memory[place] for place in places[start:]}
    marks = tuple(mark for mark in cursor.marks if digests.get(mark.place) in kept)
    return msgspec.structs.replace(cursor, floor=(first,), marks=marks), kept


def marked(marks: Sequence[Mark], last: str | None, at: str, window_us: int) -> tuple[Mark, ...]:
    """The marks with one for the reading that ended at `at`, unless there is one for that row, or one just before."""
    if last is None or any(mark.place == _digest(last) for mark in marks):
        return tuple(marks)
    if marks and parse_utc(at) - parse_utc(marks[-1].at) < window_us // _MARKS:
        return tuple(marks)
    return (*marks, Mark(at, _digest(last)))


def _digest(place: str) -> str:
    return sha256(place.encode()).hexdigest()[:24]


def _position(place: str) -> Position:
    try:
        return msgspec.json.decode(place, type=tuple[Cell, ...])
    except msgspec.DecodeError as error:
        raise FatalSource(f"a place in the snapshot cannot be read: {error}") from None
