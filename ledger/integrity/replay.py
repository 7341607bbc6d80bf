"""Level 2 over a span of one log: every row of every projection equals what a replay of the entries gives.

Facts tables are read in order of entry beside the replay, a range at a time; of validities tables every opening and
closing within the span is compared. What a span's replay starts from is what the rows before it say: those were
compared by the spans before.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Table

from ledger.core.entry import Entry
from ledger.core.errors import LedgerError
from ledger.core.kinds import KindRegistry
from ledger.core.projector import Valid
from ledger.integrity.compare import first_difference
from ledger.integrity.entries import RANGE, Unreadable, read_entries
from ledger.integrity.fault import Fault, first
from ledger.integrity.streams import DRIVER_ERRORS, Stream, stream
from ledger.integrity.validities import Validities
from ledger.integrity.vault import VaultCheck
from ledger.store import schema
from ledger.store.bulk import Bulk
from ledger.store.gone import Gone
from ledger.store.position import index_of, pos_of
from ledger.store.projections import Live, Rows


def replay_span(
    connection: Connection,
    log: int,
    low: int,
    high: int,
    kinds: KindRegistry,
    live: Live,
    pulse: Callable[[int], None],
) -> Fault | None:
    """The first entry from `low` to before `high` whose projected rows or vault values are not what it gives."""
    replay = _Replay(connection, log, low, high, kinds, live)
    try:
        for at in range(low, high, RANGE):
            until = min(high, at + RANGE)
            fault = replay.range(at, until)
            if fault is not None:
                return fault
            pulse(until - at)
        return replay.finish()
    finally:
        replay.close()


def facts_tables(live: Live) -> list[str]:
    """The facts tables that have a row position, by name."""
    names = [name for one in live.facts for name in one.tables]
    return [name for name in names if "pos" in schema.metadata.tables[name].columns]


class _Replay:
    def __init__(self, connection: Connection, log: int, low: int, high: int, kinds: KindRegistry, live: Live) -> None:
        self._connection = connection
        self._log = log
        self._kinds = kinds
        self._live = live
        self._span = (pos_of(log, low), pos_of(log, high))
        tables = [schema.metadata.tables[name] for name in facts_tables(live)]
        self._facts = {table.name: _Facts(connection, table, self._span) for table in tables}
        self._validities = Validities(connection, log, live)
        self._gone = Gone()
        self._vault = VaultCheck(connection, log, self._span)

    def range(self, low: int, high: int) -> Fault | None:
        rows: Rows = {name: [] for name in self._facts}
        changes: list[tuple[str, int, Valid]] = []
        found: list[Fault | None] = []
        entries = []
        try:
            for entry in read_entries(self._connection, self._log, low, high, self._kinds, self._gone):
                self._project(entry, rows, changes)
                entries.append(entry)
        except Unreadable as error:
            # What stands before it may be wrong too: compared up to there.
            found.append(Fault(log=self._log, index=error.index, table="body", column="body", what=str(error)))
            high = error.index
        for name, facts in self._facts.items():
            found.append(facts.compare(self._log, low, high, rows[name]))
        found.append(self._validities.compare(low, high, changes))
        found.append(self._vault.compare(entries))
        return first(found)

    def _project(self, entry: Entry, rows: Rows, changes: list[tuple[str, int, Valid]]) -> None:
        try:
            self._live.project(entry, rows, changes)
        except (LedgerError, ValueError, TypeError) as error:
            raise Unreadable(entry.index, f"the body cannot be projected: {error}") from None

    def finish(self) -> Fault | None:
        """What is left in the span though no entry gives it."""
        found = [facts.left_over(self._log) for facts in self._facts.values()]
        return first([*found, self._vault.left_over()])

    def close(self) -> None:
        for facts in self._facts.values():
            facts.close()
        self._vault.close()


class _Facts:
    """One facts table beside the replay."""

    def __init__(self, connection: Connection, table: Table, span: tuple[int, int]) -> None:
        self._name = table.name
        self._columns = [column.name for column in table.columns]
        self._at = self._columns.index("pos")
        self._select = f"SELECT {', '.join(self._columns)} FROM {table.name}"
        self._bulk = Bulk(connection)
        self._stream: Stream = stream(connection, self._select, span)

    def compare(self, log: int, low: int, high: int, expected: list[tuple[Any, ...]]) -> Fault | None:
        try:
            taken = self._stream.take(len(expected))
            # Rows of one entry may come in another order than the projector gave them.
            if taken == expected or first_difference(self._columns, "pos", expected, taken) is None:
                return None
            span = (pos_of(log, low), pos_of(log, high))
            if taken and taken[0][self._at] < span[0]:
                return self._stray(log, taken[0])  # it stood after the last row that the range before was due
            stored = self._bulk.all(f"{self._select} WHERE pos >= ? AND pos < ?", span)
        except DRIVER_ERRORS as error:
            return Fault(log=log, index=low, table=self._name, what=f"cannot be read: {error}")
        difference = first_difference(self._columns, "pos", expected, stored)
        if difference is None:
            return None
        index = index_of(difference.pos)
        return Fault(log=log, index=index, table=self._name, column=difference.column, what=difference.what)

    def left_over(self, log: int) -> Fault | None:
        rows = self._stream.take(1)
        return self._stray(log, rows[0]) if rows else None

    def _stray(self, log: int, row: tuple[Any, ...]) -> Fault:
        index = index_of(row[self._at])
        return Fault(log=log, index=index, table=self._name, what="there is a row that no entry gives")

    def close(self) -> None:
        self._stream.close()
