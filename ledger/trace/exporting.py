"""The records that a search finds, column by column, as many as there are: for an export, and for a page of it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Column as StoredColumn

from ledger.core.errors import Conflict, InvalidEntry
from ledger.core.kinds import RECORD
from ledger.core.record import RecordBody
from ledger.sources.hand_marks import Marks, marks_of
from ledger.sources.maps import Used, persons_at, places_at
from ledger.store import schema
from ledger.store.by_column import Columns
from ledger.store.disposed import count_disposed
from ledger.store.logs import read_logs
from ledger.store.matching import require_members
from ledger.store.ordering import Sort
from ledger.store.position import MAX_INDEX
from ledger.store.question import Question
from ledger.store.reading import LogReader
from ledger.store.store import Store
from ledger.store.walking import Walk, columns_at
from ledger.trace.columns import PERSON, PLACE, Cell, Column, Read

CHUNK: Final = 16_384
"""Records that are read and written at once: memory is flat however many there are."""
ENTRIES: Final = 4096
"""The same, where the entry of each is read too."""
_NEWER: Final = frozenset({"role", "workstation", "at_us"})

Chunk = Iterable[Sequence[Cell]]
"""The cells of some records, column by column; each column has as many, and may be made when its turn comes."""


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown of each record: its columns, the zone of local times, and the sources that were imported.

    `size`: as of which its marks are told and the maps are asked; now, if none is given.
    """

    columns: tuple[Column, ...]
    zone: ZoneInfo
    old: frozenset[str]
    size: int | None = None

    def entries(self) -> bool:
        """Whether the entry of each record has to be read."""
        return any(column.body or column.leaf for column in self.columns)

    def reads(self) -> tuple[str, ...]:
        """The columns of the search's table that these are made from."""
        return tuple(dict.fromkeys(name for column in self.columns for name in column.reads))


def chunks(store: Store, log: int, size: int, question: Question, sort: Sort, table: Table) -> Iterator[Chunk]:
    """All records that match, in order, some at a time, each time in a snapshot of its own.

    Raises, at once, SchemaViolation where too many match for the order, and ConfigError where the tables are too old
    for a column; and later Conflict, where records of the log are disposed of meanwhile.
    """
    found = _chunks(store, log, size, question, sort, table)
    first = next(found, None)
    return iter(()) if first is None else chain((first,), found)


def cells(reader: LogReader, indices: Sequence[int], table: Table) -> Chunk:
    """The cells of these records, in the order given; raises NotFound for one that is not stored."""
    read = _read(reader, columns_at(reader.connection, reader.log, indices, _stored(reader, table)), table)
    return _made(read, table)


def _chunks(store: Store, log: int, size: int, question: Question, sort: Sort, table: Table) -> Iterator[Chunk]:
    walk, disposed = Walk(log, size, question, sort), None
    while True:
        with store.reader(log) as reader:
            now = count_disposed(reader.connection, log)
            if disposed not in (None, now):
                raise Conflict(
                    f"records of log {log} were disposed of meanwhile: some may be missing from what came so far",
                    advice="Throw away what came, and export again.",
                )
            disposed = now
            found = walk.columns(reader.connection, _stored(reader, table), ENTRIES if table.entries() else CHUNK)
            if not found[0]:
                return
            read = _read(reader, found, table)
        yield _made(read, table)


def _made(read: Read, table: Table) -> Chunk:
    return (column.make(read) for column in table.columns)


def _stored(reader: LogReader, table: Table) -> list[StoredColumn[Any]]:
    reads = table.reads()
    require_members(reader.connection, *(name for name in reads if name in _NEWER))
    return [schema.record.c[name] for name in reads]


def _read(reader: LogReader, found: Columns, table: Table) -> Read:
    positions, *columns = found
    indices = [pos & MAX_INDEX for pos in positions]
    leaves: list[bytes] = []
    bodies: list[RecordBody | None] = []
    if any(column.body for column in table.columns):
        for entry in reader.chosen(indices):
            leaves.append(entry.leaf)
            bodies.append(_record(entry.body))
    elif any(column.leaf for column in table.columns):
        leaves = list(reader.leaves(indices))
    rows = dict(zip(table.reads(), columns, strict=True))
    asked = (reader.connection, reader.log, table.size)
    persons = any(column.person for column in table.columns)
    places = any(column.place for column in table.columns)
    return Read(
        indices=indices,
        rows=rows,
        leaves=leaves,
        bodies=bodies,
        zone=table.zone,
        old=table.old,
        marks=_marked(reader, indices, table),
        persons=persons_at(*asked, _used(rows, PERSON)) if persons else (),
        places=places_at(*asked, _used(rows, PLACE)) if places else (),
    )


def _used(rows: Mapping[str, Sequence[Any]], names: tuple[str, ...]) -> list[Used]:
    return list(zip(*(rows[name] for name in names), strict=True))


def _marked(reader: LogReader, indices: list[int], table: Table) -> dict[int, Marks]:
    if not any(column.marked for column in table.columns):
        return {}
    (log,) = (log for log in read_logs(reader.connection) if log.number == reader.log)
    return marks_of(reader.connection, log, indices, table.size)


def _record(body: bytes | None) -> RecordBody | None:
    """The body as a record; None for one that was altered so that it is none."""
    try:
        found = None if body is None else RECORD.decode(body)
    except InvalidEntry:
        return None
    return found if isinstance(found, RecordBody) else None
