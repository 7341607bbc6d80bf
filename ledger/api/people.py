"""Accounts and grants: the register of who held which right from when to when, and its changes."""

from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from ledger.api.context import Context
from ledger.api.fields import without_nul
from ledger.api.gate import CallerRequest
from ledger.api.problems import declared
from ledger.people.access import Scope, allow
from ledger.people.kinds import AccountId
from ledger.people.people import Held, KnownAccount, Token

Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
AccountPath = Annotated[str, PathParameter(max_length=100)]
GrantPath = Annotated[str, PathParameter(max_length=100)]


class NewAccount(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A service account to be made."""

    account: AccountId
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    reason: Reason


class NewGrant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Scopes to be granted; `sources` with scope `ingest`, and only then. `expires_at`: 2026-11-25T07:10:06.123456Z."""

    account: AccountId
    scopes: Annotated[tuple[Scope, ...], msgspec.Meta(min_length=1, max_length=10)]
    reason: Reason
    sources: Annotated[
        tuple[Annotated[str, msgspec.Meta(min_length=1, max_length=512)], ...], msgspec.Meta(max_length=100)
    ] = ()
    expires_at: Annotated[str, msgspec.Meta(max_length=40)] | None = None


class Why(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The reason for a change."""

    reason: Reason


class Entered(msgspec.Struct, frozen=True, kw_only=True):
    """Index, in the system log, of the entry that a change became."""

    index: int


@get("/accounts", responses=declared())
async def accounts(context: NamedDependency[Context]) -> list[KnownAccount]:
    """Every account that there is or was."""
    return await context.lanes.read(context.service.people.accounts)


@post("/accounts", responses=declared(409))
async def create_account(
    context: NamedDependency[Context], request: CallerRequest, data: JSONBody[NewAccount]
) -> Entered:
    """Makes a service account. Its id is never issued again."""
    without_nul(title=data.title, reason=data.reason)
    make = context.service.people.create_account
    return Entered(
        index=await context.lanes.append(make, data.account, data.title, data.reason, request.user.authority)
    )


@post("/accounts/{account:str}/deactivation", responses=declared(409))
async def deactivate_account(
    context: NamedDependency[Context], request: CallerRequest, account: AccountPath, data: JSONBody[Why]
) -> Entered:
    """From here on none of the account's tokens is accepted."""
    without_nul(account=account, reason=data.reason)
    deactivate = context.service.people.deactivate
    return Entered(index=await context.lanes.append(deactivate, account, data.reason, request.user.authority))


@get("/grants", responses=declared())
async def register(context: NamedDependency[Context]) -> list[Held]:
    """The register: every grant there ever was, from which entry to which it was held."""
    return await context.lanes.read(context.service.people.register)


@post("/grants", responses=declared(409))
async def grant(context: NamedDependency[Context], request: CallerRequest, data: JSONBody[NewGrant]) -> Token:
    """Grants scopes to another account. The token is in this answer and nowhere else."""
    without_nul(reason=data.reason, **{f"source {at}": name for at, name in enumerate(data.sources)})
    return await context.lanes.append(
        context.service.people.grant,
        data.account,
        data.scopes,
        data.reason,
        request.user.authority,
        data.sources,
        data.expires_at,
    )


@post("/grants/{grant_id:str}/revocation", responses=declared(409))
async def revoke(
    context: NamedDependency[Context], request: CallerRequest, grant_id: GrantPath, data: JSONBody[Why]
) -> Entered:
    """Ends a grant; what is kept of its token is destroyed in the same transaction."""
    without_nul(grant_id=grant_id, reason=data.reason)
    revoke_grant = context.service.people.revoke
    return Entered(index=await context.lanes.append(revoke_grant, grant_id, data.reason, request.user.authority))


router = Router(
    "/",
    route_handlers=[accounts, create_account, deactivate_account, register, grant, revoke],
    opt=allow(Scope.ADMIN),
    tags=["people"],
)
