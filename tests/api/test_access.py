"""Every route against every credential, generated from the routes themselves.

In `make test` a token that ended asks a drawn third of the routes; all tokens of a fate together ask every one.
"""

import asyncio
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar, get
from litestar.testing import TestClient

from ledger.api.app import create_app
from ledger.api.gate import declared_routes
from ledger.core.errors import ConfigError
from ledger.people.access import OF_SERVICES, Door, Scope, allow
from tests.api.world import OTHER_SOURCE, SOURCE, World, bearer
from tests.support.application import app_of, give_back
from tests.support.asking import status_of
from tests.support.sampled import WHOLE
from tests.support.seeds import SEED

VALUES = {
    "route:str": "none", "request_id:str": "0" * 16, "step:str": "review", "delegation:str": "0" * 16,
    "reset:str": "none", "component:str": "none",
    "document:str": "non-repudiation-letter", "qualification:str": "none", "part:str": "leaf", "topic:str": "proof",
    "log:str": "records", "index:int": "1", "size:int": "1", "source:str": SOURCE, "account:str": "nobody",
    "grant_id:str": "0" * 16, "path:path": "0/000", "path:str": "other", "name:str": "start.js", "job:int": "1",
    "action:str": "record", "key:str": "0" * 32, "ident:str": "0" * 32,
    "agent:str": "edge1", "system:str": "mes", "link:str": "0" * 16,
    "anchor:str": "0" * 64, "fingerprint:str": "0" * 32, "paper:str": "0" * 16,
    "session:str": "0" * 16, "terminal:str": "0" * 16, "item:str": "none", "erasure:str": "none", "hold:str": "none",
    "upload:str": "0" * 32, "mark:str": "0" * 16, "challenge:str": "none", "case:str": "none",
    "disposal:str": "none", "rule:str": "none", "change:str": "0" * 16, "saved:str": "none",
    "hand:str": "0" * 16, "exclusion:str": "0" * 16, "sort:str": "paper", "review:str": "0" * 16,
}  # fmt: skip
PUBLIC = {
    ("GET", "/api/v1/health"),
    ("GET", "/api/v1/keys"),
    ("GET", "/api/v1/keys/{log:str}"),
    ("POST", "/api/v1/session"),
    ("POST", "/api/v1/sign-in"),
    ("POST", "/api/v1/sign-in/second"),
    ("GET", "/api/v1/sign-in/passkey"),
    ("POST", "/api/v1/sign-in/passkey"),
    ("POST", "/api/v1/enrolment"),
    ("POST", "/api/v1/enrolment/components"),
    ("GET", "/api/v1/agents/authority"),
    ("POST", "/api/v1/agents/enrolment"),
    ("POST", "/api/v1/provider/sign-in"),
    ("POST", "/api/v1/provider/sign-in/answer"),
}
"""All that a stranger may call while tiles are not published (R05)."""


def routes(app: Litestar) -> Iterator[tuple[str, str, Any]]:
    for path, handler in declared_routes(app):
        for method in sorted(handler.http_methods):
            yield method, path, handler.opt["access"]


def filled(path: str) -> str:
    return re.sub(r"/?\{(\w+:\w+)\}", lambda match: "/" + VALUES[match[1]], path)


class Patient:
    """An application that holds a caller's many failures not against it."""

    def __init__(self, app: Litestar, runner: asyncio.Runner) -> None:
        self.app = app
        self._runner = runner

    def ask(self, method: str, path: str, headers: dict[str, str]) -> int:
        return self._runner.run(status_of(self.app, method, filled(path), {"host": "testserver", **headers}))


@pytest.fixture
def patient(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Patient]:
    monkeypatch.setattr("ledger.people.security.FAILURES", 1_000_000)
    app = app_of(world.service)
    with asyncio.Runner() as runner:
        yield Patient(app, runner)
    give_back(app)


def test_an_address_that_holds_u_0000_gets_to_no_handler(patient: Patient) -> None:
    """Not every database takes it, and a stranger is not to find out which."""
    for method, path, _ in routes(patient.app):
        hostile = re.sub(r"\{\w+:str\}", "%00", path)
        if hostile != path:
            assert patient.ask(method, hostile, {}) == 400, path


@pytest.mark.requirement("R05")
def test_a_stranger_may_call_only_health_keys_and_the_exchange_of_a_sign_in_code(patient: Patient) -> None:
    open_routes = set()
    for method, path, access in routes(patient.app):
        for headers in (
            {},
            bearer("nonsense"),
            bearer("ts_" + "0" * 16 + "_" + "0" * 64),
            {"Authorization": "Basic eA=="},
        ):
            status = patient.ask(method, path, headers)
            assert (status == 401) == (access not in (Door.OPEN, Door.SIGNED)), (method, path, status)
        if access is Door.OPEN:
            open_routes.add((method, path))
    assert open_routes == PUBLIC


@pytest.mark.parametrize("scope", sorted(OF_SERVICES))
def test_a_token_opens_exactly_the_routes_that_declare_its_scope(patient: Patient, world: World, scope: Scope) -> None:
    seen = 0
    for method, path, access in routes(patient.app):
        if path == "/api/v1/session" and method == "POST":
            continue
        wanted = (
            access is scope
            or access in (Door.OPEN, Door.CALLER, Door.SIGNED)
            or (access is Door.PUBLISHED and scope is Scope.TILES)
        )
        status = patient.ask(method, path, world.headers(scope))
        assert (status not in (401, 403)) == wanted, (method, path, scope, status)
        assert wanted or status == 403, (method, path, scope, status)
        assert status < 500, (method, path, scope, status)
        seen += 1
    assert seen > 20


@pytest.mark.parametrize("fate", ["revoked", "expired", "deactivated"])
@pytest.mark.parametrize("scope", sorted(OF_SERVICES))
def test_a_token_that_ended_opens_nothing(patient: Patient, world: World, scope: Scope, fate: str) -> None:
    from ledger.core.clock import utc_text

    expires = utc_text(world.clock.now_us() + 60_000_000)
    account = f"doomed-{scope.value}"
    token = world.token(scope, account, expires_at=expires)
    assert patient.ask("DELETE", "/api/v1/session", bearer(token.token)) == 404
    if fate == "revoked":
        world.people.revoke(token.grant, "over", world.root)
    elif fate == "deactivated":
        world.people.deactivate(account, "over", world.root)
    else:
        world.clock.pass_seconds(61)
    closed = [(method, path) for method, path, access in routes(patient.app) if access not in (Door.OPEN, Door.SIGNED)]
    random.Random(f"{SEED} {fate}").shuffle(closed)
    step = 1 if WHOLE else 3
    for method, path in closed[sorted(OF_SERVICES).index(scope) % step :: step]:
        assert patient.ask(method, path, bearer(token.token)) == 401, (method, path)


def test_a_collector_reaches_its_own_source_only(client: TestClient[Any], world: World) -> None:
    headers = world.headers(Scope.INGEST)
    assert client.get(f"/api/v1/sources/{SOURCE}/state", headers=headers).status_code == 200
    for method, rest in (("GET", "state"), ("POST", "runs")):
        answer = client.request(method, f"/api/v1/sources/{OTHER_SOURCE}/{rest}", headers=headers)
        assert answer.status_code == 403
        assert answer.json()["code"] == "access_denied"


def test_published_tiles_are_open_and_nothing_else_with_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.people.security.FAILURES", 1_000_000)
    world = World(tmp_path / "ledger", publish_tiles=True)
    world.service.publisher.publish_all()
    with asyncio.Runner() as runner:
        patient = Patient(app_of(world.service), runner)
        strangers = {
            (method, path)
            for method, path, access in routes(patient.app)
            if access is not Door.SIGNED and patient.ask(method, path, {}) not in (401, 403)
        }
    assert strangers - PUBLIC == {
        ("GET", "/logs/{log:str}/checkpoint"),
        ("GET", "/logs/{log:str}/key-life.jsonl"),
        ("GET", "/logs/{log:str}/tile/{path:path}"),
    }
    give_back(patient.app)
    world.close()


def test_a_route_without_a_declared_right_keeps_the_application_from_starting(world: World) -> None:
    @get("/forgotten")
    async def forgotten() -> str:
        return ""

    with pytest.raises(ConfigError, match="/forgotten"):
        create_app(world.service, web_handlers=[forgotten])


def test_a_page_is_held_to_what_it_declares(world: World) -> None:
    @get("/page", opt=allow(Scope.READ))
    async def page() -> str:
        return "seen"

    with TestClient(create_app(world.service, web_handlers=[page])) as client:
        assert client.get("/page").status_code == 401
        assert client.get("/page", headers=world.headers(Scope.ADMIN)).status_code == 403
        assert client.get("/page", headers=world.headers(Scope.READ)).text == "seen"


def test_options_tells_a_stranger_nothing(client: TestClient[Any], world: World) -> None:
    assert client.options("/api/v1/logs").status_code == 401
    assert client.options("/api/v1/logs", headers=world.headers(Scope.READ)).status_code == 204
