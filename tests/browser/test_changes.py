"""A second person reads a change on its page, signs it there, and brings it into effect, in a real Chromium."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from ledger.core.source import SourceConfig
from ledger.people.sessions import COOKIE
from tests.browser.conftest import follow
from tests.browser.test_sign_in import accessible
from tests.support.application import app_of
from tests.support.changing import ENGINEER, Desk, account
from tests.support.founded import founded
from tests.support.hosting import Hosted


@pytest.fixture
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Desk, str]]:
    hosted = Hosted()
    address = f"http://localhost:{hosted.port}"
    plant = founded(tmp_path_factory.mktemp("changes") / "ledger", ENGINEER, web=address)
    hosted.serve(app_of(plant.service, "Europe/Berlin"))
    yield Desk(plant), address
    hosted.close()
    plant.close()


@pytest.fixture
def page(browser: Browser, desk: tuple[Desk, str]) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 390, "height": 800})
    quality = desk[0].quality
    quality.sign_in("127.0.0.1")
    context.add_cookies([{"name": COOKIE, "value": quality.session, "url": desk[1], "httpOnly": True}])
    yield context.new_page()
    context.close()


@pytest.mark.requirement("R37")
def test_the_forms_that_propose_are_for_everybody(desk: tuple[Desk, str], page: Page) -> None:
    """What a role may do, a rule of retention, another mapping or configuration: each proposed by who may."""
    one, address = desk
    config = SourceConfig(id="qms", type="rest", title="QMS", options={"url": "http://a/" + "long" * 60})
    one.plant.service.sources.register(config, one.plant.root)
    for who, path in (
        (one.plant.officer, "/roles"),
        (one.quality, "/retention"),
        (one.engineer, "/sources/records/qms"),
    ):
        who.sign_in("127.0.0.1")
        page.context.add_cookies([{"name": COOKIE, "value": who.session, "url": address, "httpOnly": True}])
        page.goto(address + path)
        for summary in page.locator("summary").all():
            summary.click()
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert accessible(page) == [], path
    page.get_by_label("Time zone of texts without one").fill("Europe/Vienna")
    form = page.locator("form", has=page.get_by_label("Time zone of texts without one"))
    form.get_by_label("Change request").fill("CR-7")
    form.get_by_label("Reason").fill("SOP-3")
    follow(form.get_by_role("button", name="Propose"))
    assert "zone" in page.get_by_role("table", name="What it sets").inner_text()


@pytest.mark.requirement("R14", "R37")
def test_a_change_is_read_signed_and_brought_into_effect(desk: tuple[Desk, str], page: Page) -> None:
    one, address = desk
    one.change(account("op1", "P-1"))
    one.propose(account("op1", "P-2"), account("a very long name of an account at its source", "P-3"))
    quality = one.quality
    quality.sign_in("127.0.0.1")
    page.context.add_cookies([{"name": COOKIE, "value": quality.session, "url": address, "httpOnly": True}])
    page.goto(f"{address}/changes?state=proposed")
    for _ in range(2):
        assert accessible(page) == []
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        if page.get_by_role("link", name="CR-0042").count():
            follow(page.get_by_role("link", name="CR-0042"))
    lines = page.get_by_role("table", name="What it sets").locator("tbody tr")
    assert "person P-1 → P-2" in lines.first.inner_text()
    follow(page.get_by_role("link", name="Sign the proposal"))
    page.get_by_label("What your signature means").select_option("change/approved")
    follow(page.get_by_role("button", name="Show what I sign"))
    secrets = {"password": quality.password, "code": "", "secret": quality.secret}
    for name, value in secrets.items():
        if page.locator(f"#{name}").count():
            page.locator(f"#{name}").fill(value or quality.code())
    follow(page.get_by_role("button", name="Sign entries"))
    assert "/signatures/" in page.url
    page.goto(f"{address}/changes")
    assert "signed; takes effect within half a minute" in page.inner_text("main")
    follow(page.get_by_role("link", name="CR-0042").first)
    page.get_by_label("Reason").fill("looked at the list")
    follow(page.get_by_role("button", name="Bring into effect"))
    assert page.locator(".lead").inner_text() == "● in effect"
    assert accessible(page) == []
