"""What belongs to a batch and hangs together with it, and what belongs to none: as of a size, page by page."""

from typing import Annotated

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter
from sqlalchemy import Connection

from ledger.api.context import Context, record_log
from ledger.api.coverage import From, To
from ledger.api.fields import LogName, Zone, without_nul
from ledger.api.gate import CallerRequest
from ledger.api.looked_up import Question, looked_up
from ledger.api.placed import After, AsOf, Limit, moment_us
from ledger.api.problems import declared
from ledger.core.address import LogId
from ledger.core.clock import utc_text
from ledger.core.record import Action, LinkKind
from ledger.integrity.incidents.standing import Integrity, answered, integrity
from ledger.people.access import Scope, allow
from ledger.present.sentences import sentence_text
from ledger.privacy.look_up_kinds import Purpose
from ledger.store.as_of import AtCheckpoint, as_of, checkpoint_of
from ledger.store.reading import LogReader
from ledger.store.search import Query
from ledger.trace.bodies import bodies
from ledger.trace.genealogy import MAX_DEPTH, Graph, outward
from ledger.trace.orphans import Neighbour, orphans
from ledger.trace.partners import Partners, PartnerState, partners
from ledger.trace.selection import Basis, ByBatch, Chosen
from ledger.trace.windows import Occupation, Why

LinkId = Annotated[str, QueryParameter(name="id", description="The id itself.", min_length=1, max_length=1000)]
Depth = Annotated[int, QueryParameter(description="Steps outward over links; 0: no graph.", ge=0, le=MAX_DEPTH)]


class MemberView(msgspec.Struct, frozen=True, kw_only=True):
    """A record that belongs, and why: `why` is null where it carries the link itself."""

    index: int
    basis: Basis
    why: Why | None
    sentence: str


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
    `expected_by` (null: nobody has said), on the first page. `graph`: only where `depth` is asked for. `integrity` is
    *unknown* while incident case `incident` doubts what was asked for, or a member.
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
    integrity: Integrity
    incident: str | None


class OrphanView(msgspec.Struct, frozen=True, kw_only=True):
    """A record of critical equipment that belongs to no batch; `at`: when it happened, or was received (UTC).

    `before`, `after`: the batches that had the equipment last and next; null: there is none.
    """

    index: int
    at: str
    equipment: str
    sentence: str
    before: Neighbour | None
    after: Neighbour | None


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
    purpose: FromQuery[Purpose | None] = None,
) -> TraceAnswer:
    """The records of a batch, an order, a lot or anything else that links name: those that name it, and those that its
    occupation of equipment puts into it; what is expected of it; and, with `depth`, what it hangs together with.

    Maps and parameters are read as of the same size. What is asked for a person takes a `purpose`, as a search does.
    """
    without_nul(id=name)
    chosen, query = record_log(context.service, log).log, Query(link_kind=kind, link_id=name)

    def read(reader: LogReader, _personal: bool) -> tuple[TraceAnswer, int]:
        answer = _trace(context, reader, chosen, query, ByBatch(kind=kind, id=name), (size, after, limit, depth))
        return answer, len(answer.members)

    return await looked_up(context, request.user, chosen, Question(query, purpose), read)


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
            told = _sentences(reader.connection, chosen.number, [one.index for one in page.orphans])
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
) -> TraceAnswer:
    size, after, limit, depth = paging
    service, connection = context.service, reader.connection
    at_size = as_of(reader, log, size)
    chosen = Chosen(connection, log.number, at_size, wanted)
    page = chosen.page(after, limit)
    told = _sentences(connection, log.number, [one.index for one in page[:limit]])
    views = [
        MemberView(index=one.index, basis=one.basis, why=one.why, sentence=told[one.index]) for one in page[:limit]
    ]
    found = Partners(rule=None, partners=())
    if wanted.kind is LinkKind.BATCH and after is None:
        found = partners(connection, service.store.kinds, log.number, at_size, chosen.named())
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
        integrity=integrity(case),
        incident=case,
    )


def _sentences(connection: Connection, log: int, indices: list[int]) -> dict[int, str]:
    return {index: sentence_text(body) for index, body in bodies(connection, log, indices)}
