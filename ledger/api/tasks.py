"""My tasks: what I can sign now, for myself or in somebody's place; and who signs in whose place."""

from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from ledger.api.context import Context
from ledger.api.fields import without_nul
from ledger.api.gate import CallerRequest
from ledger.api.people import Entered, Reason, Why
from ledger.api.problems import declared
from ledger.core.clock import parse_utc
from ledger.core.workflow import PlainName
from ledger.people.access import Scope, allow
from ledger.signing.delegations import KnownDelegation
from ledger.signing.tasks import Task

DelegationName = Annotated[str, PathParameter(max_length=100)]
Instant = Annotated[str, msgspec.Meta(max_length=40, examples=["2026-12-01T00:00:00.000000Z"])]


class NewDelegation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who may sign in the caller's place, from when (now, if it is not said) until when."""

    delegate: PlainName
    until_at: Instant
    reason: Reason
    from_at: Instant | None = None


class DelegationAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A delegation that was not ended; `entry` of the system log gave it."""

    entry: int
    delegation: str
    account: str
    delegate: str
    from_at: str
    until_at: str
    reason: str


@get("/tasks", responses=declared())
async def tasks(context: NamedDependency[Context], request: CallerRequest) -> list[Task]:
    """What the caller can sign now, the most urgent first."""

    def read() -> list[Task]:
        caller = request.user
        return context.service.workflows.tasks.of(caller.account, lambda site: caller.allows(Scope.READ, site))

    return await context.lanes.read(read)


@get("/delegations", responses=declared())
async def delegations(context: NamedDependency[Context], request: CallerRequest) -> list[DelegationAnswer]:
    """The delegations that the caller gave or has."""
    known = await context.lanes.read(context.service.workflows.delegations.of, request.user.account)
    return [_answer(one) for one in known]


@post("/delegations", responses=declared(409))
async def delegate(
    context: NamedDependency[Context], request: CallerRequest, data: JSONBody[NewDelegation]
) -> DelegationAnswer:
    """Lets somebody who holds a role of the caller's sign in the caller's place. It gives no role."""
    without_nul(reason=data.reason)

    def enter() -> DelegationAnswer:
        service = context.service
        begin = service.clock.now_us() if data.from_at is None else parse_utc(data.from_at)
        give = service.workflows.delegations.give
        return _answer(give(data.delegate, begin, parse_utc(data.until_at), data.reason, request.user.authority))

    return await context.lanes.append(enter)


@post("/delegations/{delegation:str}/ending", responses=declared(409))
async def end_delegation(
    context: NamedDependency[Context], request: CallerRequest, delegation: DelegationName, data: JSONBody[Why]
) -> Entered:
    """Ends a delegation at once; who gave it or has it may."""
    without_nul(delegation=delegation, reason=data.reason)
    end = context.service.workflows.delegations.end
    return Entered(index=await context.lanes.append(end, delegation, data.reason, request.user.authority))


def _answer(known: KnownDelegation) -> DelegationAnswer:
    body = known.delegation
    return DelegationAnswer(
        entry=known.entry,
        delegation=body.delegation,
        account=body.account,
        delegate=body.delegate,
        from_at=body.from_at,
        until_at=body.until_at,
        reason=body.reason,
    )


router = Router(
    "/signing",
    route_handlers=[tasks, delegations, delegate, end_delegation],
    opt=allow(Scope.READ),
    tags=["signing"],
)
