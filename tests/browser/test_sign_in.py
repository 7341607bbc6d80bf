"""A person's whole way on the pages, in a real Chromium with a virtual authenticator: code, passkey, session, end."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from ledger.people.roles import Role
from ledger.settings import Web
from tests.api.world import World
from tests.browser.conftest import follow
from tests.support.application import app_of
from tests.support.hosting import Hosted
from tests.support.people import PASSWORD, Device, administrator, grant_role, make_account


class Served:
    """A world whose pages are served at a name that passkeys can be bound to."""

    def __init__(self, folder: Path) -> None:
        self._hosted = Hosted()
        self.address = f"http://localhost:{self._hosted.port}"
        self.world = World(folder, web=Web(origin=self.address))
        self._hosted.serve(app_of(self.world.service, "UTC"))

    def close(self) -> None:
        self._hosted.close()
        self.world.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    made = Served(tmp_path_factory.mktemp("door") / "ledger")
    yield made
    made.close()


def authenticator(page: Page, **more: Any) -> Any:
    """Gives the page a device-bound authenticator that verifies its user."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
        **more,
    }
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session, made["authenticatorId"]


def accessible(page: Page) -> list[str]:
    """What axe finds wrong with the page."""
    return [one["id"] for one in Axe().run(page).response["violations"]]


def test_a_person_sets_up_an_account_adds_a_passkey_and_signs_in_with_it_alone(
    served: Served, browser: Browser
) -> None:
    world = served.world
    make_account(world.service, "reviewer1", administrator(world), title="Reviewer One")
    grant_role(world.service, "reviewer1", Role.REVIEWER, administrator(world))
    code = world.service.entrance.enrolment.issue("reviewer1", "joins", administrator(world))
    context = browser.new_context()
    page = context.new_page()
    trouble: list[str] = []
    page.on("pageerror", lambda error: trouble.append(str(error)))
    session, key = authenticator(page)

    page.goto(f"{served.address}/enrol")
    page.get_by_label("One-time code").fill(code.code)
    follow(page.get_by_role("button", name="Continue"))
    assert accessible(page) == []
    secret = page.locator("code").first.inner_text()
    page.get_by_label("New password").fill(PASSWORD)
    device = Device(secret, world.clock)
    page.get_by_label("Code that your device shows now").fill(device.code())
    follow(page.get_by_role("button", name="Set up", exact=True))
    assert page.locator("h1").inner_text() == "The account is set up"

    page.goto(f"{served.address}/sign-in")
    assert accessible(page) == []
    page.get_by_label("Account").fill("reviewer1")
    page.get_by_label("Password").fill("wrong words")
    follow(page.get_by_role("button", name="Continue"))
    assert "were not accepted" in page.get_by_role("alert").first.inner_text()
    page.get_by_label("Password").fill(PASSWORD)
    follow(page.get_by_role("button", name="Continue"))
    page.get_by_label("Code that your device shows now").fill(device.code())
    follow(page.get_by_role("button", name="Sign in", exact=True))
    page.wait_for_url(f"{served.address}/")

    follow(page.get_by_role("link", name="Your account"))
    assert accessible(page) == []
    page.locator("#again").fill(PASSWORD)
    follow(page.locator("form[action='/account/device'] button"))
    page.get_by_role("button", name="Make a passkey").click()
    page.wait_for_selector("text=It is added")
    kept = session.send("WebAuthn.getCredentials", {"authenticatorId": key})["credentials"]
    assert [one["rpId"] for one in kept] == ["localhost"]
    follow(page.get_by_role("button", name="Sign out"))

    page.goto(f"{served.address}/sign-in")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(f"{served.address}/")
    assert world.system_entries("session-event")[-1]["methods"] == ["passkey"]
    assert page.evaluate("document.cookie") == ""

    page.goto(f"{served.address}/account")
    row = page.locator("tr", has_text="passkey").first
    row.get_by_label("Why it is revoked").fill("the laptop was lost")
    follow(row.get_by_role("button", name="Revoke"))
    assert "all your sessions have ended" in page.get_by_role("alert").first.inner_text()
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_selector("text=were not accepted")
    assert trouble == []
    context.close()
