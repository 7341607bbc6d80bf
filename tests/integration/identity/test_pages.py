"""The way to the provider and back by pages alone, as a browser without scripts goes it."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from tests.api.world import World
from tests.integration.identity.site import OWN_PAGE, SESSION_COOKIE, Site
from tests.support.application import app_of
from tests.support.idp import Provider

FROM_THERE = {"Sec-Fetch-Site": "cross-site"}


@pytest.fixture(scope="module")
def pages(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    world = World(tmp_path_factory.mktemp("pages") / "ledger")
    app = app_of(world.service, "UTC")
    with TestClient(app, base_url="https://ledger.example") as client:
        site = Site(world, provider, client)
        site.link("anna")
        yield site
    world.close()


@pytest.fixture(autouse=True)
def _new_browser(pages: Site) -> None:
    pages.client.cookies.clear()


def address_of(page: Any) -> str:
    assert page.status_code == 200, page.text
    address: str = page.headers["refresh"].removeprefix("0; url=")
    assert unescape(re.findall(r'class="primary" href="([^"]+)"', page.text)[0]) == address
    return address


def test_somebody_signs_in_by_pages_and_goes_on_from_a_page_of_ours(pages: Site) -> None:
    assert 'href="/sign-in/provider"' in pages.client.get("/sign-in").text
    asked = pages.client.get("/sign-in/provider")
    assert pages.provider.issuer.removeprefix("https://") in asked.text
    going = pages.client.post("/sign-in/provider", headers=OWN_PAGE)
    returned = pages.provider.authenticate(address_of(going), "anna")
    done = pages.client.get("/sign-in/provider/callback", params=returned, headers=FROM_THERE)
    assert (done.status_code, done.headers["refresh"]) == (200, "0; url=/"), done.text
    cookies = [one.lower() for one in done.headers.get_list("set-cookie")]
    session = next(one for one in cookies if one.startswith(SESSION_COOKIE.lower()))
    assert {"httponly", "secure", "samesite=strict"} <= set(session.split("; "))
    assert pages.client.get("/").status_code == 200
    again = pages.client.get("/sign-in/provider/callback", params=returned, headers=FROM_THERE)
    assert SESSION_COOKIE not in again.headers.get("set-cookie", "")


def test_a_callback_that_nobody_began_here_signs_nobody_in(pages: Site) -> None:
    """Login CSRF by pages: the victim has no cookie of the attempt, or one of another."""
    theirs = pages.provider.authenticate(address_of(pages.client.post("/sign-in/provider", headers=OWN_PAGE)), "anna")
    pages.client.cookies.clear()
    bare = pages.client.get("/sign-in/provider/callback", params=theirs, headers=FROM_THERE)
    pages.client.post("/sign-in/provider", headers=OWN_PAGE)
    crossed = pages.client.get("/sign-in/provider/callback", params=theirs, headers=FROM_THERE)
    assert crossed.status_code == 401
    for page in (bare, crossed):
        assert SESSION_COOKIE not in page.headers.get("set-cookie", "")
    assert pages.client.get("/").status_code == 401


def test_a_page_of_another_site_begins_nothing(pages: Site) -> None:
    assert pages.client.post("/sign-in/provider", headers=FROM_THERE).status_code == 403


def test_a_person_links_their_account_by_pages(pages: Site) -> None:
    pages.client.cookies.set(SESSION_COOKIE, pages.staff.session("bert"))
    going = pages.client.post("/account/provider", headers=OWN_PAGE)
    returned = pages.provider.authenticate(address_of(going), "bert")
    # The provider's redirect comes without the session's cookie: it is strict.
    session = pages.client.cookies.pop(SESSION_COOKIE)
    back = pages.client.get("/sign-in/provider/callback", params=returned, headers=FROM_THERE)
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', back.text))
    assert fields == returned
    pages.client.cookies.set(SESSION_COOKIE, session)
    done = pages.client.post("/account/provider/answer", data=fields, headers=OWN_PAGE)
    assert done.status_code == 200, done.text
    subject = pages.door.links.list("bert")[0].subject
    assert subject in done.text
    assert "whoever runs the provider issues no token in your name" in done.text


def test_an_outage_is_a_page_that_says_so(pages: Site, provider: Provider) -> None:
    returned = provider.authenticate(address_of(pages.client.post("/sign-in/provider", headers=OWN_PAGE)), "anna")
    provider.stop()
    try:
        told = pages.client.get("/sign-in/provider/callback", params=returned, headers=FROM_THERE)
    finally:
        provider.start()
    assert told.status_code == 503
    assert "sign-in service unreachable" in told.text
    assert "password" not in told.text


def test_what_comes_back_in_no_form_is_refused(pages: Site) -> None:
    pages.client.post("/sign-in/provider", headers=OWN_PAGE)
    for query in ("state=x&code=" + "y" * 10_001, "", "state=%00", "error=access_denied"):
        assert pages.client.get(f"/sign-in/provider/callback?{query}", headers=FROM_THERE).status_code in (400, 401)


def test_without_a_provider_the_pages_say_so(tmp_path: Path) -> None:
    world = World(tmp_path / "ledger")
    app = app_of(world.service, "UTC")
    with TestClient(app, base_url="https://ledger.example") as client:
        assert client.get("/sign-in/provider").status_code == 404
        assert "/sign-in/provider" not in client.get("/sign-in").text
        assert "no identity provider" in client.get("/sign-in/provider").text
    world.close()
