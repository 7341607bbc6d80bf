"""Erasure of personal values: asked for, refused with the answer for the person, or approved by two people."""

from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from ledger.api.context import Context
from ledger.api.fields import without_nul
from ledger.api.gate import CallerRequest
from ledger.api.people import Why
from ledger.api.problems import declared
from ledger.core.errors import AccessDenied
from ledger.people.access import Scope, allow
from ledger.privacy.erasure_kinds import Ground
from ledger.privacy.erasures import Erasure

ErasurePath = Annotated[str, PathParameter(max_length=100)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]


class NewErasure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The sealed value `member` of the entry at address `target`, and the ground on which its person asks."""

    target: Name
    member: Name
    ground: Ground
    reason: Reason


@get("/erasures", opt=allow(Scope.ADMIN), responses=declared())
async def erasures(context: NamedDependency[Context]) -> list[Erasure]:
    """Every request, and where it stands."""
    return await context.lanes.read(context.service.erasures.all)


@post("/erasures", opt=allow(Scope.ADMIN), responses=declared(409))
async def request_erasure(
    context: NamedDependency[Context], request: CallerRequest, data: JSONBody[NewErasure]
) -> Erasure:
    """Asks for an erasure. Where the value is covered it is refused at once, and `answer` is for the person."""
    without_nul(target=data.target, member=data.member, reason=data.reason)
    ask = context.service.erasures.request
    return await context.lanes.append(ask, data.target, data.member, data.ground, data.reason, request.user.authority)


@post("/erasures/{erasure:str}/approvals", opt=allow(Scope.APPROVE), responses=declared(409))
async def approve_erasure(
    context: NamedDependency[Context], request: CallerRequest, erasure: ErasurePath, data: JSONBody[Why]
) -> Erasure:
    """Approves a request; with the second approval the value goes, and with it each original that holds it."""
    without_nul(erasure=erasure, reason=data.reason)
    user, erasures = request.user, context.service.erasures

    def enter() -> Erasure:
        site = erasures.site_of(erasure)
        if not user.allows(Scope.APPROVE, site):
            raise AccessDenied(f"{user.account} approves nothing of log {site}")
        return erasures.approve(erasure, data.reason, user.authority, person=user.person)

    return await context.lanes.append(enter)


router = Router("/", route_handlers=[erasures, request_erasure, approve_erasure], tags=["privacy"])
