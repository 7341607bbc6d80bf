"""What every page handler works with: the service, the reading threads, and the session's cookie.

Who may see a page is the application's guard's decision: each route declares what it needs (`people.access`).
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Protocol, TypeVar
from zoneinfo import ZoneInfo

from litestar import Request
from litestar.datastructures import Cookie
from sqlalchemy import Connection

from ledger.core.clock import WallClock
from ledger.people.access import Caller
from ledger.people.people import People
from ledger.people.sessions import ABSOLUTE_US, Sessions, cookie_name
from ledger.store.logs import read_logs
from ledger.store.store import Store
from ledger.web.views import common

PageRequest = Request[Caller, Any, Any]
T = TypeVar("T")
_SECOND_US: Final = 1_000_000


class PageService(Protocol):
    """What pages need of the assembled ledger."""

    @property
    def store(self) -> Store: ...

    @property
    def clock(self) -> WallClock: ...

    @property
    def people(self) -> People: ...


class Pages:
    """Shared by all page handlers of one application; owns the threads in which pages read."""

    def __init__(self, service: PageService, zone: ZoneInfo, threads: int) -> None:
        self._service = service
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="page")
        self.zone = zone

    @property
    def sessions(self) -> Sessions:
        return self._service.people.sessions

    async def run(self, work: Callable[[], T]) -> T:
        """Runs blocking work in a reading thread, so that the event loop goes on serving appends."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def read(self, view: Callable[[common.Scope, Connection], T]) -> T:
        """Makes a view in one snapshot of the whole ledger."""

        def work() -> T:
            with self._service.store.reading() as connection:
                return view(self._scope(connection), connection)

        return await self.run(work)

    def _scope(self, connection: Connection) -> common.Scope:
        store = self._service.store
        return common.Scope(
            logs=tuple(read_logs(connection)), kinds=store.kinds, clock=self._service.clock, zone=self.zone
        )

    def secret(self, request: PageRequest) -> str | None:
        """The session secret that the browser came with."""
        return request.cookies.get(cookie_name(_secure(request)))

    def cookie(self, request: PageRequest, secret: str | None) -> Cookie:
        """The session's cookie; without a secret, the one that takes it away."""
        secure = _secure(request)
        return Cookie(
            key=cookie_name(secure),
            value=secret or "",
            path="/",
            max_age=ABSOLUTE_US // _SECOND_US if secret else 0,
            httponly=True,
            samesite="lax",
            secure=secure,
        )


def _secure(request: PageRequest) -> bool:
    return request.url.scheme == "https"
