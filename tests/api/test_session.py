"""Browser sessions over HTTP: one-time link, cookie, CSRF, fixation, end."""

import threading
from typing import Any

import pytest
from httpx import Response
from litestar import Litestar, post
from litestar.testing import TestClient

from ledger.api.app import create_app
from ledger.people.access import Scope, allow
from ledger.people.sessions import COOKIE
from tests.api.world import World
from tests.support.application import app_of

OWN = {"Sec-Fetch-Site": "same-origin"}


def sign_in(client: TestClient[Any], code: str, **headers: str) -> Response:
    return client.post("/api/v1/session", json={"code": code}, headers=headers)


def code(world: World) -> str:
    return world.people.sessions.issue_link(world.root)


def test_a_link_begins_one_session_with_a_guarded_cookie(client: TestClient[Any], world: World) -> None:
    link = code(world)
    answer = sign_in(client, link)
    assert answer.status_code == 204
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith(f"{COOKIE}=")
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=/" in cookie
    assert link not in answer.headers["set-cookie"]
    assert client.get("/api/v1/logs").status_code == 200
    assert sign_in(client, link).status_code == 401


def test_over_tls_the_cookie_is_pinned_to_host_and_tls(world: World) -> None:
    with TestClient(app_of(world.service), base_url="https://testserver.local") as client:
        answer = sign_in(client, code(world))
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith(f"__Host-{COOKIE}=")
        assert "secure" in cookie.lower()
        assert "domain" not in cookie.lower()
        assert "max-age" in answer.headers["strict-transport-security"]
        assert client.get("/api/v1/logs").status_code == 200


def test_of_two_that_use_one_link_at_once_one_gets_a_session(client: TestClient[Any], world: World) -> None:
    link = code(world)
    found: list[str | None] = []

    def redeem() -> None:
        try:
            found.append(world.people.sessions.redeem(link))
        except Exception:
            found.append(None)

    threads = [threading.Thread(target=redeem) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([one for one in found if one is not None]) == 1
    assert len([body for body in world.system_entries("session-event") if body["event"] == "started"]) == 1


def test_no_id_that_a_browser_brings_is_taken_over(client: TestClient[Any], world: World) -> None:
    chosen = "ss_" + "a" * 16 + "_" + "b" * 64
    client.cookies.set(COOKIE, chosen)
    assert client.get("/api/v1/logs").status_code == 401
    answer = sign_in(client, code(world))
    assert answer.status_code == 204
    assert chosen not in answer.headers["set-cookie"]


def test_a_second_sign_in_ends_the_first_session_of_that_browser(client: TestClient[Any], world: World) -> None:
    sign_in(client, code(world))
    first = client.cookies[COOKIE]
    sign_in(client, code(world))
    assert client.cookies[COOKIE] != first
    assert client.get("/api/v1/logs").status_code == 200
    client.cookies.clear()
    assert client.get("/api/v1/logs", headers={"Cookie": f"{COOKIE}={first}"}).status_code == 401


def test_a_session_reads_and_may_nothing_else(client: TestClient[Any], world: World) -> None:
    sign_in(client, code(world))
    assert client.get("/api/v1/grants").status_code == 403
    assert client.get("/logs/records/checkpoint").status_code == 403


def test_signing_out_ends_the_session_at_once(client: TestClient[Any], world: World) -> None:
    sign_in(client, code(world))
    secret = client.cookies[COOKIE]
    assert client.delete("/api/v1/session", headers=OWN).status_code == 204
    client.cookies.clear()
    assert client.get("/api/v1/logs", headers={"Cookie": f"{COOKIE}={secret}"}).status_code == 401
    assert [body["event"] for body in world.system_entries("session-event")] == ["link-issued", "started", "ended"]


@pytest.mark.parametrize(
    "headers",
    [{}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"},
     {"Origin": "null"}, {"Origin": "http://["}],
)  # fmt: skip
def test_what_another_site_sends_with_our_cookie_changes_nothing(
    client: TestClient[Any], world: World, headers: dict[str, str]
) -> None:
    sign_in(client, code(world))
    answer = client.delete("/api/v1/session", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "access_denied")
    assert client.get("/api/v1/logs").status_code == 200
    world.people.security.enter(final=True)
    assert {one["sort"] for body in world.system_entries("security-event") for one in body["counts"]} == {"cross-site"}


@pytest.mark.parametrize("headers", [OWN, {"Sec-Fetch-Site": "none"}, {"Origin": "http://testserver.local"}])
def test_what_our_own_page_sends_is_let_through(client: TestClient[Any], world: World, headers: dict[str, str]) -> None:
    sign_in(client, code(world))
    assert client.delete("/api/v1/session", headers=headers).status_code == 204


def test_another_site_cannot_sign_a_browser_in(client: TestClient[Any], world: World) -> None:
    link = code(world)
    assert sign_in(client, link, **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert sign_in(client, link).status_code == 204


def test_a_page_of_the_application_is_guarded_alike(world: World) -> None:
    @post("/page", opt=allow(Scope.READ), status_code=200)
    async def page() -> str:
        return "done"

    with TestClient[Litestar](create_app(world.service, web_handlers=[page])) as client:
        sign_in(client, code(world))
        assert client.post("/page").status_code == 403
        assert client.post("/page", headers=OWN).status_code == 200


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"code": 1}', b'{"code": "x", "more": 1}', b"[", b'{"code": "' + b"x" * 300 + b'"}']
)
def test_a_malformed_code_is_a_bad_request(client: TestClient[Any], body: bytes) -> None:
    answer = client.post("/api/v1/session", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["code"] == "schema_violation"


def test_a_token_is_no_session_and_a_session_no_token(client: TestClient[Any], world: World) -> None:
    token = world.tokens[Scope.READ].token
    assert client.get("/api/v1/logs", headers={"Cookie": f"{COOKIE}={token}"}).status_code == 401
    assert sign_in(client, token).status_code == 401
    sign_in(client, code(world))
    secret = client.cookies[COOKIE]
    client.cookies.clear()
    assert client.get("/api/v1/logs", headers={"Authorization": f"Bearer {secret}"}).status_code == 401
