"""Draws up the statement of completeness of a source over an interval of its time, as of a size of the log."""

from collections.abc import Iterator

import msgspec
from sqlalchemy import Connection, and_, func, select

from ledger.core.clock import utc_text
from ledger.core.completeness import (
    WORDS,
    CompletenessStatement,
    StatedExposure,
    StatedNumbers,
    StatedReconciliation,
    StatedStretch,
)
from ledger.core.errors import IntegrityError, NotFound, SchemaViolation
from ledger.core.hashing import ZERO_HASH, b64, leaf_hash
from ledger.core.kinds import KindRegistry
from ledger.core.record import Interval
from ledger.core.source import ARCHIVE, BY_HAND
from ledger.sources import tables as t
from ledger.sources.complete_kinds import CoverageStatement
from ledger.sources.coverage import Coverage
from ledger.sources.covering import Covered, cover, ran, received_of, require_interval
from ledger.sources.exposed import Exposed, exposed
from ledger.sources.kinds import CollectionRun
from ledger.sources.parameters import Parameters
from ledger.sources.reconcile_kinds import Reconciliation
from ledger.sources.sequences import SequenceReport, gaps
from ledger.store import schema
from ledger.store.position import index_of, pos_of
from ledger.store.reading import LogReader, body_of
from ledger.store.schema import as_of

_SAYS = {
    Coverage.UNREACHABLE: "the source could not be reached",
    Coverage.GAP: "something is known to be missing",
    Coverage.BEFORE: "it was not collected yet",
    Coverage.NOT_YET: "no run has reached it yet",
}


class At(msgspec.Struct, frozen=True, kw_only=True):
    """Of which log and checkpoint a statement is."""

    log: int
    origin: str
    size: int
    root: bytes


class _Runs(msgspec.Struct, frozen=True, kw_only=True):
    """The runs that reach over an interval, all of them from the first to the last."""

    first: int | None = None
    last: int | None = None
    runs: int = 0
    records: int = 0
    duplicates: int = 0
    quarantined: int = 0
    chain_before: bytes = ZERO_HASH
    chain_after: bytes = ZERO_HASH


class Stated(msgspec.Struct, frozen=True, kw_only=True):
    """That a statement was made, and the entry that says so; its file is where it was kept."""

    entry: int
    statement: CoverageStatement


def stated(
    connection: Connection, kinds: KindRegistry, log: int, source: str, after: int = -1, limit: int = 100
) -> list[Stated]:
    """The statements that were made of a source, oldest first, behind an entry."""
    row = t.coverage_statement.c
    places = connection.scalars(
        select(row.pos)
        .where(row.source == source, row.pos > pos_of(log, 0) + after, row.pos < pos_of(log + 1, 0))
        .order_by(row.pos)
        .limit(limit)
    ).all()
    found = []
    for stored in LogReader(connection, log).chosen([index_of(pos) for pos in places]):
        body = body_of(stored, kinds["coverage-statement"], CoverageStatement)
        found.append(Stated(entry=stored.index, statement=body))
    return found


def state(
    connection: Connection, kinds: KindRegistry, parameters: Parameters, at: At, source: str, from_us: int, to_us: int
) -> CompletenessStatement:
    """The statement about a source's time from `from_us` to before `to_us`.

    Raises NotFound for a source that was not registered by then, SchemaViolation for an interval that is none and for
    an archive, whose imports are stated to be true copies instead, and for a source that is entered by hand.
    """
    require_interval(from_us, to_us)
    row = t.source.c
    found = connection.execute(
        select(row.title, row.type).where(row.log == at.log, row.key == source, as_of(t.source, at.size))
    ).one_or_none()
    if found is None:
        raise NotFound(f"no source {source!r} is registered", advice="See `trailseal source list`.")
    if found.type == ARCHIVE:
        raise SchemaViolation(
            f"source {source!r} was imported, not collected", advice="See `trailseal imports true-copy`."
        )
    if found.type == BY_HAND:
        raise SchemaViolation(
            f"source {source!r} is entered by hand: what nobody entered cannot be known",
            advice="State a source that is collected.",
        )
    covered = cover(connection, kinds, at.log, at.size, source, from_us, to_us)
    runs = _reaching(connection, at, source, from_us, to_us)
    record = schema.record.c
    mine = received_of(at.log, at.size, source)
    inside = and_(record.at_us >= from_us, record.at_us < to_us)
    dated = connection.scalar(select(func.count()).where(mine, inside)) or 0
    of_runs = within = 0
    if runs.first is not None and runs.last is not None:
        between = and_(
            mine, record.pos > _before(connection, at, source, runs.first), record.pos < pos_of(at.log, runs.last)
        )
        of_runs = connection.scalar(select(func.count()).where(between)) or 0
        within = connection.scalar(select(func.count()).where(between, inside)) or 0
    numbers = gaps(connection, parameters, at.log, at.size, source, from_us, to_us)
    exposure = exposed(connection, parameters, at.log, at.size, source, from_us, to_us)
    reconciled = tuple(_reconciled(LogReader(connection, at.log), kinds, at.size, source, from_us, to_us))
    return CompletenessStatement(
        origin=at.origin,
        source=source,
        title=found.title,
        type=found.type,
        between=Interval(after=utc_text(from_us), before=utc_text(to_us)),
        size=at.size,
        root=b64(at.root),
        words=WORDS,
        runs=runs.runs,
        first_run=runs.first,
        last_run=runs.last,
        chain_before=b64(runs.chain_before),
        chain_after=b64(runs.chain_after),
        records=runs.records,
        dated=dated,
        dated_elsewhere=dated - within,
        duplicates=runs.duplicates,
        quarantined=runs.quarantined,
        disposed=runs.records - of_runs,
        stretches=tuple(_stretches(covered)),
        sequence=_numbers(numbers),
        exposure=_exposure(exposure),
        reconciliations=reconciled,
        not_known=tuple(_not_known(covered, numbers, exposure, runs, reconciled)),
    )


def leaf_hashes(reader: LogReader, kinds: KindRegistry, statement: CompletenessStatement) -> Iterator[bytes]:
    """The leaf hashes of all records of the statement's runs, in their order: what its chain is over."""
    if statement.first_run is None or statement.last_run is None:
        return
    row = t.collection_run.c
    low, high = pos_of(reader.log, statement.first_run), pos_of(reader.log, statement.last_run)
    runs = reader.connection.scalars(
        select(row.pos)
        .where(ran(reader.log, statement.size, statement.source), row.pos >= low, row.pos <= high, row.records > 0)
        .order_by(row.pos)
    ).all()
    for stored in reader.chosen(index_of(pos) for pos in runs):
        run = body_of(stored, kinds["collection-run"], CollectionRun)
        if run.first is None:
            raise IntegrityError(f"entry {stored.index} of log {reader.log} is no run with records: verify the ledger")
        for _, leaf, _, _ in reader.rows(run.first, run.first + run.records):
            yield leaf_hash(leaf)


def _reaching(connection: Connection, at: At, source: str, from_us: int, to_us: int) -> _Runs:
    """The runs from the one that reached into the interval to the one that left it; else to the newest."""
    row = t.collection_run.c
    every = ran(at.log, at.size, source)
    began = connection.scalar(select(func.min(row.started_us)).where(every))
    first = connection.scalar(select(func.min(row.pos)).where(every, row.ended_us > from_us))
    if first is None or began is None or began >= to_us:
        return _Runs()
    last = connection.scalar(select(func.min(row.pos)).where(every, row.ended_us >= to_us))
    if last is None:
        last = connection.scalar(select(func.max(row.pos)).where(every))
    chosen = and_(every, row.pos >= first, row.pos <= last)
    count, records, duplicates, quarantined = connection.execute(
        select(func.count(), func.sum(row.records), func.sum(row.duplicates), func.sum(row.quarantined)).where(chosen)
    ).one()
    before = connection.scalar(select(row.chain).where(every, row.pos < first).order_by(row.pos.desc()).limit(1))
    after = connection.scalar(select(row.chain).where(row.pos == last))
    return _Runs(
        first=index_of(first),
        last=index_of(last),
        runs=count,
        records=records,
        duplicates=duplicates,
        quarantined=quarantined,
        chain_before=ZERO_HASH if before is None else bytes(before),
        chain_after=bytes(after or b""),
    )


def _before(connection: Connection, at: At, source: str, first: int) -> int:
    """The position of the source's run before: its records, and no others, stand before it."""
    row = t.collection_run.c
    found = connection.scalar(
        select(func.max(row.pos)).where(ran(at.log, at.size, source), row.pos < pos_of(at.log, first))
    )
    return pos_of(at.log, 0) - 1 if found is None else found


def _stretches(covered: Covered) -> Iterator[StatedStretch]:
    for one in covered.stretches:
        first, last = one.runs or (None, None)
        between = Interval(after=utc_text(one.low_us), before=utc_text(one.high_us))
        yield StatedStretch(between=between, state=one.state.value, first_run=first, last_run=last, reason=one.reason)


def _numbers(report: SequenceReport) -> StatedNumbers:
    return StatedNumbers(
        policy=None if report.policy is None else report.policy.value,
        entry=report.entry,
        unnumbered=report.unnumbered,
        lacking=sum(one.lacking for one in report.series),
        doubles=sum(one.doubles for one in report.series),
        late=sum(one.late for one in report.series),
        began_again=sum(one.began_again for one in report.series),
    )


def _exposure(found: Exposed) -> StatedExposure:
    window = found.window
    return StatedExposure(
        records=window.records,
        unknown=window.unknown,
        negative=window.negative,
        median_us=window.median_us,
        p95_us=window.p95_us,
        longest_us=window.longest_us,
        limit_us=found.limit_us,
        over=found.over,
    )


def _reconciled(
    reader: LogReader, kinds: KindRegistry, size: int, source: str, from_us: int, to_us: int
) -> Iterator[StatedReconciliation]:
    """Those of any part of the interval."""
    row = t.reconciliation.c
    places = reader.connection.scalars(
        select(row.pos)
        .where(
            row.source == source,
            row.pos >= pos_of(reader.log, 0),
            row.pos < pos_of(reader.log, size),
            row.from_us < to_us,
            row.to_us > from_us,
        )
        .order_by(row.pos)
    ).all()
    for stored in reader.chosen(index_of(pos) for pos in places):
        body = body_of(stored, kinds["reconciliation"], Reconciliation)
        between = Interval(after=body.from_at, before=body.to_at)
        yield StatedReconciliation(entry=stored.index, between=between, by=body.by.value, holds=body.holds)


def _not_known(
    covered: Covered,
    numbers: SequenceReport,
    exposure: Exposed,
    runs: _Runs,
    reconciled: tuple[StatedReconciliation, ...],
) -> Iterator[str]:
    for one in covered.stretches:
        if one.state is not Coverage.COVERED:
            yield f"from {utc_text(one.low_us)} to {utc_text(one.high_us)}: {_SAYS[one.state]}"
    if runs.quarantined:
        yield f"{runs.quarantined} inputs of these runs could not be read; their bytes are kept"
    if numbers.policy is None:
        yield "whether the source numbers every record: nobody has said, so a number that lacks tells nothing"
    elif numbers.counted and (lacking := sum(one.lacking for one in numbers.series)):
        yield f"{lacking} numbers of the source's own sequence lack: their records were not received"
    if numbers.counted and numbers.unnumbered:
        yield f"{numbers.unnumbered} records bear no number of the source's"
    for one_series in numbers.series:
        if one_series.began_again:
            yield (
                f"series {one_series.series!r} of the source's own numbers began again {one_series.began_again} times: "
                "whether records came after the last number before, or before the first one after"
            )
    for each in reconciled:
        if not each.holds:
            yield (
                f"of {each.between.after} to {each.between.before} the source counted other records than were received "
                f"(entry {each.entry})"
            )
    if exposure.window.unknown:
        yield f"of {exposure.window.unknown} records, how long the source alone held them"
    yield "what the source itself left out, or changed before it was received"
