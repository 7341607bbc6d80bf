"""The records that a search finds, column by column, as many as there are: for an export, and for a page of it."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Column as StoredColumn

from ledger.core.errors import Conflict, InvalidEntry
from ledger.core.kinds import RECORD
from ledger.core.record import RecordBody
from ledger.store import schema
from ledger.store.disposed import count_disposed
from ledger.store.ordering import Sort
from ledger.store.position import index_of
from ledger.store.reading import LogReader
from ledger.store.search import Question, require_members
from ledger.store.store import Store
from ledger.store.walking import Rows, Walk, rows_at
from ledger.trace.columns import Cell, Column, Read

CHUNK: Final = 4096
"""Records that are read and written at once: memory is flat however many there are."""
_NEWER: Final = frozenset({"role", "workstation"})

Chunk = tuple[Sequence[Cell], ...]
"""The cells of some records, column by column; each column has as many."""


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown of each record: its columns, the zone of local times, and the sources that were imported."""

    columns: tuple[Column, ...]
    zone: ZoneInfo
    old: frozenset[str]

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
    rows = rows_at(reader.connection, reader.log, indices, _stored(reader, table))
    return _cells(reader, rows, table)


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
            rows = walk.rows(reader.connection, _stored(reader, table), CHUNK)
            if not rows:
                return
            made = _cells(reader, rows, table)
        yield made


def _stored(reader: LogReader, table: Table) -> list[StoredColumn[Any]]:
    reads = table.reads()
    require_members(reader.connection, *(name for name in reads if name in _NEWER))
    return [schema.record.c[name] for name in reads]


def _cells(reader: LogReader, rows: Rows, table: Table) -> Chunk:
    columns = list(zip(*rows, strict=True)) or [() for _ in range(1 + len(table.reads()))]
    indices = list(map(index_of, columns[0]))
    leaves: list[bytes] = []
    bodies: list[RecordBody | None] = []
    if any(column.body for column in table.columns):
        for entry in reader.chosen(indices):
            leaves.append(entry.leaf)
            bodies.append(_record(entry.body))
    elif any(column.leaf for column in table.columns):
        leaves = list(reader.leaves(indices))
    read = Read(
        indices=indices,
        rows=dict(zip(table.reads(), columns[1:], strict=True)),
        leaves=leaves,
        bodies=bodies,
        zone=table.zone,
        old=table.old,
    )
    return tuple(column.make(read) for column in table.columns)


def _record(body: bytes | None) -> RecordBody | None:
    """The body as a record; None for one that was altered so that it is none."""
    try:
        found = None if body is None else RECORD.decode(body)
    except InvalidEntry:
        return None
    return found if isinstance(found, RecordBody) else None
