"""The door of the pages: a link works once, a session ends when it is ended, and nothing is shown before."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import Site, follow

Visit = Callable[..., Page]


@pytest.mark.parametrize("path", ["/", "/search", "/entries/records/20", "/entries/records/20/body", "/help/proof"])
def test_nothing_is_shown_to_who_is_not_signed_in(visit: Visit, path: str) -> None:
    page = visit(path, signed_in=False)
    assert page.locator("h1").inner_text() == "Sign in to see this page"
    assert "operator" not in page.locator("body").inner_text()


def test_a_sign_in_link_works_once_and_only_once(visit: Visit, site: Site) -> None:
    link = site.link()
    page = visit(signed_in=False)
    page.goto(link)
    assert page.url == site.address + "/"
    assert page.locator("h1").inner_text() == "Integrity at a glance"
    other = visit(signed_in=False)
    answer = other.goto(link)
    assert answer is not None
    assert answer.status == 401
    assert other.locator("h1").inner_text() == "This sign-in link was used already, or has expired"
    other.goto(site.address + "/")
    assert other.locator("h1").inner_text() == "Sign in to see this page"


def test_the_session_is_out_of_reach_of_scripts_and_other_sites(visit: Visit) -> None:
    page = visit()
    [cookie] = page.context.cookies()
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Strict"
    assert cookie["expires"] == -1
    assert page.evaluate("document.cookie") == ""


def test_a_browser_that_looks_ahead_does_not_use_the_link_up(visit: Visit, site: Site) -> None:
    link = site.link()
    page = visit(signed_in=False)
    ahead = page.request.get(link, headers={"Sec-Purpose": "prefetch"})
    assert ahead.status == 200
    elsewhere = page.request.get(link, headers={"Sec-Fetch-Site": "cross-site"})
    assert elsewhere.status == 200
    page.goto(link)
    assert page.locator("h1").inner_text() == "Integrity at a glance"


def test_signing_out_ends_the_session_on_the_server(visit: Visit, site: Site, browser: Browser) -> None:
    page = visit()
    [cookie] = page.context.cookies()
    follow(page.get_by_role("button", name="Sign out"))
    assert page.locator("h1").inner_text() == "You are signed out"
    assert page.context.cookies() == []
    page.context.add_cookies([{"name": cookie["name"], "value": cookie["value"], "url": site.address}])
    page.goto(site.address + "/")
    assert page.locator("h1").inner_text() == "Sign in to see this page"


def test_a_page_of_another_site_cannot_sign_anybody_out(visit: Visit, site: Site) -> None:
    page = visit()
    answer = page.request.post(f"{site.address}/sign-out", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status == 403
    page.goto(site.address + "/")
    assert page.locator("h1").inner_text() == "Integrity at a glance"
