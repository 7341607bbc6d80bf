"""Completeness of a source over an interval: what is known of its time, its own numbers, how long it held records."""

from collections.abc import Callable
from typing import Annotated, NamedTuple, TypeVar

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import JSONBody, QueryParameter
from sqlalchemy import Connection

from ledger.api.context import Context
from ledger.api.fields import SourceId, Zone, no_nul_in, without_nul
from ledger.api.gate import CallerRequest
from ledger.api.people import Reason
from ledger.api.placed import After, AsOf, Limit, moment_us, placed
from ledger.api.problems import declared
from ledger.api.sources import RecordLog
from ledger.core.clock import MICROSECONDS, utc_text
from ledger.core.completeness import CompletenessStatement
from ledger.core.parameters import SequencePolicy
from ledger.people.access import Scope, allow
from ledger.record_log import RecordLog as OneLog
from ledger.sources.complete import Stated, stated
from ledger.sources.coverage import Coverage
from ledger.sources.covering import Covered, Stretch, cover, type_of
from ledger.sources.exposed import exposed
from ledger.sources.sequences import Series, gaps
from ledger.store.as_of import AtCheckpoint, as_of, checkpoint_of

T = TypeVar("T")
From = Annotated[str, QueryParameter(name="from", description="Where the interval begins.", max_length=40)]
To = Annotated[str, QueryParameter(name="to", description="Before which instant it ends.", max_length=40)]


class ShownStretch(msgspec.Struct, frozen=True, kw_only=True):
    """From `after` to before `before` (UTC) the source's time is in this state.

    `first_run`, `last_run`: the first and the last entry that says so; null where none does.
    """

    after: str
    before: str
    state: Coverage
    first_run: int | None
    last_run: int | None
    reason: str

    @classmethod
    def of(cls, one: Stretch) -> "ShownStretch":
        """The stretch as it is answered."""
        first, last = one.runs or (None, None)
        return cls(
            after=utc_text(one.low_us),
            before=utc_text(one.high_us),
            state=one.state,
            first_run=first,
            last_run=last,
            reason=one.reason,
        )


class CoverageAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The interval in stretches, without holes or overlaps, as of `size`; `runs`: how many the source had by then.

    `checkpoint`: the newest one that the answer reaches.

    `known_until`: the end of what is known; null: nothing is yet. `seconds`: how long the whole interval is in each
    state. `next_from`, as `from` with the same `size`, gives the next page of stretches; null: this was the last.
    """

    log: str
    size: int
    checkpoint: AtCheckpoint | None
    source: str
    runs: int
    known_until: str | None
    seconds: dict[str, float]
    stretches: list[ShownStretch]
    next_from: str | None


class SequenceAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The source's own numbers in the interval, as of `size`, whose newest checkpoint is `checkpoint`. `unnumbered`:
    records without one.

    `policy` is what parameter entry `entry` says; null: nobody has said whether the numbers follow each other, so a
    number that lacks is not known to be a record that lacks. At most 100 ranges and numbers of a series are listed.
    """

    log: str
    size: int
    checkpoint: AtCheckpoint | None
    source: str
    policy: SequencePolicy | None
    wraps: int | None
    entry: int | None
    unnumbered: int
    series: list[Series]


class ExposureAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Received minus source-recorded, of the records of the interval, as of `size` and its `checkpoint`, in seconds.

    `records` say when they were recorded, `unknown` do not; `negative` were, by the source's clock, recorded after
    they were received. `over` lay longer than the limit of parameter entry `limit_entry`, null: nobody has set one;
    `over_entries` are at most 100 of them, the longest first.
    """

    log: str
    size: int
    checkpoint: AtCheckpoint | None
    source: str
    records: int
    unknown: int
    negative: int
    median_s: float | None
    p95_s: float | None
    longest_s: float | None
    limit_s: float | None
    limit_entry: int | None
    over: int
    over_entries: list[int]


class Asked(NamedTuple):
    """What of a log is read for an answer: whose time, from `low` to before `high`, as of `size`."""

    chosen: OneLog
    source: str
    low: int
    high: int
    size: int
    checkpoint: AtCheckpoint | None


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """The time that is asked about, from `low` to before `high` in microseconds, whose, and as of which size."""

    source: str
    low: int
    high: int
    log: str | None
    size: int | None


async def read_interval(
    source: SourceId, since: From, until: To, zone: Zone = None, log: RecordLog = None, size: AsOf = None
) -> Interval:
    """Reads what each of these questions has; raises SchemaViolation for an instant that is none."""
    without_nul(source=source, zone=zone, since=since, until=until)
    return Interval(source=source, low=moment_us(since, zone), high=moment_us(until, zone), log=log, size=size)


async def answered(context: Context, interval: Interval, answer: Callable[[Connection, Asked], T]) -> T:
    """Reads the answer to a question about a source's time; raises NotFound for a source that the log has not."""

    def read() -> T:
        chosen = context.record_log(interval.log)
        with context.service.store.reader(chosen.log.number) as reader:
            size, connection = as_of(reader, chosen.log, interval.size), reader.connection
            type_of(connection, chosen.log.number, size, interval.source)
            checkpoint = checkpoint_of(connection, chosen.log, size)
            return answer(connection, Asked(chosen, interval.source, interval.low, interval.high, size, checkpoint))

    return await context.lanes.read(read)


@get("/coverage", opt=allow(Scope.READ), responses=declared())
async def coverage(
    context: NamedDependency[Context], interval: NamedDependency[Interval], limit: Limit = 500
) -> CoverageAnswer:
    """What is known of the source's time: covered by its runs, unreachable, a gap, or not known (yet)."""

    def answer(connection: Connection, asked: Asked) -> CoverageAnswer:
        kinds, number = context.service.store.kinds, asked.chosen.log.number
        return _covered(cover(connection, kinds, number, asked.size, asked.source, asked.low, asked.high), asked, limit)

    return await answered(context, interval, answer)


@get("/sequence", opt=allow(Scope.READ), responses=declared())
async def sequence(context: NamedDependency[Context], interval: NamedDependency[Interval]) -> SequenceAnswer:
    """The source's own numbers: which are missing, which it gave twice, how many came late."""
    return await answered(context, interval, _numbered)


@get("/exposure", opt=allow(Scope.READ), responses=declared())
async def exposure(context: NamedDependency[Context], interval: NamedDependency[Interval]) -> ExposureAnswer:
    """How long the source alone held its records, in which time its administrator could have altered them unseen."""
    return await answered(context, interval, _exposed)


class NewStatement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of which time what was received is to be stated; `zone` is the IANA zone of instants without offset."""

    since: Annotated[str, msgspec.Meta(max_length=40, examples=["2026-11-01T00:00:00Z"])]
    until: Annotated[str, msgspec.Meta(max_length=40, examples=["2026-12-01T00:00:00Z"])]
    reason: Reason
    zone: Annotated[str, msgspec.Meta(max_length=200, examples=["Europe/Berlin"])] | None = None


class StatementAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The statement, the entry that says it was made, and the text of its file: to be kept as it is, and verified by
    `trailseal verify FILE --vkey KEY`.
    """

    log: str
    index: int
    address: str
    statement: CompletenessStatement
    file: str


class StatementsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A page of statements that were made, oldest first. `next_after` as `after` gives the next page; null: this was
    the last.
    """

    log: str
    source: str
    statements: list[Stated]
    next_after: int | None


@get("/completeness", opt=allow(Scope.READ), responses=declared())
async def list_statements(
    context: NamedDependency[Context], source: SourceId, log: RecordLog = None, after: After = None, limit: Limit = 50
) -> StatementsAnswer:
    """Which statements of completeness were made of a source, and the digest of each; the files are where they were
    kept.
    """
    without_nul(source=source)

    def read() -> StatementsAnswer:
        chosen = context.record_log(log)
        chosen.sources.get(source)
        with context.service.store.reading() as connection:
            kinds, number = context.service.store.kinds, chosen.log.number
            # One more than the page has tells whether there is another.
            found = stated(connection, kinds, number, source, -1 if after is None else after, limit + 1)
        return StatementsAnswer(
            log=chosen.log.name,
            source=source,
            statements=found[:limit],
            next_after=found[limit - 1].entry if len(found) > limit else None,
        )

    return await context.lanes.read(read)


@post("/completeness", opt=allow(Scope.CONFIGURE), responses=declared())
async def state_completeness(
    context: NamedDependency[Context],
    request: CallerRequest,
    source: SourceId,
    data: JSONBody[NewStatement],
    log: RecordLog = None,
) -> StatementAnswer:
    """States, signed, what was received of a source's time, and where it could not be known."""
    without_nul(source=source)
    no_nul_in(data)
    low, high = moment_us(data.since, data.zone), moment_us(data.until, data.zone)
    authority = request.user.authority

    def enter() -> StatementAnswer:
        # Imported here: reports take a while to load; no start should wait for them.
        from ledger.completing import issue

        chosen = context.record_log(log)
        issued = issue(context.service, chosen, source, low, high, data.reason, authority)
        at = placed(chosen, issued.entry)
        return StatementAnswer(
            log=at.log, index=at.index, address=at.address, statement=issued.statement, file=issued.file.decode()
        )

    return await context.lanes.append(enter)


def _covered(found: Covered, asked: Asked, limit: int) -> CoverageAnswer:
    page = found.stretches[:limit]
    return CoverageAnswer(
        log=asked.chosen.log.name,
        size=asked.size,
        checkpoint=asked.checkpoint,
        source=asked.source,
        runs=found.runs,
        known_until=None if found.watermark_us is None else utc_text(found.watermark_us),
        seconds={state.value: length / MICROSECONDS for state, length in found.lengths.items()},
        stretches=[ShownStretch.of(one) for one in page],
        next_from=utc_text(page[-1].high_us) if len(found.stretches) > limit else None,
    )


def _numbered(connection: Connection, asked: Asked) -> SequenceAnswer:
    chosen = asked.chosen
    found = gaps(connection, chosen.parameters, chosen.log.number, asked.size, asked.source, asked.low, asked.high)
    return SequenceAnswer(
        log=chosen.log.name,
        size=asked.size,
        checkpoint=asked.checkpoint,
        source=asked.source,
        policy=found.policy,
        wraps=found.wraps,
        entry=found.entry,
        unnumbered=found.unnumbered,
        series=list(found.series),
    )


def _exposed(connection: Connection, asked: Asked) -> ExposureAnswer:
    chosen = asked.chosen
    found = exposed(connection, chosen.parameters, chosen.log.number, asked.size, asked.source, asked.low, asked.high)
    window = found.window
    return ExposureAnswer(
        log=chosen.log.name,
        size=asked.size,
        checkpoint=asked.checkpoint,
        source=asked.source,
        records=window.records,
        unknown=window.unknown,
        negative=window.negative,
        median_s=_seconds(window.median_us),
        p95_s=_seconds(window.p95_us),
        longest_s=_seconds(window.longest_us),
        limit_s=_seconds(found.limit_us),
        limit_entry=found.limit_entry,
        over=found.over,
        over_entries=list(found.over_indices),
    )


def _seconds(microseconds: int | None) -> float | None:
    return None if microseconds is None else microseconds / MICROSECONDS


router = Router(
    "/sources/{source:str}",
    route_handlers=[coverage, sequence, exposure, list_statements, state_completeness],
    dependencies={"interval": Provide(read_interval)},
    tags=["completeness"],
)
