"""Coverage of a source over time: proven by its runs, or visibly missing.

A run covers the time from the end of the source's run before to its own end, less what it says it could not know. The
time before the first run began is not covered, but for what that run found.
"""

from collections.abc import Iterator
from enum import StrEnum

import msgspec
from sqlalchemy import select

from ledger.sources import tables
from ledger.sources.kinds import CollectionRun
from ledger.store.position import index_of, pos_of
from ledger.store.reading import LogReader
from ledger.store.store import Store


class Coverage(StrEnum):
    """What is known of a stretch of a source's time. `before` its first run began and, `not-yet`, after its last ended
    nothing is.
    """

    COVERED = "covered"
    UNREACHABLE = "unreachable"
    GAP = "gap"
    BEFORE = "before"
    NOT_YET = "not-yet"


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a source's time between two UTC instants, and the run (entry index) that says so."""

    after: str
    before: str
    state: Coverage
    run: int
    reason: str


def spans(store: Store, log: int, source: str) -> Iterator[Span]:
    """What every run of a source says of its time, in the order of the runs."""
    row = tables.collection_run.c
    with store.reading() as connection:
        reader = LogReader(connection, log)
        runs = connection.scalars(
            select(row.pos)
            .where(row.source == source, row.pos >= pos_of(log, 0), row.pos < pos_of(log + 1, 0))
            .order_by(row.pos)
        ).all()
        ended = None
        for pos in runs:
            index = index_of(pos)
            body = reader.entry(index).body
            run = store.kinds["collection-run"].decode(body or b"")
            assert isinstance(run, CollectionRun)
            yield Span(
                after=ended or run.started_at,
                before=run.ended_at,
                state=Coverage.COVERED,
                run=index,
                reason=f"{run.records} records",
            )
            for interval in run.unreachable:
                yield Span(
                    after=interval.after,
                    before=interval.before,
                    state=Coverage.UNREACHABLE,
                    run=index,
                    reason="the source could not be reached",
                )
            for gap in run.gaps:
                yield Span(
                    after=gap.between.after,
                    before=gap.between.before,
                    state=Coverage.GAP,
                    run=index,
                    reason=f"{gap.subject}: {gap.reason}",
                )
            ended = run.ended_at
