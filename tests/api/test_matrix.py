"""Every route × every role × every fate of a grant: exactly the answer that the route declares.

The routes are the application's own, with its pages; the persons hold real grants and real sessions. One world serves
all, and the application is called without a client in between: the whole matrix is some ten thousand requests. In
`make test` each role asks a drawn third of the routes, and all of them while its grant is in force.
"""

import asyncio
import random
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from ledger.api.app import create_app
from ledger.api.gate import declared_routes
from ledger.core.clock import utc_text
from ledger.core.errors import Conflict, LedgerError, NotAuthenticated
from ledger.people.access import Access, Door, Scope
from ledger.people.kinds import AccountSort
from ledger.people.roles import SCOPES, Role, conflict
from ledger.people.sessions import cookie_name
from ledger.web.handlers import handlers as web_handlers
from tests.api.test_access import filled
from tests.api.world import OTHER_SOURCE, World
from tests.support.asking import status_of
from tests.support.sampled import WHOLE
from tests.support.seeds import SEED
from tests.support.staff import Staff

FATES: Final = ("in force", "none", "expired", "not yet begun", "revoked", "deactivated", "other site", "other source")
MINUTE_US: Final = 60_000_000
OTHER_SITE: Final = "laboratory"


class Route(msgspec.Struct, frozen=True):
    """A route with what it declares; `takes_log`: it is about one record log, which its address names."""

    method: str
    path: str
    access: Access
    takes_log: bool

    @property
    def target(self) -> str:
        return filled(self.path) + ("?log=records" if self.takes_log and "{log:" not in self.path else "")


class Matrix:
    """A ledger with two record logs, a person for each role and fate, and the application that they call."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder)
        self.world.service.create_record_log(OTHER_SITE, self.world.root)
        self.staff = Staff(self.world.service)
        self.app = create_app(self.world.service, web_handlers=web_handlers())
        self.sessions: dict[tuple[Role, str], str] = {}
        persons = [(role, fate) for fate in FATES for role in Role if fate != "other source"]
        with ThreadPoolExecutor(16) as together:  # appends of one moment share a group commit
            list(together.map(lambda one: self._person(*one), [*persons, (Role.SOURCE_OWNER, "other source")]))
        self.world.clock.pass_seconds(61)

    def routes(self) -> list[Route]:
        return [
            Route(method, path, handler.opt["access"], "log" in handler.parsed_fn_signature.parameters)
            for path, handler in declared_routes(self.app)
            for method in sorted(handler.http_methods)
        ]

    def account(self, role: Role, fate: str) -> str:
        return f"{role.value}-{fate.replace(' ', '-')}"

    def fresh(self, role: Role, fate: str) -> str:
        return self.staff.session(self.account(role, fate))

    def keep_signed_in(self, role: Role, fate: str) -> None:
        """Signs in again where what a caller did to their own account ended the session."""
        try:
            self.staff.caller(self.sessions[role, fate])
        except NotAuthenticated:
            self.sessions[role, fate] = self.fresh(role, fate)

    def _person(self, role: Role, fate: str) -> None:
        staff, name, now = self.staff, self.account(role, fate), self.world.clock.now_us()
        fates: dict[str, dict[str, Any]] = {
            "expired": {"expires_at": utc_text(now + MINUTE_US)},
            "not yet begun": {"from_at": utc_text(now + 1440 * MINUTE_US)},
            "other site": {"sites": [OTHER_SITE]},
            "other source": {"sources": [OTHER_SOURCE]},
        }
        where = fates.get(fate, {})
        ends = utc_text(now + 10 * 1440 * MINUTE_US) if role is Role.INSPECTOR else None
        staff.people.persons.create(name, name, "matrix", staff.admin, inspector_until=ends)
        granted = None if fate == "none" else staff.grant(name, role, **where)
        self.sessions[role, fate] = staff.session(name)
        if fate == "revoked" and granted is not None:
            staff.people.revoke(granted.grant, "matrix", staff.admin)
        if fate == "deactivated":
            staff.people.deactivate(name, "matrix", staff.admin)


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Matrix]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("ledger.people.security.FAILURES", 1_000_000_000)
        made = Matrix(tmp_path_factory.mktemp("matrix") / "ledger")
        yield made
        made.world.close()


async def ask(app: Litestar, route: Route, session: str) -> int:
    """The status that the application answers a browser with."""
    headers = {"cookie": f"{cookie_name(False)}={session}", "sec-fetch-site": "same-origin", "host": "testserver"}
    return await status_of(app, route.method, route.target, headers)


def declared_answer(route: Route, role: Role, fate: str) -> int | None:
    """401, 403, or None: it is let through, and answers for itself."""
    if fate == "deactivated":
        return 401
    if route.access is Door.CALLER:
        return None
    if route.access is Door.CERTIFIED or fate in ("none", "expired", "not yet begun", "revoked"):
        return 403
    needed = Scope.TILES if route.access is Door.PUBLISHED else route.access
    if needed not in SCOPES[role] or (fate == "other site" and route.takes_log):
        return 403
    return 403 if fate == "other source" and needed is Scope.CONFIGURE else None


@pytest.mark.requirement("R05", "R10", "R47")
@pytest.mark.parametrize("fate", FATES)
def test_every_route_gives_every_role_exactly_the_declared_answer(matrix: Matrix, fate: str) -> None:
    routes = [route for route in matrix.routes() if route.access not in (Door.OPEN, Door.SIGNED)]
    assert len(routes) > 80
    assert {route.access for route in routes} >= {Scope.READ, Scope.EXPORT, Scope.ADMIN, Scope.CONFIGURE, Door.CALLER}

    async def all_of(role: Role) -> list[str]:
        wrong = []
        for route in asked_of(role, fate, routes):
            status = await ask(matrix.app, route, matrix.sessions[role, fate])
            wanted = declared_answer(route, role, fate)
            if route.access is Door.CALLER and fate != "deactivated":
                matrix.keep_signed_in(role, fate)
            # What a caller says of themselves, such as a wrong password, a route may refuse by itself.
            own = route.access is Door.CALLER and route.method != "GET"
            if status >= 500 or (status != wanted if wanted else status in (401, 403) and not own):
                wrong.append(f"{role.value} {route.method} {route.path}: {status}, not {wanted or 'let through'}")
        return wrong

    held = [role for role in Role if (role, fate) in matrix.sessions]
    found = asyncio.run(every(all_of(role) for role in held))
    assert not found, "\n".join(found)


def asked_of(role: Role, fate: str, routes: list[Route]) -> list[Route]:
    """The routes that this role asks with this fate of its grant."""
    if WHOLE or fate == "in force":
        return routes
    return random.Random(f"{SEED} {role.value} {fate}").sample(routes, len(routes) // 3)


async def every(works: Any) -> list[str]:
    return [line for work in works for line in await work]


@pytest.mark.requirement("R47")
def test_no_person_of_the_matrix_can_be_given_a_role_that_theirs_excludes(matrix: Matrix) -> None:
    tried = 0
    for role in Role:
        for other in Role:
            if conflict({role, other}) is None:
                continue
            for fate in ("in force", "not yet begun", "other site"):
                with pytest.raises(LedgerError) as refused:
                    matrix.staff.grant(matrix.account(role, fate), other)
                assert isinstance(refused.value, Conflict) or Role.INSPECTOR in (role, other)
                tried += 1
    assert tried > 30
    sorts = {one.account: one.sort for one in matrix.staff.people.accounts()}
    assert sorts[matrix.account(Role.INSPECTOR, "in force")] is AccountSort.INSPECTOR


class TestInspector:
    """Every view and export of an inspector is an entry, made in one place for all routes and pages."""

    @pytest.mark.requirement("R76")
    def test_every_route_that_lets_an_inspector_through_enters_the_view(self, matrix: Matrix) -> None:
        account = matrix.account(Role.INSPECTOR, "in force")
        session = matrix.fresh(Role.INSPECTOR, "in force")
        views = matrix.staff.people.views
        routes = [route for route in matrix.routes() if route.access in (Scope.READ, Scope.EXPORT)]
        last = max((one.index for one in all_views(matrix, account)), default=-1)

        async def ask_all() -> None:
            for route in routes:
                assert await ask(matrix.app, route, session) < 500

        asyncio.run(ask_all())
        seen = []
        while page := views.of(account, after=last):
            seen += page
            last = page[-1].index
        assert [(one.address, one.how.value) for one in seen] == [
            (route.target, "exported" if route.access is Scope.EXPORT else "seen") for route in routes
        ]
        assert len(routes) > 40

    @pytest.mark.requirement("R76")
    def test_what_is_refused_is_no_view(self, matrix: Matrix) -> None:
        account = matrix.account(Role.INSPECTOR, "in force")
        before = len(all_views(matrix, account))
        refused = [route for route in matrix.routes() if route.access in (Scope.ADMIN, Scope.CONFIGURE)]
        session = matrix.fresh(Role.INSPECTOR, "in force")
        for route in refused[:10]:
            assert asyncio.run(ask(matrix.app, route, session)) == 403
        assert len(all_views(matrix, account)) == before

    @pytest.mark.requirement("R76")
    def test_where_the_view_cannot_be_entered_nothing_is_answered(self, matrix: Matrix) -> None:
        session = matrix.fresh(Role.INSPECTOR, "in force")
        reader = matrix.fresh(Role.AUDITOR, "in force")
        (route,) = [one for one in matrix.routes() if (one.method, one.path) == ("GET", "/api/v1/logs/{log:str}")]
        assert asyncio.run(ask(matrix.app, route, session)) == 200
        matrix.world.clock.pass_seconds(-3_600)  # our clock is far behind the log's head: no append is taken
        try:
            assert asyncio.run(ask(matrix.app, route, session)) == 503
            assert asyncio.run(ask(matrix.app, route, reader)) == 200
        finally:
            matrix.world.clock.pass_seconds(3_600)


def all_views(matrix: Matrix, account: str) -> list[Any]:
    found: list[Any] = []
    while page := matrix.staff.people.views.of(account, after=found[-1].index if found else -1):
        found += page
    return found


class TestSites:
    """Who may read one site sees nothing of another, on the pages and over the API."""

    @pytest.mark.requirement("R05", "R10")
    def test_lists_and_pages_show_only_the_sites_that_the_caller_may_read(self, matrix: Matrix) -> None:
        here, there = matrix.fresh(Role.AUDITOR, "in force"), matrix.fresh(Role.AUDITOR, "other site")
        for path in ("/api/v1/logs", "/"):
            assert named(body(matrix, path, here)) == {"records", OTHER_SITE}, path
            assert named(body(matrix, path, there)) == {OTHER_SITE}, path
        assert named(body(matrix, "/search?log=records", here)) >= {"records"}
        assert named(body(matrix, f"/search?log={OTHER_SITE}", there)) == {OTHER_SITE}
        assert b"TIC" not in body(matrix, "/search?log=records", there)

    @pytest.mark.requirement("R10")
    @pytest.mark.parametrize(
        "path", ["/search?log=records", "/search", "/entries/records/0", "/entries/records/0/leaf"]
    )
    def test_another_site_is_answered_by_no_content(self, matrix: Matrix, path: str) -> None:
        there = matrix.fresh(Role.AUDITOR, "other site")
        assert b"ledger.example/site-a/records" not in body(matrix, path, there)
        assert b"source/erp" not in body(matrix, path, there)


def named(page: bytes) -> set[str]:
    """The record logs that a page or answer names."""
    origins = re.findall(rb"ledger\.example/site-a/([a-z]+)", page)
    short = re.findall(rb"(?:log=|/entries/|\"log\":\")([a-z]+)", page)
    return {one.decode() for one in (*origins, *short)} - {"system"}


def body(matrix: Matrix, target: str, session: str) -> bytes:
    """The bytes of an answer."""
    client: TestClient[Any] = TestClient(matrix.app)
    client.cookies.set(cookie_name(False), session)
    return client.get(target).content
