"""What is entered by hand, in a real Chromium: entered, checked, corrected, excluded; and it fits."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from ledger.people.roles import Role
from tests.browser.conftest import follow
from tests.browser.test_papers import Served
from tests.support.by_hand import SCAN, WHY, register

LONG = "a-very-long-id-without-any-place-to-break-" * 4


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Served]:
    made = Served(tmp_path_factory.mktemp("by-hand") / "ledger", browser)
    made.plant.person("ron", "Ron Recorder", Role.RECORDER, made.plant.officer.sign_in().authority)
    yield made
    made.close()


def clean(page: Page) -> None:
    """The page has no accessibility finding, and fits a wide and a narrow screen in both themes."""
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 800})
            found = Axe().run(page, options={"resultTypes": ["violations"]})
            assert found.violations_count == 0, found.generate_report()
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (page.url, width)


def fill(page: Page, **labels: str) -> None:
    for label, value in labels.items():
        page.locator(f"#{label}").fill(value)


@pytest.mark.requirement("R32", "R64")
def test_a_page_of_paper_goes_from_the_form_to_the_record_and_its_correction(served: Served, tmp_path: Path) -> None:
    ron, rita = served.page(served.plant.people["ron"], script=True), served.page(served.rita, script=True)
    start = f"{served.address}/by-hand/records"
    ron.goto(start)
    clean(ron)
    assert ron.get_by_text("Nothing was entered by hand").is_visible()
    follow(ron.get_by_role("link", name="Enter a page of paper"))
    assert ron.get_by_text("This log has no source that is entered by hand").is_visible()
    register(served.plant.service.record_log())
    ron.reload()
    clean(ron)
    fill(ron, paper_id=LONG, paper_title="Logbook of room 3", paper_place="archive A", occurred_at="2026-01-31 08:00")
    fill(ron, object_type="room", object_id=LONG, attribute="state", new="clean", link_id="B-1", reason="ok")
    scan = tmp_path / "page.pdf"
    scan.write_bytes(SCAN)
    ron.locator("#scan").set_input_files(scan)
    follow(ron.get_by_role("button", name="Enter it"))
    assert "says too little" in ron.get_by_role("alert").inner_text()
    clean(ron)
    fill(ron, reason=WHY)
    ron.locator("#scan").set_input_files(scan)
    follow(ron.get_by_role("button", name="Enter it"))
    assert ron.get_by_role("button", name="It agrees").count() == 0, "who enters does not check"
    rita.goto(start)
    clean(rita)
    rita.get_by_label("How you compared it").fill("compared it with the page")
    follow(rita.get_by_role("button", name="It agrees"))
    assert rita.get_by_text("entered by hand by ron, checked by rita").is_visible()
    follow(rita.locator("tbody th a"))
    assert rita.locator(".mark").inner_text() == "entered by hand, checked by a second person"
    record = rita.url
    follow(rita.get_by_role("link", name="Correct this record"))
    fill(rita, occurred_at="2026-01-31 08:00", object_type="room", object_id="R-3", reason="the page was read wrongly")
    follow(rita.get_by_role("button", name="Enter it"))
    rita.goto(record)
    assert "corrected by" in rita.locator(".mark").nth(1).inner_text()
    clean(rita)
    follow(rita.get_by_role("link", name="Exclude it from an evaluation"))
    clean(rita)
    fill(rita, name="yield of B-1", reason="the balance was under calibration")
    follow(rita.get_by_role("button", name="Exclude"))
    assert rita.get_by_text("excluded from the assessment yield of B-1 because: the balance").is_visible()
    clean(rita)
    rita.goto(f"{served.address}/search?log=records&link_kind=batch&link_id=B-1")
    assert rita.locator("tbody .mark").count() == 3, "checked, corrected by, excluded"
    clean(rita)
