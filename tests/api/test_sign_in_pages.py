"""Signing in on the pages, as a browser without JavaScript does it."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from litestar.testing import TestClient

from ledger.people.roles import Role
from ledger.people.sessions import COOKIE
from tests.api.world import World
from tests.support.application import app_of
from tests.support.people import OWN_PAGE, PASSWORD, Device, administrator, make_account, person


@pytest.fixture
def pages(world: World) -> Iterator[TestClient[Any]]:
    with TestClient(app_of(world.service, "UTC")) as made:
        made.follow_redirects = False
        yield made


def field(text: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', text)
    assert found is not None, text
    return unescape(found[1])


def test_a_person_signs_in_on_the_pages_and_comes_to_where_they_may_be(pages: TestClient[Any], world: World) -> None:
    reviewer = person(world, "reviewer1", [Role.REVIEWER])
    asked = pages.get("/")
    assert asked.status_code == 401
    assert 'href="/sign-in"' in asked.text
    assert pages.get("/sign-in").status_code == 200
    first = pages.post("/sign-in", data={"account": "reviewer1", "password": PASSWORD}, headers=OWN_PAGE)
    assert COOKIE not in first.cookies
    second = {"state": field(first.text, "state"), "code": reviewer.device.code()}
    done = pages.post("/sign-in/second", data=second, headers=OWN_PAGE)
    assert (done.status_code, done.headers["location"]) == (303, "/")
    cookie = done.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    home = pages.get("/")
    assert home.status_code == 200
    assert 'href="/account"' in home.text
    officer = person(world, "officer1", [Role.SECURITY_OFFICER])
    pages.cookies.clear()
    first = pages.post("/sign-in", data={"account": "officer1", "password": PASSWORD}, headers=OWN_PAGE)
    second = {"state": field(first.text, "state"), "code": officer.device.code()}
    done = pages.post("/sign-in/second", data=second, headers=OWN_PAGE)
    assert done.headers["location"] == "/account"


def test_a_refusal_is_told_on_the_form_and_nothing_is_set(pages: TestClient[Any], world: World) -> None:
    person(world, "reviewer1")
    texts = set()
    for account in ("reviewer1", "nobody"):
        answer = pages.post("/sign-in", data={"account": account, "password": "wrong words"}, headers=OWN_PAGE)
        assert (answer.status_code, "set-cookie" in answer.headers) == (401, False)
        assert "wrong words" not in answer.text
        texts.add(answer.text.replace(account, ""))
    assert len(texts) == 1
    assert pages.post("/sign-in/second", data={}, headers=OWN_PAGE).status_code == 401
    assert pages.post("/sign-in/passkey", data={"passkey": "{"}, headers=OWN_PAGE).status_code == 401


def test_a_code_is_used_on_the_pages(pages: TestClient[Any], world: World) -> None:
    make_account(world.service, "reviewer1", administrator(world))
    code = world.service.entrance.enrolment.issue("reviewer1", "joins", administrator(world))
    assert pages.get("/enrol").status_code == 200
    assert pages.post("/enrol", data={"code": "se_nothing"}, headers=OWN_PAGE).status_code == 401
    begun = pages.post("/enrol", data={"code": f" {code.code} "}, headers=OWN_PAGE)
    assert "<svg" in begun.text
    shown = re.search(r"Secret <code>([^<]*)</code>", begun.text)
    assert shown is not None
    secret = re.sub(r"[^A-Z2-7]", "", shown[1])
    given = {"state": field(begun.text, "state"), "password": "short", "code": Device(secret, world.clock).code()}
    assert pages.post("/enrol/components", data=given, headers=OWN_PAGE).status_code == 400
    given["password"] = PASSWORD
    done = pages.post("/enrol/components", data=given, headers=OWN_PAGE)
    assert done.status_code == 200
    assert "reviewer1" in done.text


def test_a_person_looks_after_their_own_account(pages: TestClient[Any], world: World) -> None:
    one = person(world, "reviewer1", [Role.REVIEWER])
    one.begin()
    one.sign_in(pages)
    own = pages.get("/account")
    assert own.status_code == 200
    assert own.text.count("<td>device with codes</td>") == 1
    ended = pages.post("/account/sessions", headers=OWN_PAGE)
    assert "1 other sessions were ended" in ended.text
    offer = pages.post("/account/device", data={"password": PASSWORD}, headers=OWN_PAGE)
    shown = re.search(r"Secret <code>([^<]*)</code>", offer.text)
    assert shown is not None
    device = Device(re.sub(r"[^A-Z2-7]", "", shown[1]), world.clock)
    state = field(offer.text, "state")
    wrong = pages.post("/account/device/add", data={"state": state, "code": "000000"}, headers=OWN_PAGE)
    assert wrong.status_code == 400
    added = {"state": state, "code": device.code(), "title": "<b>spare</b>"}
    answer = pages.post("/account/device/add", data=added, headers=OWN_PAGE)
    assert "&lt;b&gt;spare&lt;/b&gt;" in answer.text
    change = {"old": PASSWORD, "new": "seven geese above a frozen lake"}
    assert pages.post("/account/password", data={**change, "old": "wrong"}, headers=OWN_PAGE).status_code == 401
    assert pages.post("/account/password", data=change, headers=OWN_PAGE).status_code == 200
    component = re.findall(r"/account/components/(totp-[0-9a-f]+)/", pages.get("/account").text)[0]
    gone = pages.post(f"/account/components/{component}/revocation", data={"reason": "lost"}, headers=OWN_PAGE)
    assert gone.status_code == 200
    assert pages.get("/account").status_code == 401


@pytest.mark.parametrize("path", ["/account/sessions", "/account/password", "/account/device", "/sign-in", "/enrol"])
def test_another_site_can_do_none_of_it(pages: TestClient[Any], world: World, path: str) -> None:
    person(world, "reviewer1").sign_in(pages)
    before = len(world.system_entries("session-event"))
    answer = pages.post(path, data={"password": PASSWORD}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert len(world.system_entries("session-event")) == before


def test_pages_of_the_door_load_no_script_where_the_site_has_no_passkeys(pages: TestClient[Any]) -> None:
    for path in ("/sign-in", "/enrol"):
        answer = pages.get(path)
        assert "<script" not in answer.text
        assert "script-src 'self'" in answer.headers["content-security-policy"]
