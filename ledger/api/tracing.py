"""What belongs to a batch and hangs together with it, and what belongs to none: as of a size, page by page."""

from typing import Annotated

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter
from sqlalchemy import Connection

from ledger.api.context import Context, record_log
from ledger.api.coverage import From, To
from ledger.api.fields import Index, LogName, Zone, without_nul
from ledger.api.gate import CallerRequest
from ledger.api.looked_up import Question, looked_up
from ledger.api.placed import After, AsOf, Limit, moment_us
from ledger.api.problems import declared
from ledger.api.timelines import Part, TimelineView
from ledger.core.address import Address, LogId
from ledger.core.clock import utc_text
from ledger.core.record import Action, LinkKind
from ledger.integrity.incidents.standing import Integrity, answered, integrity
from ledger.people.access import Scope, allow
from ledger.present.sentences import sentence_text
from ledger.privacy.look_up_kinds import Purpose
from ledger.sources.hand_marks import Marks, marks_of
from ledger.store.as_of import AtCheckpoint, as_of, checkpoint_of
from ledger.store.question import Query
from ledger.store.reading import LogReader
from ledger.trace.bodies import bodies, record_of
from ledger.trace.genealogy import MAX_DEPTH, Graph, outward
from ledger.trace.lanes import timeline
from ledger.trace.membership import batches_of
from ledger.trace.orphans import Neighbour, orphans
from ledger.trace.partners import Partners, PartnerState, partners
from ledger.trace.selection import Basis, ByBatch, Chosen, basis_of
from ledger.trace.windows import Occupation, Why

LinkId = Annotated[str, QueryParameter(name="id", description="The id itself.", min_length=1, max_length=1000)]
Depth = Annotated[int, QueryParameter(description="Steps outward over links; 0: no graph.", ge=0, le=MAX_DEPTH)]


class MemberView(msgspec.Struct, frozen=True, kw_only=True):
    """A record that belongs, and why: `why` is null where it carries the link itself.

    `marks`: entered by hand, corrected, excluded from an evaluation; null: none of these.
    """

    index: int
    basis: Basis
    why: Why | None
    sentence: str
    marks: Marks | None


class OccupationView(msgspec.Struct, frozen=True, kw_only=True):
    """The batch had the equipment from entry `started_by` to entry `stopped_by` (null: it has it still).

    What happened from `after` to `before` (UTC, null: without end) belongs to it, by parameter entry `rule` (null: by
    none, so that nothing is added before and after). `led_by`, `tailed_by`: the entries that bound these times, null:
    so many seconds.
    """

    equipment: str
    started_by: int
    stopped_by: int | None
    after: str
    before: str | None
    rule: int | None
    led_by: int | None
    tailed_by: int | None

    @classmethod
    def of(cls, one: Occupation) -> "OccupationView":
        """The occupation as it is answered."""
        return cls(
            equipment=one.equipment,
            started_by=one.start.index,
            stopped_by=None if one.stop is None else one.stop.index,
            after=utc_text(one.low_us),
            before=None if one.high_us is None else utc_text(one.high_us),
            rule=one.rule,
            led_by=one.lead.entry,
            tailed_by=None if one.tail is None else one.tail.entry,
        )


class PartnerView(msgspec.Struct, frozen=True, kw_only=True):
    """A step that is expected of the batch: at least so many (`least`) records of a source, a type, perhaps an action.

    `records` are those there are. `unknown_after`, `unknown_before`: the first time of the source's, within that of the
    batch, for which it is not known, or not known yet.
    """

    step: str
    source: str
    object_type: str
    action: Action | None
    least: int
    state: PartnerState
    records: tuple[int, ...]
    unknown_after: str | None
    unknown_before: str | None


class TraceAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What belongs to an id as of `size`, whose newest checkpoint is `checkpoint`; by index, the next page by
    `next_after`.

    `occupations`: when it had which equipment; `unmatched`: entries that start or stop one, and bound none; `undated`:
    records of that equipment that nothing places in time. `partners`: what is expected of a batch by parameter entry
    `expected_by` (null: nobody has said), on the first page. `graph`: only where `depth` is asked for; `timeline`, of
    all members and not of this page alone: only as `part`. `integrity` is *unknown* while incident case `incident`
    doubts what was asked for, or a member.
    """

    log: str
    size: int
    checkpoint: AtCheckpoint | None
    members: list[MemberView]
    next_after: int | None
    occupations: list[OccupationView]
    unmatched: tuple[int, ...]
    undated: int
    partners: list[PartnerView]
    expected_by: int | None
    graph: Graph | None
    timeline: TimelineView | None
    integrity: Integrity
    incident: str | None


class BatchView(msgspec.Struct, frozen=True, kw_only=True):
    """A batch to which a record belongs, and why: `why` is null where the record itself names the batch.

    In `why`, `rule` is the entry of the rule that was applied; `certain` false: clocks, or the precision of the times,
    leave open whether the record lies inside.
    """

    batch: str
    basis: Basis
    why: Why | None


class BatchesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The batches of a record as of `size` and its `checkpoint`, by their names.

    `whole` false: its equipment was started and stopped so often that batches that had it long before or long after
    were not looked at.
    """

    address: str
    size: int
    checkpoint: AtCheckpoint | None
    batches: list[BatchView]
    whole: bool


class OrphanView(msgspec.Struct, frozen=True, kw_only=True):
    """A record of critical equipment that belongs to no batch; `at`: when it happened, or was received (UTC).

    `before`, `after`: the batches that had the equipment last and next; null: there is none. `marks` as of a member.
    """

    index: int
    at: str
    equipment: str
    sentence: str
    before: Neighbour | None
    after: Neighbour | None
    marks: Marks | None


class OrphansAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """In the order of time, as of `size` and its `checkpoint`; `next_after` as `after` gives the next page."""

    log: str
    size: int
    checkpoint: AtCheckpoint | None
    orphans: list[OrphanView]
    next_after: int | None


@get("/logs/{log:str}/trace", opt=allow(Scope.READ), responses=declared(), tags=["trace"])
async def trace(
    context: NamedDependency[Context],
    request: CallerRequest,
    log: LogName,
    kind: FromQuery[LinkKind],
    name: LinkId,
    size: AsOf = None,
    after: After = None,
    limit: Limit = 100,
    depth: Depth = 0,
    part: FromQuery[Part | None] = None,
    purpose: FromQuery[Purpose | None] = None,
) -> TraceAnswer:
    """The records of a batch, an order, a lot or anything else that links name: those that name it, and those that its
    occupation of equipment puts into it; what is expected of it; with `depth`, what it hangs together with; and, with
    `part=timeline`, when all that happened, a lane a source.

    Maps and parameters are read as of the same size. What is asked for a person takes a `purpose`, as a search does.
    """
    without_nul(id=name)
    chosen, query = record_log(context.service, log).log, Query(link_kind=kind, link_id=name)

    def read(reader: LogReader, _personal: bool) -> tuple[TraceAnswer, int]:
        answer = _trace(context, reader, chosen, query, ByBatch(kind=kind, id=name), (size, after, limit, depth), part)
        return answer, len(answer.members)

    return await looked_up(context, request.user, chosen, Question(query, purpose), read)


@get("/logs/{log:str}/entries/{index:int}/batches", opt=allow(Scope.READ), responses=declared(), tags=["trace"])
async def of_record(context: NamedDependency[Context], log: LogName, index: Index, size: AsOf = None) -> BatchesAnswer:
    """The batches to which a record belongs: those that it names, and those that its equipment's occupation puts it
    into; 404 where the entry is no record that is there.
    """
    chosen = record_log(context.service, log).log

    def read() -> BatchesAnswer:
        with context.service.store.reader(chosen.number) as reader:
            at_size = as_of(reader, chosen, size)
            body = record_of(reader, index, at_size)
            found = batches_of(reader.connection, chosen.number, at_size, index, body)
            return BatchesAnswer(
                address=str(Address(chosen.origin, index)),
                size=at_size,
                checkpoint=checkpoint_of(reader.connection, chosen, at_size),
                batches=[BatchView(batch=one.batch, basis=basis_of(one.why), why=one.why) for one in found.batches],
                whole=found.whole,
            )

    return await context.lanes.read(read)


@get("/logs/{log:str}/orphans", opt=allow(Scope.READ), responses=declared(), tags=["trace"])
async def no_batch(
    context: NamedDependency[Context],
    log: LogName,
    since: From,
    until: To,
    zone: Zone = None,
    size: AsOf = None,
    after: After = None,
    limit: Limit = 100,
) -> OrphansAnswer:
    """What critical equipment (by the asset map) did from an instant to before another that belongs to no batch."""
    without_nul(since=since, until=until, zone=zone)
    low, high = moment_us(since, zone), moment_us(until, zone)
    chosen = record_log(context.service, log).log

    def read() -> OrphansAnswer:
        with context.service.store.reader(chosen.number) as reader:
            at_size = as_of(reader, chosen, size)
            page = orphans(reader.connection, chosen.number, at_size, low, high, after, limit)
            indices = [one.index for one in page.orphans]
            told = _sentences(reader.connection, chosen.number, indices)
            marks = marks_of(reader.connection, chosen, indices, at_size)
            return OrphansAnswer(
                log=chosen.name,
                size=at_size,
                checkpoint=checkpoint_of(reader.connection, chosen, at_size),
                orphans=[
                    OrphanView(
                        index=one.index,
                        at=utc_text(one.at_us),
                        equipment=one.equipment,
                        sentence=told[one.index],
                        before=one.before,
                        after=one.after,
                        marks=marks.get(one.index),
                    )
                    for one in page.orphans
                ],
                next_after=page.next_after,
            )

    return await context.lanes.read(read)


def _trace(
    context: Context,
    reader: LogReader,
    log: LogId,
    query: Query,
    wanted: ByBatch,
    paging: tuple[int | None, int | None, int, int],
    part: Part | None,
) -> TraceAnswer:
    size, after, limit, depth = paging
    service, connection = context.service, reader.connection
    at_size = as_of(reader, log, size)
    chosen = Chosen(connection, log.number, at_size, wanted)
    page = chosen.page(after, limit)
    shown = [one.index for one in page[:limit]]
    told, marks = _sentences(connection, log.number, shown), marks_of(connection, log, shown, at_size)
    views = [
        MemberView(
            index=one.index,
            basis=one.basis,
            why=one.why,
            sentence=told[one.index],
            marks=marks.get(one.index),
        )
        for one in page[:limit]
    ]
    found = Partners(rule=None, partners=())
    if wanted.kind is LinkKind.BATCH and after is None:
        found = partners(connection, service.store.kinds, log.number, at_size, chosen.named())
    lanes = None
    if part is Part.TIMELINE:
        expected = [one.wanted.source for one in found.partners]
        lanes = TimelineView.of(timeline(connection, service.store.kinds, log.number, at_size, chosen, expected))
    graph = outward(connection, log.number, at_size, wanted.kind, wanted.id, depth) if depth else None
    case = answered(service.standings.now(connection), log.number, query, [one.index for one in views])
    return TraceAnswer(
        log=log.name,
        size=at_size,
        checkpoint=checkpoint_of(connection, log, at_size),
        members=views,
        next_after=views[-1].index if len(page) > limit else None,
        occupations=[OccupationView.of(one) for one in chosen.occupations.intervals],
        unmatched=chosen.occupations.unmatched,
        undated=chosen.undated,
        partners=[
            PartnerView(
                step=one.wanted.step,
                source=one.wanted.source,
                object_type=one.wanted.object_type,
                action=one.wanted.action,
                least=one.wanted.least,
                state=one.state,
                records=one.records,
                unknown_after=None if one.unknown is None else utc_text(one.unknown.low_us),
                unknown_before=None if one.unknown is None else utc_text(one.unknown.high_us),
            )
            for one in found.partners
        ],
        expected_by=found.rule,
        graph=graph,
        timeline=lanes,
        integrity=integrity(case),
        incident=case,
    )


def _sentences(connection: Connection, log: int, indices: list[int]) -> dict[int, str]:
    return {index: sentence_text(body) for index, body in bodies(connection, log, indices)}
