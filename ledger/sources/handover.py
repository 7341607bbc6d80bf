"""From an old audit trail to live collection: what was imported, from when on is collected, what lies between."""

from collections.abc import Iterable, Iterator
from enum import StrEnum

import msgspec
from sqlalchemy import Connection, func, select

from ledger.core.clock import parse_utc, utc_text
from ledger.core.record import Interval
from ledger.sources import tables
from ledger.sources.coverage import Coverage, Span
from ledger.sources.import_kinds import ImportState
from ledger.sources.imports import Imports, Known
from ledger.store import schema
from ledger.store.position import index_of, pos_of
from ledger.store.store import Store


class Seam(StrEnum):
    """How import and live collection meet."""

    GAP = "gap"
    OVERLAP = "overlap"
    UNKNOWN = "not assessable"


class Handover(msgspec.Struct, frozen=True, kw_only=True):
    """An import, and the source that is collected live in its place (None: none was named).

    `first_run` is the live source's first; `early` counts its records of before `live_from`. `between`: the gap that
    neither knows anything of, or the overlap that both know of.
    """

    imported: str
    archive: str
    state: ImportState
    entry: int
    last_imported: str | None
    live: str | None
    live_from: str | None
    first_run: int | None
    first_run_at: str | None
    first_live: str | None
    early: int
    seam: Seam
    between: Interval | None


def handovers(store: Store, log: int, source: str) -> list[Handover]:
    """Those of an archive, or of the live source that goes on where archives end."""
    found = [one for one in Imports(store, log).list() if source in (one.last.source, one.last.continues_in)]
    with store.reading() as connection:
        return [_handover(connection, log, one) for one in found]


def imported_spans(imports: Iterable[Known]) -> Iterator[Span]:
    """What is covered of an old system's time: from the first imported event to the last, where the figures agree."""
    for known in imports:
        outcome = known.last.outcome
        if outcome is None or outcome.last_run is None or not outcome.first_occurred or not outcome.last_occurred:
            continue
        sure = known.state in (ImportState.RECONCILED, ImportState.TRUE_COPY)
        yield Span(
            after=outcome.first_occurred,
            before=outcome.last_occurred,
            state=Coverage.COVERED if sure else Coverage.GAP,
            run=outcome.last_run,
            reason=f"import {known.last.id} is {known.state.value}: {outcome.counts.records} records",
        )


def first_run_at(store: Store, log: int, source: str) -> str | None:
    """When the first run of a source began."""
    with store.reading() as connection:
        _, at = _first_run(connection, log, source)
    return at


def sentences(one: Handover) -> list[str]:
    """The handover in words, for statements about either source."""
    stands = f"import {one.imported} is {one.state.value} (entry {one.entry})"
    told = [
        f"the records of {one.archive} are imported, not collected live: {stands}",
        f"the last of them happened at {one.last_imported or 'a time that is not said'}",
    ]
    if one.live is None:
        return told
    if one.live_from is None:
        told.append(f"live collection by {one.live} has not begun")
        return told
    told.append(f"live collection by {one.live} begins at {one.live_from}")
    if one.early:
        told.append(f"{one.early} records of {one.live} are of before that")
    if one.between is None:
        told.append("whether a gap lies between import and live collection is not assessable")
    elif one.seam is Seam.GAP:
        told.append(f"between {one.between.after} and {one.between.before} neither import nor live collection reaches")
    else:
        told.append(f"import and live collection overlap from {one.between.after} to {one.between.before}")
    return told


def _handover(connection: Connection, log: int, known: Known) -> Handover:
    body = known.last
    last = None if body.outcome is None else body.outcome.last_occurred
    live, run, at, first, early = body.continues_in, None, None, None, 0
    if live is not None:
        run, at = _first_run(connection, log, live)
        record = schema.metadata.tables["record"].c
        of_live = (record.source == live, record.pos >= pos_of(log, 0), record.pos < pos_of(log + 1, 0))
        earliest = connection.scalar(select(func.min(record.occurred_us)).where(*of_live))
        first = None if earliest is None else utc_text(earliest)
        if body.live_from is not None:
            before = parse_utc(body.live_from)
            early = connection.scalar(select(func.count()).where(*of_live, record.occurred_us < before)) or 0
    reach = min((one for one in (at, first) if one is not None), default=None)
    seam, between = Seam.UNKNOWN, None
    if last is not None and reach is not None:
        seam = Seam.GAP if last < reach else Seam.OVERLAP
        between = Interval(after=min(last, reach), before=max(last, reach))
    return Handover(
        imported=body.id,
        archive=body.source,
        state=known.state,
        entry=known.entry,
        last_imported=last,
        live=live,
        live_from=body.live_from or at,
        first_run=run,
        first_run_at=at,
        first_live=first,
        early=early,
        seam=seam,
        between=between,
    )


def _first_run(connection: Connection, log: int, source: str) -> tuple[int | None, str | None]:
    row = tables.collection_run.c
    found = connection.execute(
        select(row.pos, row.started_us)
        .where(row.source == source, row.pos >= pos_of(log, 0), row.pos < pos_of(log + 1, 0))
        .order_by(row.pos)
        .limit(1)
    ).one_or_none()
    return (None, None) if found is None else (index_of(found.pos), utc_text(found.started_us))
