"""Changes of configuration: proposed, listed with what they set, brought into effect, withdrawn."""

from typing import Annotated, Any

import msgspec
from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from ledger.api.configuring import ProposedChange, proposed
from ledger.api.context import Context
from ledger.api.fields import no_nul_in, without_nul
from ledger.api.gate import CallerRequest
from ledger.api.people import Entered, Reason, Why
from ledger.api.placed import Limit
from ledger.api.problems import declared
from ledger.changes.reading import bodies_of
from ledger.changes.shown import ShownChange, ShownLine, shown, shown_lines
from ledger.core import canonical
from ledger.core.change import ChangeState
from ledger.core.errors import SchemaViolation
from ledger.core.record import Name
from ledger.people.access import Door, Scope, allow
from ledger.store.position import MAX_INDEX

AT_ONCE = 1000
"""Entries that one call proposes; a longer list is imported."""
Log = Annotated[
    str | None,
    QueryParameter(
        description="The log; the only record log, if not given. Routes, lists and roles are set in `system`.",
        max_length=200,
    ),
]
Before = Annotated[
    int | None, QueryParameter(description="`next_before` of the page before this one.", ge=0, le=MAX_INDEX)
]
InState = Annotated[ChangeState | None, QueryParameter(name="state", description="Only those that stand so.")]
First = Annotated[
    int, QueryParameter(name="from", description="The first line that is wanted; 0 is the first.", ge=0, le=10_000)
]
ChangePath = Annotated[str, PathParameter(description="The change's name.", max_length=100)]


class NewChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change to be proposed. `entries`: bodies as the log holds them, with `schema`, but without `authority`."""

    change_request: Annotated[str, msgspec.Meta(min_length=1, max_length=100, examples=["CR-0042"])]
    reason: Reason
    entries: Annotated[tuple[dict[str, Any], ...], msgspec.Meta(min_length=1, max_length=AT_ONCE)]


class BySignature(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By which signature over the proposal a change is to take effect: its address."""

    signature: Annotated[Name, msgspec.Meta(examples=["plant.example/site-a#42"])]
    reason: Reason


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """A page of changes, the newest first; `next_before` as `before` gives the next page; null: this was the last."""

    log: str
    changes: list[ShownChange]
    next_before: int | None


class ChangeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A change, and a page of its lines; `next_from` as `from` gives the next page; null: this was the last."""

    change: ShownChange
    lines: list[ShownLine]
    next_from: int | None


@get("/", opt=allow(Scope.READ), responses=declared())
async def list_changes(
    context: NamedDependency[Context],
    log: Log = None,
    standing: InState = None,
    before: Before = None,
    limit: Limit = 50,
) -> Changes:
    """The changes of a log, those of the latest events first."""

    def read() -> Changes:
        chosen, service = context.service.log(log), context.service
        found = service.quality.proposals.all(chosen, standing, before, limit + 1)
        with service.store.reading() as connection:
            told = [shown(service.store, connection, one) for one in found[:limit]]
        return Changes(
            log=chosen.name, changes=told, next_before=found[limit - 1].latest if len(found) > limit else None
        )

    return await context.lanes.read(read)


@get("/{change:str}", opt=allow(Scope.READ), responses=declared())
async def show_change(
    context: NamedDependency[Context],
    change: ChangePath,
    log: Log = None,
    first: First = 0,
    limit: Limit = 50,
) -> ChangeAnswer:
    """A change with what it sets, old beside new."""
    without_nul(change=change)

    def read() -> ChangeAnswer:
        service = context.service
        standing = service.quality.proposals.get(service.log(log), change)
        with service.store.reading() as connection:
            return ChangeAnswer(
                change=shown(service.store, connection, standing),
                lines=shown_lines(service.store, connection, standing, first, first + limit),
                next_from=first + limit if first + limit < standing.proposal.count else None,
            )

    return await context.lanes.read(read)


@post("/", opt=allow(Door.CALLER), status_code=202, responses=declared())
async def propose(
    context: NamedDependency[Context], request: CallerRequest, data: JSONBody[NewChange], log: Log = None
) -> Response[ProposedChange]:
    """Proposes that entries be made. It takes the scope that setting them takes."""
    no_nul_in(data)
    authority = request.user.authority

    def enter() -> Response[ProposedChange]:
        service, chosen = context.service, context.service.log(log)
        lines = [canonical.dumps(_without(one)) for one in data.entries]
        bodies = list(bodies_of(service.store.kinds, lines, authority))
        made = service.quality.proposals.propose(chosen, bodies, data.change_request, data.reason, authority)
        return proposed(chosen.name, made)

    return await context.lanes.append(enter)


@post("/{change:str}/effect", opt=allow(Scope.READ), responses=declared(409))
async def bring(
    context: NamedDependency[Context],
    request: CallerRequest,
    change: ChangePath,
    data: JSONBody[BySignature],
    log: Log = None,
) -> Entered:
    """Brings a change into effect by a second person's signature over its proposal: all of it in one transaction.

    403 where the signature does not approve it; 409 where it is decided already, or was overtaken.
    """
    without_nul(change=change)
    no_nul_in(data)

    def enter() -> Entered:
        effects, chosen = context.service.quality.effects, context.service.log(log)
        return Entered(index=effects.bring(chosen, change, data.signature, data.reason, request.user.authority))

    return await context.lanes.append(enter)


@post("/{change:str}/withdrawal", opt=allow(Door.CALLER), responses=declared(409))
async def withdraw(
    context: NamedDependency[Context],
    request: CallerRequest,
    change: ChangePath,
    data: JSONBody[Why],
    log: Log = None,
) -> Entered:
    """Takes back a proposal that waits. It takes the scope that proposing it took."""
    without_nul(change=change, reason=data.reason)
    authority = request.user.authority

    def enter() -> Entered:
        proposals, chosen = context.service.quality.proposals, context.service.log(log)
        return Entered(index=proposals.withdraw(chosen, change, data.reason, authority))

    return await context.lanes.append(enter)


def _without(members: dict[str, Any]) -> dict[str, Any]:
    if "authority" in members:
        raise SchemaViolation("an entry names its authority - at `authority`", advice="Leave it out: it is the caller.")
    return members


router = Router(
    "/changes", route_handlers=[list_changes, show_change, propose, bring, withdraw], tags=["configuration"]
)
