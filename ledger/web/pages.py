"""What every page handler works with: the ledger, the lanes on which blocking work runs, and the session's cookie.

Who may see a page is the decision of the application's guard: each route declares what it needs (`people.access`).
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar
from zoneinfo import ZoneInfo

from litestar import Request
from litestar.datastructures import Cookie
from sqlalchemy import Connection

from ledger.core.clock import WallClock
from ledger.integrity.incidents.standing import Standings
from ledger.people.access import Caller
from ledger.people.people import People
from ledger.people.sessions import cookie_name
from ledger.store.logs import SYSTEM_LOG, read_logs
from ledger.store.store import Store
from ledger.web.views.common import Scope

PageRequest = Request[Caller, Any, Any]
T = TypeVar("T")


class PageService(Protocol):
    """What pages need of the assembled ledger."""

    @property
    def store(self) -> Store: ...

    @property
    def clock(self) -> WallClock: ...

    @property
    def people(self) -> People: ...

    @property
    def standings(self) -> Standings: ...


class PageLanes(Protocol):
    """Threads for work that blocks, so that the event loop never does."""

    async def read(self, work: Callable[[], T], /) -> T: ...

    async def append(self, work: Callable[[], T], /) -> T: ...


class PageContext(Protocol):
    """What the application gives every handler by the name `context`."""

    @property
    def service(self) -> PageService: ...

    @property
    def lanes(self) -> PageLanes: ...


async def read(context: PageContext, caller: Caller, zone: ZoneInfo, view: Callable[[Scope, Connection], T]) -> T:
    """Makes a view in one snapshot of the ledger: of the system log, and the record logs that the caller may read."""
    service = context.service

    def work() -> T:
        with service.store.reading() as connection:
            known = read_logs(connection)
            seen = set(caller.sees(log.name for log in known))
            logs = tuple(log for log in known if log.number == SYSTEM_LOG or log.name in seen)
            standing = service.standings.now(connection)
            scope = Scope(logs=logs, kinds=service.store.kinds, clock=service.clock, zone=zone, standing=standing)
            return view(scope, connection)

    return await context.lanes.read(work)


async def begin_session(context: PageContext, request: PageRequest, code: str) -> Cookie:
    """Uses a sign-in code up and returns the new session's cookie; a session that the browser had before ends.

    Raises NotAuthenticated for a code that is unknown, expired or used.
    """
    previous = _secret(request)
    sessions = context.service.people.sessions
    return session_cookie(request, await context.lanes.append(lambda: sessions.redeem(code, previous)))


async def end_session(context: PageContext, request: PageRequest) -> Cookie:
    """Ends the session that the request came with, and returns the cookie that takes its own away."""
    secret = _secret(request)
    if secret is not None:
        await context.lanes.append(lambda: context.service.people.sessions.end(secret, "signed out"))
    return session_cookie(request, None)


def peer(request: PageRequest) -> str:
    """Where a request comes from, for counting those that fail."""
    return request.client.host if request.client else "local"


def _secret(request: PageRequest) -> str | None:
    return request.cookies.get(cookie_name(_secure(request)))


def session_cookie(request: PageRequest, secret: str | None) -> Cookie:
    """For this host only, not for scripts, not sent from other sites, gone with the browser."""
    secure = _secure(request)
    return Cookie(
        key=cookie_name(secure),
        value=secret or "",
        path="/",
        max_age=0 if secret is None else None,
        httponly=True,
        samesite="strict",
        secure=secure,
    )


def _secure(request: PageRequest) -> bool:
    return request.url.scheme == "https"
