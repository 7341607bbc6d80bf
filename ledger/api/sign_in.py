"""Signing in: name and password, a second factor, a session; codes to begin with; and what people change of their own.

Each refusal at the door reads the same and takes the same time, whatever was wrong.
"""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from ledger.api.context import Context
from ledger.api.fields import without_nul
from ledger.api.gate import CallerRequest, peer_of, terminal_cookie_name
from ledger.api.people import Entered, Why
from ledger.api.problems import declared
from ledger.api.session import session_cookie
from ledger.people.access import Door, allow
from ledger.people.door import Alone, Asked, Visit
from ledger.people.door import Begun as SignedIn
from ledger.people.enrolment import Begun, Set
from ledger.people.own import Offer, OwnComponent
from ledger.people.pace import paced
from ledger.people.passwords import Password
from ledger.people.second import Proof
from ledger.people.sessions import OpenSession, cookie_name

T = TypeVar("T")

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
State = Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]
OneTime = Annotated[str, msgspec.Meta(min_length=1, max_length=20)]
Title = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
ComponentPath = Annotated[str, PathParameter(description="A component's name.", max_length=100)]


class NameAndPassword(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The first step."""

    account: Name
    password: Password


class SecondStep(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The second step: `state` of the first, and a device's code or an authenticator's answer."""

    state: State
    code: OneTime | None = None
    passkey: dict[str, Any] | None = None
    new_password: Password | None = None


class PasskeyAlone(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An authenticator's answer to what was offered with `state`."""

    state: State
    passkey: dict[str, Any]


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody signed in: whose session the cookie that comes with this is."""

    account: str


class OneTimeCode(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A code that an administrator gave."""

    code: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Enrolled(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the person sets and shows; `state` of the step before. `code` or `passkey`: of the new second factor."""

    state: State
    password: Password | None = None
    title: Title | None = None
    code: OneTime | None = None
    passkey: dict[str, Any] | None = None
    shown_password: Password | None = None
    shown_code: OneTime | None = None
    shown_passkey: dict[str, Any] | None = None


class PasswordChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The present password, and the one that is to take its place."""

    old: Password
    new: Password


class Shown(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The present password, shown once more."""

    password: Password


class Further(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a new device or authenticator answered to the step that `state` is of."""

    state: State
    code: OneTime | None = None
    passkey: dict[str, Any] | None = None
    title: Title | None = None


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How many sessions were ended."""

    ended: int


@post("/sign-in", opt=allow(Door.OPEN), responses=declared(409), security=[{}], status_code=200, tags=["sign-in"])
async def sign_in(
    context: NamedDependency[Context], request: Request[Any, Any, Any], data: JSONBody[NameAndPassword]
) -> Response[Asked | Done]:
    """Shows name and password. Answered with what comes next, or, where nothing does, with the session's cookie."""
    door = context.service.entrance.door
    visit = _visit(request)
    found = await _paced(context, request, lambda: door.show_password(data.account, data.password, visit))
    return Response(found) if isinstance(found, Asked) else _session(request, found)


@post(
    "/sign-in/second", opt=allow(Door.OPEN), responses=declared(409), security=[{}], status_code=200, tags=["sign-in"]
)
async def second_step(
    context: NamedDependency[Context], request: Request[Any, Any, Any], data: JSONBody[SecondStep]
) -> Response[Done]:
    """Shows the second factor and sets the session's cookie; a session that the browser had before ends."""
    door, visit = context.service.entrance.door, _visit(request)
    proof = Proof(code=data.code, passkey=data.passkey)
    found = await _paced(context, request, lambda: door.show_second(data.state, proof, visit, data.new_password))
    return _session(request, found)


@get("/sign-in/passkey", opt=allow(Door.OPEN), responses=declared(), security=[{}], tags=["sign-in"])
async def offer_passkey(context: NamedDependency[Context]) -> Alone:
    """What a browser needs to sign in by a passkey alone."""
    return await context.lanes.read(context.service.entrance.door.offer_passkey)


@post("/sign-in/passkey", opt=allow(Door.OPEN), responses=declared(), security=[{}], status_code=200, tags=["sign-in"])
async def show_passkey(
    context: NamedDependency[Context], request: Request[Any, Any, Any], data: JSONBody[PasskeyAlone]
) -> Response[Done]:
    """Shows a passkey, which is possession and verification in one, and sets the session's cookie."""
    door, visit = context.service.entrance.door, _visit(request)
    return _session(request, await _paced(context, request, lambda: door.show_passkey(data.state, data.passkey, visit)))


@post("/enrolment", opt=allow(Door.OPEN), responses=declared(), security=[{}], status_code=200, tags=["sign-in"])
async def begin_enrolment(
    context: NamedDependency[Context], request: Request[Any, Any, Any], data: JSONBody[OneTimeCode]
) -> Begun:
    """Shows a one-time code. Answered with what the person is to set, and to show of what they have."""
    return await _paced(context, request, lambda: context.service.entrance.enrolment.begin(data.code))


@post(
    "/enrolment/components",
    opt=allow(Door.OPEN),
    responses=declared(409),
    security=[{}],
    status_code=200,
    tags=["sign-in"],
)
async def finish_enrolment(
    context: NamedDependency[Context], request: Request[Any, Any, Any], data: JSONBody[Enrolled]
) -> Done:
    """Sets what the person chose, and uses the code up."""
    without_nul(title=data.title)
    given = Set(
        password=data.password,
        title=data.title,
        code=data.code,
        made=data.passkey,
        shown_password=data.shown_password,
        shown=Proof(code=data.shown_code, passkey=data.shown_passkey),
    )
    enrolment, peer = context.service.entrance.enrolment, peer_of(request)
    return Done(account=await _paced(context, request, lambda: enrolment.finish(data.state, given, peer)))


@post("/password", opt=allow(Door.CALLER), responses=declared(409), tags=["sign-in"])
async def change_password(
    context: NamedDependency[Context], request: CallerRequest, data: JSONBody[PasswordChange]
) -> Entered:
    """Sets a new password; the person's other sessions end."""
    own, caller, peer = context.service.entrance.own, request.user, peer_of(request)
    index = await _paced(context, request, lambda: own.change_password(caller, data.old, data.new, peer))
    return Entered(index=index)


@get("/components", opt=allow(Door.CALLER), responses=declared(), tags=["sign-in"])
async def components(context: NamedDependency[Context], request: CallerRequest) -> list[OwnComponent]:
    """What the person who asks signs in with."""
    return await context.lanes.read(context.service.entrance.own.components, request.user)


@post("/second-factors/offer", opt=allow(Door.CALLER), responses=declared(409), status_code=200, tags=["sign-in"])
async def offer_second(context: NamedDependency[Context], request: CallerRequest, data: JSONBody[Shown]) -> Offer:
    """Begins to add a device or passkey: what an authenticator needs. The password is asked for once more."""
    own, caller, peer = context.service.entrance.own, request.user, peer_of(request)
    return await _paced(context, request, lambda: own.offer(caller, data.password, peer))


@post("/second-factors", opt=allow(Door.CALLER), responses=declared(409), tags=["sign-in"])
async def add_second(
    context: NamedDependency[Context], request: CallerRequest, data: JSONBody[Further]
) -> OwnComponent:
    """Adds the device that showed this code, or the passkey that was made."""
    without_nul(title=data.title)
    own = context.service.entrance.own
    return await context.lanes.append(own.add, request.user, data.state, data.code, data.passkey, data.title)


@post("/second-factors/{component:str}/revocation", opt=allow(Door.CALLER), responses=declared(409), tags=["sign-in"])
async def revoke_own(
    context: NamedDependency[Context], request: CallerRequest, component: ComponentPath, data: JSONBody[Why]
) -> Entered:
    """Ends a lost device or passkey of one's own, at once, and all sessions, this one too."""
    without_nul(component=component, reason=data.reason)
    own = context.service.entrance.own
    return Entered(index=await context.lanes.append(own.revoke, request.user, component, data.reason))


@get("/sessions", opt=allow(Door.CALLER), responses=declared(), tags=["sign-in"])
async def sessions(context: NamedDependency[Context], request: CallerRequest) -> list[OpenSession]:
    """The sessions of the person who asks."""
    return await context.lanes.read(context.service.entrance.own.sessions, request.user)


@post("/sessions/end", opt=allow(Door.CALLER), responses=declared(), status_code=200, tags=["sign-in"])
async def end_sessions(context: NamedDependency[Context], request: CallerRequest) -> Ended:
    """Ends every session of the person but the one that asks."""
    return Ended(ended=await context.lanes.append(context.service.entrance.own.end_sessions, request.user))


async def _paced(context: Context, request: Request[Any, Any, Any], work: Callable[[], T]) -> T:
    entrance, security = context.service.entrance, context.service.people.security
    return await paced(security, peer_of(request), entrance.effort.refusal_s, lambda: context.lanes.argon(work))


def _visit(request: Request[Any, Any, Any]) -> Visit:
    previous = request.cookies.get(cookie_name(request.scope["scheme"] == "https"))
    return Visit(peer=peer_of(request), previous=previous, terminal=request.cookies.get(terminal_cookie_name(request)))


def _session(request: Request[Any, Any, Any], found: SignedIn) -> Response[Any]:
    return Response(Done(account=found.account), cookies=[session_cookie(request, found.session)])


router = Router(
    "/",
    route_handlers=[
        sign_in,
        second_step,
        offer_passkey,
        show_passkey,
        begin_enrolment,
        finish_enrolment,
        change_password,
        components,
        offer_second,
        add_second,
        revoke_own,
        sessions,
        end_sessions,
    ],
)
