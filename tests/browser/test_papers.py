"""Ink on a print in a real Chromium, without JavaScript: the print bears the fingerprint, its scan comes back by it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pypdf
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from ledger.people.roles import Role
from ledger.people.sessions import COOKIE
from tests.browser.conftest import follow
from tests.support.application import app_of
from tests.support.founded import founded
from tests.support.hosting import Hosted
from tests.support.signers import Signer

PEER = "127.0.0.1"
GROUPS = re.compile(r"(?:[0-9a-f]{4} ){7}[0-9a-f]{4}")


class Served:
    """A founded plant with a reviewer, served; each person has a browser profile of their own."""

    def __init__(self, folder: Path, browser: Browser) -> None:
        self._browser = browser
        self.plant = founded(folder)
        self.rita = self.plant.person("rita", "Rita Reviewer", Role.REVIEWER, self.plant.officer.sign_in().authority)
        self.entries = iter(self.plant.records(6))
        self._hosted = Hosted()
        self.address = f"http://localhost:{self._hosted.port}"
        self._hosted.serve(app_of(self.plant.service, "Europe/Berlin"))

    def page(self, who: Signer, script: bool = False) -> Page:
        who.sign_in(PEER)
        context = self._browser.new_context(java_script_enabled=script)
        cookie = {"name": COOKIE, "value": who.session, "url": self.address}
        context.add_cookies([cookie])  # type: ignore[list-item]
        return context.new_page()

    def close(self) -> None:
        self._hosted.close()
        self.plant.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Served]:
    made = Served(tmp_path_factory.mktemp("papers") / "ledger", browser)
    yield made
    made.close()


def printed(served: Served, path: str, out: Path) -> str:
    """The fingerprint of this version as a print of the page bears it."""
    page = served.page(served.rita, script=True)
    page.goto(served.address + path)
    page.pdf(path=out, format="A4")
    text = " ".join(" ".join(one.extract_text() for one in pypdf.PdfReader(out).pages).split())
    found = GROUPS.search(text[text.index("Fingerprint of this version") :])
    assert found is not None
    return found[0]


def enter(served: Served, page: Page, fingerprint: str, scan: Path) -> None:
    page.goto(f"{served.address}/papers")
    page.get_by_label("Fingerprint on the paper").fill(fingerprint)
    follow(page.get_by_role("button", name="Look up fingerprint"))
    page.get_by_label("Printed name of who signed").fill("Paul Operator")
    page.get_by_label("What the signature means, as the paper says").fill("Checked in the night shift")
    page.get_by_label("Day on the paper").fill("2026-11-20")
    page.get_by_label("Where the paper is kept").fill("binder 7")
    page.get_by_label("Why you enter it").fill("terminal was down")
    page.get_by_label("Scan (PDF, PNG or JPEG)").set_input_files(scan)
    follow(page.get_by_role("button", name="Enter handwritten signature"))


@pytest.mark.requirement("R64")
def test_a_print_is_signed_scanned_entered_and_checked(served: Served, tmp_path: Path) -> None:
    index = next(served.entries)
    scan = tmp_path / "print.pdf"
    fingerprint = printed(served, f"/entries/records/{index}", scan)
    page = served.page(served.rita)
    enter(served, page, fingerprint, scan)
    on_file = page.locator("article").first.inner_text()
    assert "hand-written, scan on file; no electronic signature" in on_file
    assert fingerprint in on_file
    assert page.get_by_role("button", name="Confirm that entry and scan agree").count() == 0
    other = served.page(served.plant.quality)
    other.goto(f"{served.address}/papers")
    other.get_by_label("How you compared them").fill("name, day and words are those of the scan")
    follow(other.get_by_role("button", name="Confirm that entry and scan agree"))
    assert "checked by quality1" in other.locator("article").first.inner_text()
    other.goto(f"{served.address}/entries/records/{index}")
    assert "Paul Operator signed by hand on 2026-11-20" in other.locator("section", has_text="Signatures").inner_text()


def test_the_page_is_accessible_and_fits(served: Served, tmp_path: Path) -> None:
    index = next(served.entries)
    fingerprint = printed(served, f"/entries/records/{index}", tmp_path / "print.pdf")
    page = served.page(served.rita, script=True)
    enter(served, page, fingerprint, tmp_path / "print.pdf")
    places = ("/papers", f"/papers?fingerprint={fingerprint}", f"/papers?fingerprint={'0' * 32}")
    for place in (*places, f"/entries/records/{index}"):
        page.goto(served.address + place)
        for width in (1280, 400):
            page.set_viewport_size({"width": width, "height": 800})
            assert [one["id"] for one in Axe().run(page).response["violations"]] == [], (place, width)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (place, width)
