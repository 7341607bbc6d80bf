"""Pages of signing in and of one's own account: plain forms; only passkeys need the one script that there is."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, TypeVar

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import PathParameter
from litestar.response import Redirect
from markupsafe import Markup

from ledger.core.errors import Conflict, InvalidEntry, LedgerError, NotAuthenticated
from ledger.people.access import Door, Scope, allow
from ledger.people.door import Asked, Begun, Visit
from ledger.people.enrolment import Set
from ledger.people.own import require_person
from ledger.people.pace import paced
from ledger.people.second import Proof
from ledger.people.sessions import TERMINAL_COOKIE, cookie_name
from ledger.present.messages import message
from ledger.web.pages import PageRequest, peer, session_cookie
from ledger.web.render import PAGE_HEADERS, page

T = TypeVar("T")
Context = NamedDependency[Any]
"""The application's context; of no type that a request could be checked against."""
ComponentPath = Annotated[str, PathParameter(max_length=100)]
_LONGEST: Final = 20_000


@get("/sign-in", opt=allow(Door.OPEN))
async def door_page(request: PageRequest, context: Context) -> Response[str]:
    """Name and password, or a passkey alone."""
    return await _door(context, 200)


@post("/sign-in", opt=allow(Door.OPEN), status_code=200)
async def show_password(request: PageRequest, context: Context) -> Response[Any]:
    """The first step: asks for the second, or signs in."""
    form = await _form(request)
    door, visit = context.service.entrance.door, _visit(request)
    try:
        found = await _paced(context, request, lambda: door.show_password(form("account"), form("password"), visit))
    except NotAuthenticated as error:
        return await _door(context, 401, form("account"), error)
    return _second(found) if isinstance(found, Asked) else await _entered(request, context, found)


@post("/sign-in/second", opt=allow(Door.OPEN), status_code=200)
async def show_second(request: PageRequest, context: Context) -> Response[Any]:
    """The second step: signs in, and goes on to the first page that the person may see."""
    form = await _form(request)
    door, visit = context.service.entrance.door, _visit(request)
    proof = Proof(code=form("code") or None, passkey=_answer(form("passkey")))
    new = form("new_password") or None
    try:
        found = await _paced(context, request, lambda: door.show_second(form("state"), proof, visit, new))
    except (NotAuthenticated, InvalidEntry, Conflict) as error:
        return await _door(context, 401, "", error)
    return await _entered(request, context, found)


@post("/sign-in/passkey", opt=allow(Door.OPEN), status_code=200)
async def show_passkey(request: PageRequest, context: Context) -> Response[Any]:
    """A passkey alone signs in."""
    form = await _form(request)
    door, visit, answer = context.service.entrance.door, _visit(request), _answer(form("passkey")) or {}
    try:
        found = await _paced(context, request, lambda: door.show_passkey(form("state"), answer, visit))
    except NotAuthenticated as error:
        return await _door(context, 401, "", error)
    return await _entered(request, context, found)


@get("/enrol", opt=allow(Door.OPEN))
async def enrol_page(request: PageRequest) -> Response[str]:
    """Asks for the one-time code."""
    return page("enrol.html", why="", advice="", place="", viewer=None)


@post("/enrol", opt=allow(Door.OPEN), status_code=200)
async def enrol(request: PageRequest, context: Context) -> Response[str]:
    """Shows what is to be set with the code."""
    form = await _form(request)
    enrolment = context.service.entrance.enrolment
    return await _enrolling(context, request, lambda: enrolment.begin(form("code").strip()))


@post("/enrol/components", opt=allow(Door.OPEN), status_code=200)
async def enrol_set(request: PageRequest, context: Context) -> Response[str]:
    """Sets it, and uses the code up."""
    form = await _form(request)
    given = Set(
        password=form("password") or None,
        title=form("title") or None,
        code=form("code") or None,
        made=_answer(form("passkey")),
        shown_password=form("shown_password") or None,
        shown=Proof(code=form("shown_code") or None, passkey=_answer(form("shown_passkey"))),
    )
    enrolment, state = context.service.entrance.enrolment, form("state")
    return await _enrolling(context, request, lambda: enrolment.finish(state, given, peer(request)))


@get("/account", opt=allow(Door.CALLER))
async def own_page(request: PageRequest, context: Context) -> Response[str]:
    """What the person signs in with, and their sessions."""
    return await _own(context, request)


@post("/account/password", opt=allow(Door.CALLER), status_code=200)
async def change_password(request: PageRequest, context: Context) -> Response[str]:
    """Sets a new password."""
    form, own = await _form(request), context.service.entrance.own
    change = lambda: own.change_password(request.user, form("old"), form("new"), peer(request))  # noqa: E731
    return await _changed(context, request, lambda: _paced(context, request, change), message("own.password.changed"))


@post("/account/device", opt=allow(Door.CALLER), status_code=200)
async def offer_device(request: PageRequest, context: Context) -> Response[str]:
    """Begins to add a device or a passkey."""
    form, own = await _form(request), context.service.entrance.own
    try:
        offer = await _paced(context, request, lambda: own.offer(request.user, form("password"), peer(request)))
    except (NotAuthenticated, Conflict) as error:
        return await _own(context, request, error=error, status=401)
    # The picture is of our own drawing, from a secret of our own making.
    picture, make = Markup(offer.svg), _text(offer.passkey)  # noqa: S704
    return page("own_device.html", offer=offer, svg=picture, make=make, place="account", viewer=request.user.account)


@post("/account/device/add", opt=allow(Door.CALLER), status_code=200)
async def add_device(request: PageRequest, context: Context) -> Response[str]:
    """Adds it."""
    form, own = await _form(request), context.service.entrance.own
    answer, title, code = _answer(form("passkey")), form("title") or None, form("code") or None
    add = lambda: own.add(request.user, form("state"), code, answer, title)  # noqa: E731
    return await _changed(context, request, lambda: context.lanes.append(add), message("own.added"))


@post("/account/components/{component:str}/revocation", opt=allow(Door.CALLER), status_code=200)
async def revoke(request: PageRequest, context: Context, component: ComponentPath) -> Response[str]:
    """Ends a lost device or passkey, and all sessions, this one too."""
    form, own = await _form(request), context.service.entrance.own
    await context.lanes.append(lambda: own.revoke(request.user, component, form("reason")))
    answer = await _door(context, 200, why=message("own.revoked"))
    answer.set_cookie(session_cookie(request, None))
    return answer


@post("/account/sessions", opt=allow(Door.CALLER), status_code=200)
async def end_sessions(request: PageRequest, context: Context) -> Response[str]:
    """Ends every other session."""
    own = context.service.entrance.own
    ended = await context.lanes.append(lambda: own.end_sessions(request.user))
    return await _own(context, request, message("own.sessions.ended", count=ended))


HANDLERS: Final = (
    door_page,
    show_password,
    show_second,
    show_passkey,
    enrol_page,
    enrol,
    enrol_set,
    own_page,
    change_password,
    offer_device,
    add_device,
    revoke,
    end_sessions,
)


async def _door(
    context: Any, status: int, account: str = "", error: LedgerError | None = None, why: str = ""
) -> Response[str]:
    service = context.service
    alone = None
    if service.settings.web.origin is not None:
        alone = await context.lanes.read(service.entrance.door.offer_passkey)
    return page(
        "door.html",
        status=status,
        provider=await context.lanes.read(service.provider.find) is not None,
        account=account[:100],
        alone=alone,
        options=None if alone is None else _text(alone.passkey),
        why=why if error is None else error.message,
        advice="" if error is None else error.advice,
        place="",
        viewer=None,
    )


def _second(asked: Asked) -> Response[str]:
    options = None if asked.passkey is None else _text(asked.passkey)
    return page("second.html", asked=asked, options=options, place="", viewer=None)


async def _enrolling(context: Any, request: PageRequest, work: Callable[[], Any]) -> Response[str]:
    """A step of the enrolment; what went wrong is told where the code is asked for."""
    try:
        found = await _paced(context, request, work)
    except (NotAuthenticated, InvalidEntry, Conflict) as error:
        status = 401 if isinstance(error, NotAuthenticated) else 400
        return page("enrol.html", status=status, why=error.message, advice=error.advice, place="", viewer=None)
    if isinstance(found, str):
        return page("enrol_done.html", account=found, place="", viewer=None)
    # The picture is of our own drawing, from a secret of our own making.
    picture = Markup(found.svg or "")  # noqa: S704
    made, shown = _text(found.passkey), _text(found.show_passkey)
    return page("enrol_set.html", begun=found, svg=picture, make=made, show=shown, place="", viewer=None)


async def _changed(context: Any, request: PageRequest, work: Callable[[], Any], said: str) -> Response[str]:
    try:
        await work()
    except NotAuthenticated as error:
        return await _own(context, request, error=error, status=401)
    except (InvalidEntry, Conflict) as error:
        return await _own(context, request, error=error, status=400)
    return await _own(context, request, said)


async def _own(
    context: Any, request: PageRequest, said: str = "", error: LedgerError | None = None, status: int = 200
) -> Response[str]:
    entrance, caller = context.service.entrance, request.user
    require_person(caller)

    def read() -> tuple[Any, Any, Any]:
        return entrance.own.components(caller), entrance.own.sessions(caller), context.service.people.profiles.now()

    components, sessions, profile = await context.lanes.read(read)
    return page(
        "own.html",
        status=status,
        components=components,
        sessions=sessions,
        here=caller.session,
        length=profile.password_length,
        administers=caller.allows(Scope.ADMIN),
        said=said,
        why="" if error is None else error.message,
        advice="" if error is None else error.advice,
        place="account",
        viewer=caller.account,
    )


async def _entered(request: PageRequest, context: Any, found: Begun) -> Response[Any]:
    caller = await context.lanes.append(lambda: context.service.people.sessions.find(found.session))
    first = "/" if Scope.READ in caller.scopes else "/account"
    cookie = session_cookie(request, found.session)
    return Redirect(first, status_code=303, cookies=[cookie], headers=PAGE_HEADERS)


async def _paced(context: Any, request: PageRequest, work: Callable[[], T]) -> T:
    security, seconds = context.service.people.security, context.service.entrance.effort.refusal_s
    found: T = await paced(security, peer(request), seconds, lambda: context.lanes.argon(work))
    return found


def _visit(request: PageRequest) -> Visit:
    secure = request.url.scheme == "https"
    return Visit(
        peer=peer(request),
        previous=request.cookies.get(cookie_name(secure)),
        terminal=request.cookies.get(cookie_name(secure, TERMINAL_COOKIE)),
    )


async def _form(request: Request[Any, Any, Any]) -> Callable[[str], str]:
    """The fields of a form as text: empty where one is not there, is a file or is too long."""
    given: Mapping[str, Any] = await request.form()

    def field(name: str) -> str:
        value = given.get(name)
        return value if isinstance(value, str) and len(value) <= _LONGEST and "\0" not in value else ""

    return field


def _answer(text: str) -> dict[str, Any] | None:
    """An authenticator's answer, as the script sends it; None where there is none."""
    try:
        return msgspec.json.decode(text, type=dict[str, Any]) if text else None
    except msgspec.DecodeError:
        return {}


def _text(options: dict[str, Any] | None) -> str | None:
    return None if options is None else msgspec.json.encode(options).decode()
