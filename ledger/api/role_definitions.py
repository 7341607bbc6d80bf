"""Which scopes each role has at this site: as it is defined, how it was before, and another definition proposed."""

from http import HTTPStatus
from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter

from ledger.api.configuring import Changing, ProposedChange, waiting
from ledger.api.context import Context
from ledger.api.fields import without_nul
from ledger.api.gate import CallerRequest
from ledger.api.problems import declared
from ledger.people.access import Door, Scope, allow
from ledger.people.definition_kinds import RoleDefinition
from ledger.people.definitions import ShownDefinition
from ledger.people.roles import Role

Named = Annotated[Role, QueryParameter(description="The role.")]


class NewDefinition(Changing, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The scopes that a role is to have, of those that the program gives it; some of them it always keeps."""

    role: Role
    scopes: Annotated[tuple[Scope, ...], msgspec.Meta(min_length=1, max_length=len(Scope))]


@get("/", opt=allow(Door.CALLER), responses=declared())
async def definitions(context: NamedDependency[Context]) -> list[ShownDefinition]:
    """Every role as it is defined now."""
    return await context.lanes.read(context.service.people.definitions.all)


@get("/history", opt=allow(Door.CALLER), responses=declared())
async def history(context: NamedDependency[Context], role: Named) -> list[ShownDefinition]:
    """How a role was and is defined, the oldest first: at first as the program has it."""
    return await context.lanes.read(context.service.people.definitions.versions, role)


@post("/", opt=allow(Scope.ADMIN), responses=declared(), status_code=HTTPStatus.ACCEPTED)
async def propose_definition(
    context: NamedDependency[Context], request: CallerRequest, data: JSONBody[NewDefinition]
) -> ProposedChange:
    """Proposes another definition as a change of the system log: it holds once a second person has signed it.

    400 without `change_request`, and for a definition that widens a role or takes from it what it is for.
    """
    without_nul(reason=data.reason, change_request=data.change_request)
    by, service = request.user.authority, context.service

    def enter() -> ProposedChange:
        entry = RoleDefinition(role=data.role, scopes=data.scopes, reason=data.reason, authority=by)
        made = service.quality.proposals.propose(service.system, [entry], data.change_request, data.reason, by)
        return waiting(service.system.name, made)

    return await context.lanes.append(enter)


router = Router("/roles", route_handlers=[definitions, history, propose_definition], tags=["people"])
