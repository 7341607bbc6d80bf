"""An erasure in a real Chromium, without JavaScript: asked for, refused with a printed answer, approved by two."""

from collections.abc import Iterator
from pathlib import Path

import pypdf
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Request

from ledger.people.roles import Role
from ledger.people.sessions import COOKIE
from tests.api.test_erasures import TRIAL, Site
from tests.browser.conftest import follow
from tests.support.application import app_of
from tests.support.hosting import Hosted


class Served:
    """The site of the erasures, served; and each person's own browser profile."""

    def __init__(self, folder: Path, browser: Browser) -> None:
        self._browser = browser
        self.site = Site(folder, None, None)
        self.site.use("sources_without_gmp", [TRIAL])
        self.site.staff.person("officer1", Role.SECURITY_OFFICER)
        self._hosted = Hosted()
        self.address = f"http://localhost:{self._hosted.port}"
        self._hosted.serve(app_of(self.site.world.service, "UTC"))
        self._contexts: list[BrowserContext] = []
        self.trouble: list[str] = []

    def page(self, account: str, script: bool = False) -> Page:
        """A page of this person's; without JavaScript, unless it is asked for."""
        context = self._browser.new_context(java_script_enabled=script)
        cookie = {"name": COOKIE, "value": self.site.staff.session(account), "url": self.address}
        context.add_cookies([cookie])  # type: ignore[list-item]
        self._contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.trouble.append(str(error)))
        page.on("request", self._look_at)
        return page

    def _look_at(self, request: Request) -> None:
        """No page of ours asks anybody else for anything."""
        if not request.url.startswith(self.address):
            self.trouble.append(request.url)

    def close(self) -> None:
        for context in self._contexts:
            context.close()
        self._hosted.close()
        self.site.world.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Served]:
    made = Served(tmp_path_factory.mktemp("erasures") / "ledger", browser)
    yield made
    made.close()


def ask(served: Served, page: Page, index: int, member: str) -> str:
    """Asks for an erasure by the forms; returns the address of the request."""
    page.goto(f"{served.address}/erasures")
    page.get_by_label("Log").select_option("records")
    page.get_by_label("Entry").fill(str(index))
    follow(page.get_by_role("button", name="Choose the value"))
    page.get_by_label("Value").select_option(member)
    page.get_by_label("Ground").select_option("objection")
    page.get_by_label("What the person said").fill("objects to the use of the name")
    follow(page.get_by_role("button", name="Ask for erasure"))
    return page.url


def approve(page: Page, at: str) -> None:
    page.goto(at)
    page.get_by_label("What you looked at").fill("the letter of the person")
    follow(page.get_by_role("button", name="Approve erasure"))


def test_a_value_is_asked_for_and_goes_once_two_others_approved_it(served: Served) -> None:
    site, officer = served.site, served.page("officer1")
    at = ask(served, officer, site.trial[1], "reason")
    assert "waits for two approvals" in officer.locator(".lead").inner_text()
    assert officer.get_by_role("button", name="Approve erasure").count() == 0
    first, second = served.page("qa1"), served.page("qa2")
    approve(first, at)
    assert "waits for a second approval" in first.locator(".lead").inner_text()
    assert first.get_by_role("button", name="Approve erasure").count() == 0
    assert site.trial[1] in site.originals()
    second.goto(f"{served.address}/notices")
    follow(second.get_by_role("link", name="Erasures to approve"))
    follow(second.locator("tbody a").first)
    approve(second, second.url)
    assert second.locator(".lead").inner_text().split() == ["●", "erased"]
    assert site.trial[1] not in site.originals()
    officer.goto(f"{served.address}/erasures")
    row = officer.locator("tbody tr").first.inner_text()
    assert "qa1, qa2" in row
    assert "erased" in row
    assert served.trouble == []


def test_a_refusal_prints_as_an_answer_to_the_person(served: Served, tmp_path: Path) -> None:
    page = served.page("officer1", script=True)
    ask(served, page, served.site.erp[0], "actor.name")
    assert page.locator(".lead").inner_text().split() == ["▲", "refused"]
    follow(page.get_by_role("link", name="Answer for the person, to print"))
    out = tmp_path / "answer.pdf"
    page.pdf(path=out, format="A4")
    printed = pypdf.PdfReader(out)
    text = " ".join(" ".join(one.extract_text() for one in printed.pages).split())
    assert len(printed.pages) == 1
    for words in ("It is not erased", "2016/679", "Article 17(3)(b)", "supervisory authority", "For the controller"):
        assert words in text
    for words in ("Sign out", "Back to the request", "My tasks"):
        assert words not in text, "what is for the screen alone does not print"


def test_every_page_of_erasures_is_accessible_and_fits(served: Served) -> None:
    page = served.page("officer1", script=True)
    at = ask(served, page, served.site.erp[1], "reason")
    places = (at, f"{at}/answer", f"{served.address}/erasures", f"{served.address}/erasures/new?log=records&index=5")
    for place in places:
        page.goto(place)
        for width in (1280, 400):
            page.set_viewport_size({"width": width, "height": 800})
            assert [one["id"] for one in Axe().run(page).response["violations"]] == [], (place, width)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (place, width)
    waiting = served.page("qa1", script=True)
    waiting.goto(f"{served.address}/erasures/approvals")
    assert [one["id"] for one in Axe().run(waiting).response["violations"]] == []
