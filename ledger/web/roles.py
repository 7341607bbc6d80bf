"""The page of roles: which scopes each has at this site, since when, and the form that proposes other ones."""

from functools import partial
from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency

from ledger.core.errors import LedgerError, SchemaViolation
from ledger.people.access import Door, Scope, allow
from ledger.people.definition_kinds import RoleDefinition
from ledger.people.roles import Role
from ledger.web.forms import entered, form_of, reason_of, request_of
from ledger.web.pages import PageRequest
from ledger.web.render import page
from ledger.web.views.changes import waiting_of

Context = NamedDependency[Any]


@get("/roles", opt=allow(Door.CALLER))
async def roles_page(request: PageRequest, context: Context) -> Response[str]:
    """Every role as it is defined, how it was before, and what is proposed."""
    return await _roles(context, request)


@post("/roles", opt=allow(Scope.ADMIN))
async def propose_role(request: PageRequest, context: Context) -> Response[Any]:
    """Proposes other scopes for a role, under a change request."""
    form, by = await form_of(request), request.user.authority

    def enter() -> None:
        if form("role") not in set(Role):
            raise SchemaViolation(f"there is no role {form('role')[:40]!r}", advice="Choose one of the list.")
        role, reason, service = Role(form("role")), reason_of(form), context.service
        scopes = tuple(scope for scope in Scope if form(f"scope-{scope.value}"))
        entry = RoleDefinition(role=role, scopes=scopes, reason=reason, authority=by)
        service.quality.proposals.propose(service.system, [entry], request_of(form), reason, by)

    return await entered(context, enter, "/roles#waiting", partial(_roles, context, request))


HANDLERS = (roles_page, propose_role)


async def _roles(context: Any, request: PageRequest, error: LedgerError | None = None) -> Response[str]:
    def read() -> tuple[Any, ...]:
        service, user = context.service, request.user
        waiting = waiting_of(service.store, service.quality.proposals, service.system, "role-definition")
        return [service.people.definitions.versions(role) for role in Role], waiting, user.allows(Scope.READ)

    found, waiting, reads = await context.lanes.read(read)
    return page(
        "roles.html",
        status=200 if error is None else 409,
        roles=found,
        waiting=waiting,
        reads=reads,
        proposes=request.user.allows(Scope.ADMIN),
        error=error,
        place="roles",
        viewer=request.user.account,
    )
