"""A device becomes a terminal in a real Chromium without JavaScript, is tested, and is taken out of use elsewhere."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from ledger.people.roles import Role
from ledger.people.sessions import TERMINAL_COOKIE
from tests.browser.conftest import follow
from tests.browser.test_sign_in import Served, accessible
from tests.support.people import PASSWORD, Person, person


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    made = Served(tmp_path_factory.mktemp("terminals") / "ledger")
    yield made
    made.close()


def sign_in(page: Page, served: Served, who: Person, account: str) -> None:
    page.goto(f"{served.address}/sign-in")
    page.get_by_label("Account").fill(account)
    page.get_by_label("Password").fill(PASSWORD)
    follow(page.get_by_role("button", name="Continue"))
    page.get_by_label("Code that your device shows now").fill(who.device.code())
    follow(page.get_by_role("button", name="Sign in", exact=True))
    page.wait_for_url(f"{served.address}/account")


@pytest.mark.requirement("R31")
def test_a_device_is_made_a_terminal_tested_and_taken_out_of_use(served: Served, browser: Browser) -> None:
    officer = person(served.world, "officer1", [Role.SECURITY_OFFICER])
    # axe is a script of the test's own: it runs in a context that has them, after what is done without.
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, served, officer, "officer1")
    page.goto(f"{served.address}/terminals")
    page.get_by_label("Name").fill("control room 2")
    page.get_by_label("What was tested, and what came of it").fill("keyboard and screen, in order")
    page.get_by_label("Reason", exact=True).first.fill("set up")
    follow(page.get_by_role("button", name="Make this device a terminal"))
    assert "This device is a terminal now" in page.get_by_role("status").inner_text()
    assert "control room 2" in page.locator("tbody").inner_text()
    secret = {one["name"]: one["value"] for one in context.cookies()}[TERMINAL_COOKIE]
    page.locator("#test-how").fill("all in order")
    page.locator("#test-reason").fill("yearly")
    follow(page.get_by_role("button", name="Record that this terminal passed"))
    assert {one["name"]: one["value"] for one in context.cookies()}[TERMINAL_COOKIE] != secret

    elsewhere = browser.new_context()
    other = elsewhere.new_page()
    sign_in(other, served, officer, "officer1")
    other.goto(f"{served.address}/terminals")
    assert "This device is no terminal" in other.locator("main").inner_text()
    assert accessible(other) == []
    other.locator("tbody input[name=reason]").fill("sent for repair")
    follow(other.get_by_role("button", name="Take out of use"))
    assert "in use no longer" in other.get_by_role("status").inner_text()
    page.goto(f"{served.address}/terminals")
    assert "This device is no terminal" in page.locator("main").inner_text()
    kept = served.world.system_entries("terminal")
    assert [one["event"] for one in kept] == ["enrolled", "tested", "retired"]
    assert [one["title"] for one in kept] == ["control room 2"] * 3
    for one in (context, elsewhere):
        one.close()
