"""Terminals: enrolled and tested at the device itself, whose browser gets the terminal's secret in a cookie."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from ledger.api.context import Context
from ledger.api.fields import without_nul
from ledger.api.gate import CallerRequest, terminal_cookie_name
from ledger.api.people import Entered, Reason, Why
from ledger.api.problems import declared
from ledger.people.access import Scope, allow
from ledger.people.terminal_kinds import TerminalEvent
from ledger.people.terminals import Enrolled, KnownTerminal

TerminalPath = Annotated[str, PathParameter(description="A terminal's id.", max_length=100)]
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
COOKIE_SECONDS = 400 * 86_400
"""As long as browsers keep a cookie at most; each test renews it."""


class NewTerminal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the terminal is called, what was tested of it and how that went (`how`), and why it is enrolled."""

    title: Words
    how: Reason
    reason: Reason


class Tested(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was tested and what came of it."""

    how: Reason
    reason: Reason


class AtTerminal(msgspec.Struct, frozen=True, kw_only=True):
    """The terminal whose secret came with this answer, in a cookie, and the entry that says so."""

    terminal: str
    index: int


@get("/", responses=declared())
async def terminals(context: NamedDependency[Context]) -> list[KnownTerminal]:
    """The terminals in use, with their last tests and when the next are due."""
    return await context.lanes.read(context.service.people.terminals.all)


@post("/", responses=declared())
async def enrol(
    context: NamedDependency[Context], request: CallerRequest, data: JSONBody[NewTerminal]
) -> Response[AtTerminal]:
    """Makes the device that asks a terminal: its browser holds the secret that comes with the answer."""
    without_nul(title=data.title, how=data.how, reason=data.reason)
    work = context.service.people.terminals.enrol
    return _set(request, await context.lanes.append(work, data.title, data.how, data.reason, request.user.authority))


@post("/test", responses=declared(409))
async def passed(
    context: NamedDependency[Context], request: CallerRequest, data: JSONBody[Tested]
) -> Response[AtTerminal]:
    """Records that the terminal that asks passed a test, and changes its secret."""
    without_nul(how=data.how, reason=data.reason)
    work, shown = context.service.people.terminals.passed, request.cookies.get(terminal_cookie_name(request))
    return _set(request, await context.lanes.append(work, shown, data.how, data.reason, request.user.authority))


@post("/{terminal:str}/failure", responses=declared(409))
async def failed(
    context: NamedDependency[Context], request: CallerRequest, terminal: TerminalPath, data: JSONBody[Tested]
) -> Entered:
    """Records that a terminal failed a test: it is in use no longer."""
    without_nul(terminal=terminal, how=data.how, reason=data.reason)
    work, authority = context.service.people.terminals.ended, request.user.authority
    return Entered(
        index=await context.lanes.append(work, terminal, TerminalEvent.FAILED, data.how, data.reason, authority)
    )


@post("/{terminal:str}/retirement", responses=declared(409))
async def retire(
    context: NamedDependency[Context], request: CallerRequest, terminal: TerminalPath, data: JSONBody[Why]
) -> Entered:
    """Takes a terminal out of use."""
    without_nul(terminal=terminal, reason=data.reason)
    work, authority = context.service.people.terminals.ended, request.user.authority
    return Entered(
        index=await context.lanes.append(work, terminal, TerminalEvent.RETIRED, "retired", data.reason, authority)
    )


def terminal_cookie(request: Request[Any, Any, Any], secret: str) -> Cookie:
    """The cookie of an enrolled terminal; it opens nothing by itself, and comes with a redirect too (`lax`)."""
    secure = request.scope["scheme"] == "https"
    return Cookie(
        key=terminal_cookie_name(request),
        value=secret,
        path="/",
        max_age=COOKIE_SECONDS,
        secure=secure,
        httponly=True,
        samesite="lax",
    )


def _set(request: CallerRequest, made: Enrolled) -> Response[AtTerminal]:
    shown = AtTerminal(terminal=made.terminal, index=made.index)
    return Response(shown, status_code=201, cookies=[terminal_cookie(request, made.secret)])


router = Router(
    "/terminals",
    route_handlers=[terminals, enrol, passed, failed, retire],
    opt=allow(Scope.ADMIN),
    tags=["people"],
)
