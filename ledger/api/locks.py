"""What those who administer the accounts see and do at the door: who came, codes, locks, resets, lost devices."""

from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody, PathParameter

from ledger.api.context import Context
from ledger.api.fields import Word, without_nul
from ledger.api.gate import CallerRequest
from ledger.api.people import AccountPath, Entered, Reason, Why
from ledger.api.placed import After, Limit
from ledger.api.problems import declared
from ledger.people.access import Scope, allow
from ledger.people.comings import Coming, Happened, comings
from ledger.people.enrolment import Code, Mailed
from ledger.people.resets import Waiting

ResetPath = Annotated[str, PathParameter(description="A reset, as the list names it.", max_length=100)]
ComponentPath = Annotated[str, PathParameter(description="A component's name.", max_length=100)]


class WantedReset(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a person's second factors are to go; `password`: their password as well."""

    reason: Reason
    password: bool = False


class CodeWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a code is given; `mailed`: it goes to the person's address, and is shown to nobody."""

    reason: Reason
    mailed: bool = False


class Issued(msgspec.Struct, frozen=True, kw_only=True):
    """A code that was given: in this answer and nowhere else, or without one here, by mail."""

    account: str
    expires_at: str
    index: int
    mailed: bool
    code: str | None = None


@post("/accounts/{account:str}/enrolment", responses=declared(409))
async def issue_code(
    context: NamedDependency[Context], request: CallerRequest, account: AccountPath, data: JSONBody[CodeWanted]
) -> Issued:
    """A one-time code by which a person sets their own components: in this answer and nowhere else, or by mail.

    409 where the person has no address, or the mail server does not take it; and where a code alone would open an
    account that somebody has used: then two people reset it.
    """
    without_nul(account=account, reason=data.reason)
    enrolment, authority = context.service.entrance.enrolment, request.user.authority
    if data.mailed:
        return _mailed(await context.lanes.append(enrolment.mail, account, data.reason, authority))
    return _shown(await context.lanes.append(enrolment.issue, account, data.reason, authority))


@post("/accounts/{account:str}/unlocking", responses=declared(409))
async def unlock(
    context: NamedDependency[Context], request: CallerRequest, account: AccountPath, data: JSONBody[Why]
) -> Entered:
    """Opens an account that refused components locked; nobody opens their own."""
    without_nul(account=account, reason=data.reason)
    unlocking = context.service.entrance.attempts.unlock
    return Entered(index=await context.lanes.append(unlocking, account, data.reason, request.user.authority))


@get("/sign-ins", responses=declared())
async def sign_ins(
    context: NamedDependency[Context],
    account: Word = None,
    event: FromQuery[Coming | None] = None,
    after: After = None,
    before: After = None,
    newest_first: FromQuery[bool] = True,
    limit: Limit = 50,
) -> list[Happened]:
    """Log-ins, log-outs and failed ones, locks and unlockings: of one account or all, by entry in either order."""
    without_nul(account=account)
    return await context.lanes.read(
        comings,
        context.service.store,
        account=account,
        events=() if event is None else (event,),
        after=after,
        before=before,
        newest_first=newest_first,
        limit=limit,
    )


@get("/resets", responses=declared())
async def resets(context: NamedDependency[Context]) -> list[Waiting]:
    """Resets that somebody asked for and nobody else has confirmed."""
    return await context.lanes.read(context.service.entrance.resets.waiting)


@post("/accounts/{account:str}/resets", responses=declared(409))
async def ask_reset(
    context: NamedDependency[Context], request: CallerRequest, account: AccountPath, data: JSONBody[WantedReset]
) -> Waiting:
    """Asks that a person's second factors be taken away; nothing changes until somebody else confirms it."""
    without_nul(account=account, reason=data.reason)
    ask = context.service.entrance.resets.ask
    return await context.lanes.append(ask, account, data.password, data.reason, request.user.authority)


@post("/resets/{reset:str}/confirmation", responses=declared(409))
async def confirm_reset(
    context: NamedDependency[Context], request: CallerRequest, reset: ResetPath, data: JSONBody[CodeWanted]
) -> Issued:
    """Takes the components away, ends the person's sessions, and gives the code to begin anew, here or by mail.

    403 `self_approval` for whoever asked.
    """
    without_nul(reset=reset, reason=data.reason)
    resets, authority = context.service.entrance.resets, request.user.authority
    if data.mailed:
        return _mailed(await context.lanes.append(resets.confirm_by_mail, reset, data.reason, authority))
    return _shown(await context.lanes.append(resets.confirm, reset, data.reason, authority))


@post("/resets/{reset:str}/withdrawal", responses=declared(409))
async def withdraw_reset(
    context: NamedDependency[Context], request: CallerRequest, reset: ResetPath, data: JSONBody[Why]
) -> Entered:
    """Takes a request back."""
    without_nul(reset=reset, reason=data.reason)
    withdraw = context.service.entrance.resets.withdraw
    return Entered(index=await context.lanes.append(withdraw, reset, data.reason, request.user.authority))


@post("/accounts/{account:str}/components/{component:str}/revocation", responses=declared(409))
async def revoke_component(
    context: NamedDependency[Context],
    request: CallerRequest,
    account: AccountPath,
    component: ComponentPath,
    data: JSONBody[Why],
) -> Entered:
    """A person's lost device or passkey is good no longer, at once, and all their sessions end."""
    without_nul(account=account, component=component, reason=data.reason)
    revoke = context.service.entrance.resets.revoke
    return Entered(index=await context.lanes.append(revoke, account, component, data.reason, request.user.authority))


def _mailed(code: Mailed) -> Issued:
    return Issued(account=code.account, expires_at=code.expires_at, index=code.index, mailed=True)


def _shown(code: Code) -> Issued:
    return Issued(account=code.account, expires_at=code.expires_at, index=code.index, mailed=False, code=code.code)


router = Router(
    "/",
    route_handlers=[issue_code, unlock, sign_ins, resets, ask_reset, confirm_reset, withdraw_reset, revoke_component],
    opt=allow(Scope.ADMIN),
    tags=["people"],
)
