"""What a source itself counts of its records, and which of them came by an import: held against the log by others."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, select

from ledger.core.kinds import KindRegistry
from ledger.core.signature import SignatureEntry
from ledger.review.known.days import DAY_US
from ledger.review.known.facts import Told
from ledger.signing.sign_off import TRUE_COPY
from ledger.sources import tables as t
from ledger.sources.import_kinds import ImportState
from ledger.sources.imported import Ended, ended
from ledger.sources.reconcile_kinds import Reconciliation
from ledger.store.logs import SYSTEM_LOG
from ledger.store.position import index_of, pos_of
from ledger.store.reading import LogReader, StoredEntry, body_of


class _Count(NamedTuple):
    """What a source counted of an interval as of a size, and whether the log has as many."""

    low_us: int
    high_us: int
    size: int
    holds: bool


class Counts:
    """The counts and imports of one source in a log, as of a size."""

    def __init__(
        self, connection: Connection, kinds: KindRegistry, log: int, size: int, source: str,
        signatures_over: Callable[[int], Sequence[int]],
    ) -> None:  # fmt: skip
        """`signatures_over`: the entries of the system log that sign an entry of this one."""
        reader = LogReader(connection, log)
        self._imports = [one for one in ended(reader, kinds, size, source) if one.outcome.last_run is not None]
        system = LogReader(connection, SYSTEM_LOG)
        self._copies = {
            one.entry
            for one in self._imports
            if one.state is ImportState.TRUE_COPY
            and any(_attests(system.entry(index), kinds) for index in signatures_over(one.entry))
        }
        row = t.reconciliation.c
        self._reader = reader
        self._kind = kinds["reconciliation"]
        self._counts = select(row.pos, row.from_us, row.to_us, row.holds).where(
            row.source == source, row.pos >= pos_of(log, 0), row.pos < pos_of(log, size)
        )
        self._days: dict[int, list[_Count]] = {}

    def copied(self, told: Told) -> bool:
        """Whether a record came by an import that is attested to be a true copy."""
        return any(one.entry in self._copies for one in self._of(told))

    def counted(self, told: Told) -> bool | None:
        """Whether the newest count of the source that a record is in comes to what the log has; None: it is in none.

        An import counts as one where the old system's own figures were stated.
        """
        at_us = told.record.occurred_at.instant_us
        if at_us is not None:
            for one in self._on(at_us // DAY_US):
                if one.low_us <= at_us < one.high_us and told.index < one.size:
                    return one.holds
        found = [_figures_agree(one) for one in self._of(told)]
        return None if None in found or not found else all(found)

    def _on(self, day: int) -> Sequence[_Count]:
        """The counts that something of a day is in, newest first."""
        if day not in self._days:
            row = t.reconciliation.c
            there = self._counts.where(row.from_us < (day + 1) * DAY_US, row.to_us > day * DAY_US)
            self._days[day] = [
                _Count(low_us=low, high_us=high, size=self._size(index_of(pos)), holds=bool(holds))
                for pos, low, high, holds in self._reader.connection.execute(there.order_by(row.pos.desc())).all()
            ]
        return self._days[day]

    def _size(self, index: int) -> int:
        """As of which size a count was held against the log."""
        return body_of(self._reader.entry(index), self._kind, Reconciliation).size

    def _of(self, told: Told) -> Sequence[Ended]:
        return [one for one in self._imports if one.begun < told.index < (one.outcome.last_run or 0)]


def _attests(stored: StoredEntry, kinds: KindRegistry) -> bool:
    """Whether a signature means that what it covers is a true copy."""
    return body_of(stored, kinds["signature"], SignatureEntry).statement.meaning.code == TRUE_COPY.meaning


def _figures_agree(one: Ended) -> bool | None:
    """What differs from a stated figure is explained where it is a true copy; what nobody stated nobody counted."""
    if any(other.expected is None for other in one.outcome.differences):
        return None
    return one.state is not ImportState.OPEN
