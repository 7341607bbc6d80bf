"""The page of terminals: those in use, this device, and forms to enrol, test and retire, at the device itself."""

from collections.abc import Callable
from typing import Annotated, Any

from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import PathParameter

from ledger.core.errors import Conflict, InvalidEntry, LedgerError, NotAuthenticated, NotFound
from ledger.people.access import Scope, allow
from ledger.people.secrets import parse
from ledger.people.sessions import TERMINAL_COOKIE, cookie_name
from ledger.people.terminal_kinds import TerminalEvent
from ledger.people.terminals import Enrolled
from ledger.present.messages import message
from ledger.web.pages import PageRequest
from ledger.web.render import page

Context = NamedDependency[Any]
TerminalPath = Annotated[str, PathParameter(max_length=100)]
_LONGEST = 1000
_COOKIE_SECONDS = 400 * 86_400


@get("/terminals", opt=allow(Scope.ADMIN))
async def terminals_page(request: PageRequest, context: Context) -> Response[str]:
    """The terminals in use, and what can be said of this device."""
    return await _page(context, request)


@post("/terminals", opt=allow(Scope.ADMIN), status_code=200)
async def enrol(request: PageRequest, context: Context) -> Response[str]:
    """Makes this device a terminal."""
    form, work, by = await _form(request), context.service.people.terminals.enrol, request.user.authority
    return await _made(
        context, request, lambda: work(form("title"), form("how"), form("reason"), by), message("terminals.enrolled")
    )


@post("/terminals/test", opt=allow(Scope.ADMIN), status_code=200)
async def passed(request: PageRequest, context: Context) -> Response[str]:
    """Records that this terminal passed a test."""
    form, work, by = await _form(request), context.service.people.terminals.passed, request.user.authority
    return await _made(
        context, request, lambda: work(_shown(request), form("how"), form("reason"), by), message("terminals.passed")
    )


@post("/terminals/{terminal:str}/end", opt=allow(Scope.ADMIN), status_code=200)
async def end(request: PageRequest, context: Context, terminal: TerminalPath) -> Response[str]:
    """Records that a terminal failed a test, where one is told, or takes it out of use."""
    form, work, by = await _form(request), context.service.people.terminals.ended, request.user.authority
    event = TerminalEvent.FAILED if form("how") else TerminalEvent.RETIRED
    try:
        await context.lanes.append(lambda: work(terminal, event, form("how") or "retired", form("reason"), by))
    except (InvalidEntry, Conflict, NotFound) as error:
        return await _page(context, request, error=error)
    return await _page(context, request, message("terminals.ended"))


HANDLERS = (terminals_page, enrol, passed, end)


async def _made(context: Any, request: PageRequest, work: Callable[[], Enrolled], said: str) -> Response[str]:
    try:
        made: Enrolled = await context.lanes.append(work)
    except (InvalidEntry, Conflict, NotAuthenticated) as error:
        return await _page(context, request, error=error)
    answer = await _page(context, request, said, here=made.terminal)
    secure = request.url.scheme == "https"
    answer.set_cookie(
        Cookie(
            key=cookie_name(secure, TERMINAL_COOKIE),
            value=made.secret,
            path="/",
            max_age=_COOKIE_SECONDS,
            secure=secure,
            httponly=True,
            samesite="lax",
        )
    )
    return answer


async def _page(
    context: Any, request: PageRequest, said: str = "", error: LedgerError | None = None, here: str | None = None
) -> Response[str]:
    people = context.service.people
    known = await context.lanes.read(people.terminals.all)
    shown = parse(_shown(request) or "")
    here = here or (None if shown is None else shown[1])
    return page(
        "terminals.html",
        status=200 if error is None else 400,
        terminals=known,
        here=next((one for one in known if one.terminal == here), None),
        said=said,
        why="" if error is None else error.message,
        advice="" if error is None else error.advice,
        place="terminals",
        viewer=request.user.account,
    )


def _shown(request: PageRequest) -> str | None:
    return request.cookies.get(cookie_name(request.url.scheme == "https", TERMINAL_COOKIE))


async def _form(request: PageRequest) -> Callable[[str], str]:
    """The fields of a form as text: empty where one is not there, is a file or is too long."""
    given = await request.form()

    def field(name: str) -> str:
        value = given.get(name)
        return value.strip() if isinstance(value, str) and len(value) <= _LONGEST and "\0" not in value else ""

    return field
