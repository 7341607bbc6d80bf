"""Integrity incidents: what is doubted and why, what rests on it, and the steps that people take."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from ledger.api.context import Context
from ledger.api.fields import without_nul
from ledger.api.gate import CallerRequest
from ledger.api.people import Why
from ledger.api.problems import declared
from ledger.core.clock import utc_text
from ledger.findings.incident_kinds import Cause, IncidentCase
from ledger.integrity.incidents.cases import Case
from ledger.integrity.incidents.comparing import compare_with
from ledger.integrity.incidents.impacts import Page
from ledger.people.access import Caller, Door, Scope, allow

MAX_PAGE = 1000

CasePath = Annotated[str, PathParameter(description="Id of a case.", max_length=100)]
After = Annotated[int, QueryParameter(description="How many artefacts come before this page.", ge=0, le=2**40)]
Limit = Annotated[int, QueryParameter(ge=1, le=MAX_PAGE)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]


class CaseAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A case. `opened` and `last` are its first and last entry in the system log, without what the caller may not see;
    `closed`: quality assurance signed that it is.
    """

    case: str
    state: str
    closed: bool
    opened_at: str
    opening: int
    latest: int
    opened: IncidentCase
    last: IncidentCase


class NewReport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A source, agent or person's key (`subject`) that is doubtful since a moment (UTC, as `2026-…Z`)."""

    cause: Cause
    subject: Text
    since: Text
    reason: Reason


class Restored(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which backup was restored."""

    backup: Text
    reason: Reason


class Compared(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to compare with: the name of a ledger's folder, its SQLite file or its tiles, in the folder of copies."""

    against: Text
    reason: Reason


class Closing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The site's number of the deviation under which the incident was handled."""

    deviation: Text
    reason: Reason


@get("/incidents", opt=allow(Door.CALLER), responses=declared())
async def incidents(context: NamedDependency[Context], request: CallerRequest) -> list[CaseAnswer]:
    """Every case, the newest first."""
    return await context.lanes.read(_all, context, request.user)


@get("/incidents/{case:str}", opt=allow(Door.CALLER), responses=declared())
async def incident(context: NamedDependency[Context], request: CallerRequest, case: CasePath) -> CaseAnswer:
    """One case."""
    without_nul(case=case)
    return await context.lanes.read(_one, context, request.user, case)


@get("/incidents/{case:str}/impact", opt=allow(Scope.READ), responses=declared())
async def impact(
    context: NamedDependency[Context], request: CallerRequest, case: CasePath, after: After = 0, limit: Limit = 100
) -> Page:
    """What rests on the doubted entries of the logs that the caller reads, as of now; a page at a time."""
    without_nul(case=case)
    return await context.lanes.read(_impact, context, request.user, case, after, limit)


@post("/incidents", opt=allow(Scope.ADMIN), responses=declared(409))
async def report(context: NamedDependency[Context], request: CallerRequest, data: JSONBody[NewReport]) -> CaseAnswer:
    """Reports a compromise; nothing is doubted until another person opens the case."""
    without_nul(subject=data.subject, since=data.since, reason=data.reason)
    service, user = context.service, request.user
    return await _step(
        context,
        user,
        lambda: service.compromises.report(data.cause, data.subject, data.since, data.reason, user.authority),
    )


@post("/incidents/{case:str}/opening", opt=allow(Scope.APPROVE), responses=declared(409), status_code=HTTPStatus.OK)
async def open_case(
    context: NamedDependency[Context], request: CallerRequest, case: CasePath, data: JSONBody[Why]
) -> CaseAnswer:
    """The second person opens a case that was reported."""
    without_nul(case=case, reason=data.reason)
    service, user = context.service, request.user
    return await _step(context, user, lambda: service.compromises.open(case, data.reason, user.authority))


@post("/incidents/{case:str}/comparison", opt=allow(Scope.ADMIN), responses=declared(409), status_code=HTTPStatus.OK)
async def compared(
    context: NamedDependency[Context], request: CallerRequest, case: CasePath, data: JSONBody[Compared]
) -> CaseAnswer:
    """Compares what a case doubts with a copy, and enters what that said: `last.comparison`.

    The copy, or a link to it, lies in `copies` in the ledger's folder; any other place is compared at the terminal.
    """
    without_nul(case=case, against=data.against, reason=data.reason)
    service, user = context.service, request.user
    return await _step(
        context,
        user,
        lambda: compare_with(service.cases, service.folder, case, data.against, data.reason, user.authority),
    )


@post("/incidents/{case:str}/restoring", opt=allow(Scope.ADMIN), responses=declared(409), status_code=HTTPStatus.OK)
async def restored(
    context: NamedDependency[Context], request: CallerRequest, case: CasePath, data: JSONBody[Restored]
) -> CaseAnswer:
    """Says that a backup was restored, once every log verifies in full."""
    without_nul(case=case, backup=data.backup, reason=data.reason)
    service, user = context.service, request.user
    return await _step(
        context, user, lambda: service.ways_back.restored(case, data.backup, data.reason, user.authority)
    )


@post(
    "/incidents/{case:str}/epoch-proposal", opt=allow(Scope.ADMIN), responses=declared(409), status_code=HTTPStatus.OK
)
async def propose_epoch(
    context: NamedDependency[Context], request: CallerRequest, case: CasePath, data: JSONBody[Why]
) -> CaseAnswer:
    """Proposes that the damaged logs go on in a new epoch; refused where it could not name all that does not hold."""
    without_nul(case=case, reason=data.reason)
    service, user = context.service, request.user
    return await _step(context, user, lambda: service.ways_back.propose(case, data.reason, user.authority))


@post("/incidents/{case:str}/epoch", opt=allow(Scope.APPROVE), responses=declared(409), status_code=HTTPStatus.OK)
async def begin_epoch(
    context: NamedDependency[Context], request: CallerRequest, case: CasePath, data: JSONBody[Why]
) -> CaseAnswer:
    """The second person begins the epoch."""
    without_nul(case=case, reason=data.reason)
    service, user = context.service, request.user
    return await _step(context, user, lambda: service.ways_back.proceed(case, data.reason, user.authority))


@post("/incidents/{case:str}/closing", opt=allow(Scope.APPROVE), responses=declared(409), status_code=HTTPStatus.OK)
async def close_case(
    context: NamedDependency[Context], request: CallerRequest, case: CasePath, data: JSONBody[Closing]
) -> CaseAnswer:
    """Puts the case before quality assurance: it is closed once entry `latest` of the system log is signed so."""
    without_nul(case=case, deviation=data.deviation, reason=data.reason)
    service, user = context.service, request.user
    return await _step(
        context, user, lambda: service.ways_back.closing(case, data.deviation, data.reason, user.authority)
    )


async def _step(context: Context, user: Caller, step: Callable[[], Case]) -> CaseAnswer:
    case = await context.lanes.append(step)
    return await context.lanes.read(_one, context, user, case.case)


def _all(context: Context, user: Caller) -> list[CaseAnswer]:
    return [_answer(context, user, one) for one in context.service.cases.all()]


def _one(context: Context, user: Caller, case: str) -> CaseAnswer:
    return _answer(context, user, context.service.cases.get(case))


def _answer(context: Context, user: Caller, case: Case) -> CaseAnswer:
    with context.service.store.reading() as connection:
        closed = context.service.standings.closed(connection, case)
    seen = origins_seen(context, user)
    return CaseAnswer(
        case=case.case,
        state=case.state.value,
        closed=closed,
        opened_at=utc_text(case.opened_us),
        opening=case.opening,
        latest=case.latest,
        opened=seen_of(case.opened, seen),
        last=seen_of(case.last, seen),
    )


def _impact(context: Context, user: Caller, case: str, after: int, limit: int) -> Page:
    cases = context.service.cases
    return cases.impact(cases.get(case), origins_seen(context, user), after, limit)


def origins_seen(context: Context, user: Caller) -> frozenset[str]:
    """The origins of the logs that a caller reads; whoever reads any, reads the system log."""
    logs = context.service.store.logs()
    names = set(user.sees(log.name for log in logs))
    return frozenset(log.origin for log in logs if log.name in names)


def seen_of(body: IncidentCase, seen: frozenset[str]) -> IncidentCase:
    """An entry of a case without batches and entries of logs that the caller does not read."""
    every = {one.origin for one in body.affected} <= seen
    return msgspec.structs.replace(
        body,
        affected=tuple(one for one in body.affected if one.origin in seen),
        links=body.links if every else (),
    )


router = Router(
    "/",
    route_handlers=[
        incidents,
        incident,
        impact,
        report,
        open_case,
        compared,
        restored,
        propose_epoch,
        begin_epoch,
        close_case,
    ],
    tags=["incidents"],
)
