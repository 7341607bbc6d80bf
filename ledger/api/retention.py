"""How long records are kept: rules, facts, what may go; and disposals, which two people decide."""

from http import HTTPStatus
from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from ledger.api.configuring import Changing, ProposedChange, waiting
from ledger.api.context import Context
from ledger.api.fields import Index, LogName, without_nul
from ledger.api.gate import CallerRequest
from ledger.api.holds import HeldSubject, Name, Reason, require
from ledger.api.people import Entered, Why
from ledger.api.problems import declared
from ledger.core.job import JobState
from ledger.core.retention import RetentionClass, RetentionEvent, Subject, Term
from ledger.people.access import Scope, allow
from ledger.retention.copies import MOST_DAYS, StatedCopy
from ledger.retention.copy_kinds import CopySort
from ledger.retention.disposal_kinds import Copy
from ledger.retention.disposals import WAITS_DAYS, Removal
from ledger.retention.judging import Judged
from ledger.retention.kinds import Day
from ledger.retention.planning import Plan
from ledger.retention.report import Disposal
from ledger.retention.rules import ShownFact, ShownRule, changed
from ledger.service import DISPOSE
from ledger.store.position import MAX_INDEX
from ledger.store.question import Query

DisposalPath = Annotated[str, PathParameter(max_length=100)]
From = Annotated[int, msgspec.Meta(ge=0, le=MAX_INDEX)]


class NewRule(Changing, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Terms for a class of records, each of which has to be over."""

    retention: RetentionClass
    terms: Annotated[tuple[Term, ...], msgspec.Meta(min_length=1, max_length=10)]


class NewFact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The event happened to the subject on that day; null takes back what was entered."""

    subject: HeldSubject
    event: RetentionEvent
    day: Day | None
    reason: Reason


class NewCopy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Copies that removal does not reach: each is kept so many days, or all are gone on a day. One of the two."""

    copy: Name
    sort: CopySort
    where: Name
    reason: Reason
    keeps_days: Annotated[int, msgspec.Meta(ge=0, le=MOST_DAYS)] | None = None
    expires: Day | None = None


class Gone(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All copies of that name are gone."""

    copy: Name
    reason: Reason


class Chosen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Records of a log: what a query matches, from an index on."""

    log: Name
    query: Query = Query()
    low: From = 0


class NewDisposal(Chosen, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A disposal to be asked for. `remains`: copies that removal does not reach, each with the day it expires."""

    reason: Reason
    waits_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] = WAITS_DAYS
    remains: Annotated[tuple[Copy, ...], msgspec.Meta(max_length=100)] = ()


class Removing(msgspec.Struct, frozen=True, kw_only=True):
    """The job that removes; how far it is, the disposal itself says (`removed` of `total`)."""

    job: int
    state: JobState


@get("/retention/rules", opt=allow(Scope.READ), responses=declared())
async def rules(context: NamedDependency[Context]) -> list[ShownRule]:
    """The rule of each class that is in force."""
    return await context.lanes.read(context.service.retention.all)


@post("/retention/rules", opt=allow(Scope.APPROVE), responses=declared(), status_code=HTTPStatus.ACCEPTED)
async def propose_rule(
    context: NamedDependency[Context], request: CallerRequest, data: JSONBody[NewRule]
) -> ProposedChange:
    """Proposes a rule as a change of the system log: in force once a second person has signed it. 400 without
    `change_request`.
    """
    without_nul(reason=data.reason, change_request=data.change_request)
    by, service = request.user.authority, context.service

    def enter() -> ProposedChange:
        made = changed(data.retention, data.terms, data.reason, by)
        return waiting(
            service.system.name,
            service.quality.proposals.propose(service.system, [made], data.change_request, data.reason, by),
        )

    return await context.lanes.append(enter)


@get("/retention/facts", opt=allow(Scope.READ), responses=declared())
async def facts(context: NamedDependency[Context]) -> list[ShownFact]:
    """What is known of batches, equipment, …: the newest first."""
    return await context.lanes.read(context.service.retention.all_facts)


@post("/retention/facts", opt=allow(Scope.APPROVE), responses=declared())
async def enter_fact(context: NamedDependency[Context], request: CallerRequest, data: JSONBody[NewFact]) -> Entered:
    """Enters, corrects or takes back a fact."""
    without_nul(reason=data.reason, subject=data.subject.id)
    subject, authority = Subject(kind=data.subject.kind, id=data.subject.id), request.user.authority
    enter = context.service.retention.enter_fact
    return Entered(index=await context.lanes.append(enter, subject, data.event, data.day, data.reason, authority))


@get("/retention/copies", opt=allow(Scope.READ), responses=declared())
async def copies(context: NamedDependency[Context]) -> list[StatedCopy]:
    """What is stated of copies that removal does not reach: backups, replicas, archives, evidence of incidents."""
    return await context.lanes.read(context.service.copies.all)


@post("/retention/copies", opt=allow(Scope.APPROVE), responses=declared())
async def state_copy(context: NamedDependency[Context], request: CallerRequest, data: JSONBody[NewCopy]) -> Entered:
    """States copies, in place of what was stated under that name before."""
    without_nul(copy=data.copy, where=data.where, reason=data.reason)
    authority, state = request.user.authority, context.service.copies.state

    def enter() -> int:
        return state(
            data.copy,
            data.sort,
            data.where,
            data.reason,
            authority,
            keeps_days=data.keeps_days,
            expires=data.expires,
        )

    return Entered(index=await context.lanes.append(enter))


@post("/retention/copies/gone", opt=allow(Scope.APPROVE), responses=declared())
async def copies_gone(context: NamedDependency[Context], request: CallerRequest, data: JSONBody[Gone]) -> Entered:
    """States that all copies of a name are gone."""
    without_nul(copy=data.copy, reason=data.reason)
    gone = context.service.copies.gone
    return Entered(index=await context.lanes.append(gone, data.copy, data.reason, request.user.authority))


@get("/logs/{log:str}/entries/{index:int}/retention", opt=allow(Scope.READ), responses=declared())
async def retention_of(context: NamedDependency[Context], log: LogName, index: Index) -> Judged:
    """How long an entry is kept, by which rule and facts, what is missing, and the hold that covers it."""
    return await context.lanes.read(context.service.disposals.judge, context.log(log), index)


@post("/disposals/plan", opt=allow(Scope.APPROVE), responses=declared(), status_code=HTTPStatus.OK)
async def plan(context: NamedDependency[Context], request: CallerRequest, data: JSONBody[Chosen]) -> Plan:
    """What of these records may go now, and why the rest stays. Nothing is entered."""
    log = context.log(data.log)
    require(request.user, log.name)
    return await context.lanes.read(context.service.disposals.plan, log, data.query, data.low)


@get("/disposals", opt=allow(Scope.READ), responses=declared())
async def disposals(context: NamedDependency[Context], request: CallerRequest) -> list[Disposal]:
    """Every disposal in a log that the caller may read, the newest first."""
    found = await context.lanes.read(context.service.disposals.all)
    return [one for one in found if request.user.allows(Scope.READ, one.log)]


@post("/disposals", opt=allow(Scope.APPROVE), responses=declared(409))
async def request_disposal(
    context: NamedDependency[Context], request: CallerRequest, data: JSONBody[NewDisposal]
) -> Disposal:
    """Asks for all of these records to be disposed of that may go now."""
    without_nul(reason=data.reason, **{f"remains{at}": one.where for at, one in enumerate(data.remains)})
    user, log = request.user, context.log(data.log)
    require(user, log.name)

    def enter() -> Disposal:
        return context.service.disposals.request(
            log,
            data.query,
            data.reason,
            user.authority,
            person=user.person,
            remains=data.remains,
            waits_days=data.waits_days,
            low=data.low,
        )

    return await context.lanes.append(enter)


@post("/disposals/{disposal:str}/approval", opt=allow(Scope.APPROVE), responses=declared(409))
async def approve_disposal(
    context: NamedDependency[Context], request: CallerRequest, disposal: DisposalPath, data: JSONBody[Why]
) -> Disposal:
    """Approves a disposal, by another person than who asked; its waiting period begins."""
    without_nul(disposal=disposal, reason=data.reason)
    user, kept = request.user, context.service.disposals

    def enter() -> Disposal:
        require(user, kept.get(disposal).log)
        return kept.approve(disposal, data.reason, user.authority, person=user.person)

    return await context.lanes.append(enter)


@post("/disposals/{disposal:str}/withdrawal", opt=allow(Scope.APPROVE), responses=declared(409))
async def withdraw_disposal(
    context: NamedDependency[Context], request: CallerRequest, disposal: DisposalPath, data: JSONBody[Why]
) -> Disposal:
    """Ends a disposal: nothing more is removed under it."""
    without_nul(disposal=disposal, reason=data.reason)
    user, kept = request.user, context.service.disposals

    def enter() -> Disposal:
        require(user, kept.get(disposal).log)
        return kept.withdraw(disposal, data.reason, user.authority, person=user.person)

    return await context.lanes.append(enter)


@post(
    "/disposals/{disposal:str}/removal",
    opt=allow(Scope.APPROVE),
    responses=declared(409),
    status_code=HTTPStatus.ACCEPTED,
)
async def remove(context: NamedDependency[Context], request: CallerRequest, disposal: DisposalPath) -> Removing:
    """Starts the removal as a job. It looks at retention and holds once more, part by part."""
    without_nul(disposal=disposal)
    user, service = request.user, context.service

    def enter() -> Removing:
        require(user, service.disposals.get(disposal).log)
        job = service.jobs.enqueue(DISPOSE, msgspec.json.encode(Removal(disposal=disposal)).decode())
        return Removing(job=job.id, state=job.state)

    return await context.lanes.append(enter)


router = Router(
    "/",
    route_handlers=[
        rules,
        propose_rule,
        facts,
        enter_fact,
        copies,
        state_copy,
        copies_gone,
        retention_of,
        plan,
        disposals,
        request_disposal,
        approve_disposal,
        withdraw_disposal,
        remove,
    ],
    tags=["retention"],
)
