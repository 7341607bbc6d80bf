"""Finds the runs whose records lay at their source for longer than the limit that is set; once a run.

A run is judged as it came: by the limits as of its entry. What came before the first limit was set is not judged, nor
what was imported: an old system's trail lay there for years, as its statement says.
"""

from bisect import bisect_right
from itertools import groupby
from typing import Final

import msgspec
from sqlalchemy import Connection, and_, select

from ledger.core.clock import MICROSECONDS
from ledger.core.entry import draft
from ledger.core.parameters import Exposure, ParameterName, most_specific
from ledger.core.source import ARCHIVE
from ledger.findings import tables as findings
from ledger.findings.kinds import Finding, FindingSort
from ledger.sources import tables as t
from ledger.sources.exposed import SHOWN
from ledger.sources.parameters import Held, Parameters
from ledger.store import schema
from ledger.store.position import index_of, pos_of
from ledger.store.reading import LogReader
from ledger.store.store import Store

RUNS: Final = 500
"""Runs that are judged in one snapshot."""


class _Over(msgspec.Struct, frozen=True):
    """A record that lay longer than a limit: its entry, how long, the limit and the entry that sets it."""

    index: int
    length_us: int
    limit_s: int
    by: int


class Exposing:
    """Judges the runs of one record log; one process at a time does, the one that leads."""

    def __init__(self, store: Store, log: int, parameters: Parameters) -> None:
        self._store = store
        self._log = log
        self._parameters = parameters
        self._judged: int | None = None
        """The entry up to which all runs are judged, as far as this process knows."""

    def judge(self) -> list[int]:
        """Enters a finding for each run since the last one judged that has records over its limit; their entries."""
        told: list[int] = []
        while True:
            with self._store.reading() as connection:
                found, judged = self._look(connection)
            if judged is None:
                return told
            told += [self._store.append_one(self._log, draft(finding)).index for finding in found]
            self._judged = judged

    def _look(self, connection: Connection) -> tuple[list[Finding], int | None]:
        """The findings about the next runs, and the last of those; None: there is no further one."""
        held = self._parameters.ever(connection, self._log, ParameterName.EXPOSURE)
        limits = [one.value.limit_s for one in held if isinstance(one.value, Exposure)]
        if not limits:
            return [], None
        # Another process may have led meanwhile.
        self._judged = max(self._judged or held[0].entry, self._told(connection))
        run, record = t.collection_run.c, schema.record.c
        runs = connection.execute(
            select(run.pos, run.source)
            .where(run.pos > pos_of(self._log, self._judged), run.pos < pos_of(self._log + 1, 0))
            .order_by(run.pos)
            .limit(RUNS)
        ).all()
        if not runs:
            return [], None
        places, length = [one.pos for one in runs], record.received_us - record.recorded_us
        # The records of a run stand before it, with no other run's between.
        rows = connection.execute(
            select(record.pos, record.object_type, record.at_us, length.label("length"))
            .where(
                record.pos > pos_of(self._log, self._judged),
                record.pos < places[-1],
                and_(record.recorded_us.is_not(None), length > min(limits) * MICROSECONDS),
            )
            .order_by(record.pos)
        )
        imported = self._imported(connection)
        found = []
        for place, members in groupby(rows, lambda row: bisect_right(places, row.pos)):
            index, source = index_of(places[place]), runs[place].source
            if source in imported:
                continue
            over = [
                _Over(index_of(row.pos), row.length, *limit)
                for row in members
                if (limit := _limit(held, index, source, row.object_type, row.at_us)) is not None
                and row.length > limit[0] * MICROSECONDS
            ]
            if over:
                found.append(_finding(index, source, over))
        return found, index_of(places[-1])

    def _told(self, connection: Connection) -> int:
        """The run that the newest finding is about; runs are judged in their order."""
        row = findings.finding.c
        newest = connection.scalar(
            select(row.pos)
            .where(
                row.sort == FindingSort.EXPOSURE_EXCEEDED.value,
                row.pos >= pos_of(self._log, 0),
                row.pos < pos_of(self._log + 1, 0),
            )
            .order_by(row.pos.desc())
            .limit(1)
        )
        if newest is None:
            return 0
        body = LogReader(connection, self._log).entry(index_of(newest)).body
        known = self._store.kinds["finding"].decode(body or b"")
        return known.entries[0] if isinstance(known, Finding) and known.entries else 0

    def _imported(self, connection: Connection) -> set[str]:
        row = t.source.c
        return set(connection.scalars(select(row.key).where(row.log == self._log, row.type == ARCHIVE)))


def _limit(held: list[Held], run: int, source: str, type_: str, at_us: int | None) -> tuple[int, int] | None:
    """The limit in seconds that held for a record as of its run, and the entry that sets it."""
    chosen = most_specific([one for one in held if one.at(run)], source, type_, at_us or 0)
    return None if chosen is None or not isinstance(chosen.value, Exposure) else (chosen.value.limit_s, chosen.entry)


def _finding(run: int, source: str, over: list[_Over]) -> Finding:
    longest = sorted(over, key=lambda one: (-one.length_us, one.index))
    worst = longest[0]
    detail = (
        f"Of run {run} of source {source}, {len(over)} records were received more than the limit after the source "
        f"recorded them, entry {worst.index} {worst.length_us / MICROSECONDS:.3f} s after; its limit is "
        f"{worst.limit_s} s (entry {worst.by}). Until then the source's administrator could have altered them unseen."
    )
    entries = (run, *(one.index for one in longest[:SHOWN]))
    return Finding(sort=FindingSort.EXPOSURE_EXCEEDED, source=source, entries=entries, detail=detail)
