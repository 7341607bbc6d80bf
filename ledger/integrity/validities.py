"""Level 2 of validities: each row opens, and closes, at the entry that says so."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Table

from ledger.core.projector import Valid
from ledger.integrity.compare import first_difference
from ledger.integrity.fault import Fault, first
from ledger.store import schema
from ledger.store.bulk import Bulk
from ledger.store.projections import Live

_Row = tuple[Any, ...]


class Validities:
    """All validities tables of one log beside a replay."""

    def __init__(self, connection: Connection, log: int, live: Live) -> None:
        names = [one.table for one in live.validities]
        self._tables = [_Table(connection, log, schema.metadata.tables[name]) for name in names]

    def compare(self, low: int, high: int, changes: Sequence[tuple[str, int, Valid]]) -> Fault | None:
        """The first fault among the rows that open or close at the entries of this range."""
        return first(
            table.compare(low, high, [(index, change) for name, index, change in changes if name == table.name])
            for table in self._tables
        )


class _Table:
    def __init__(self, connection: Connection, log: int, table: Table) -> None:
        self.name = table.name
        self._log = log
        self._bulk = Bulk(connection)
        self._columns = [column.name for column in table.columns]
        self._to = self._columns.index("to_index")
        self._select = f"SELECT {', '.join(self._columns)} FROM {table.name} WHERE log = ?"

    def compare(self, low: int, high: int, changes: Sequence[tuple[int, Valid]]) -> Fault | None:
        opened, closed = self._replay(low, changes)
        # A row may close after this range: as of its end it is open still.
        stored = [
            self._as_of(high, row)
            for row in self._bulk.all(f"{self._select} AND from_index >= ? AND from_index < ?", (self._log, low, high))
        ]
        found = [self._fault("from_index", opened, stored)]
        ended = self._bulk.all(f"{self._select} AND to_index >= ? AND to_index < ?", (self._log, low, high))
        found.append(self._fault("to_index", closed, ended))
        return first(found)

    def _replay(self, low: int, changes: Sequence[tuple[int, Valid]]) -> tuple[list[_Row], list[_Row]]:
        """The rows that these entries open (closed again, where they are), and all that they close."""
        current: dict[str, _Row | None] = {}
        opened: dict[tuple[str, int], _Row] = {}
        closed: list[_Row] = []
        for index, change in changes:
            before = current[change.key] if change.key in current else self._open_before(low, change.key)
            if before is not None:
                ended = (*before[: self._to], index, *before[self._to + 1 :])
                closed.append(ended)
                if (change.key, before[2]) in opened:
                    opened[change.key, before[2]] = ended
            row = None if change.values is None else (self._log, change.key, index, None, *change.values)
            current[change.key] = row
            if row is not None:
                opened[change.key, index] = row
        return list(opened.values()), closed

    def _open_before(self, low: int, key: str) -> _Row | None:
        """The row of a key that was open before this range, as of then."""
        rows = self._bulk.all(
            f"{self._select} AND key = ? AND from_index < ? AND (to_index IS NULL OR to_index >= ?)",
            (self._log, key, low, low),
        )
        return rows[-1] if rows else None

    def _as_of(self, high: int, row: _Row) -> _Row:
        until = row[self._to]
        return (*row[: self._to], None, *row[self._to + 1 :]) if isinstance(until, int) and until >= high else row

    def _fault(self, position: str, expected: list[_Row], stored: list[_Row]) -> Fault | None:
        difference = first_difference(self._columns, position, expected, stored)
        if difference is None:
            return None
        return Fault(
            log=self._log, index=difference.pos, table=self.name, column=difference.column, what=difference.what
        )
