"""A source with its challenges, and imports of old audit trails, in a real browser."""

from collections.abc import Callable

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import TROUBLE, Site, follow
from tests.browser.site import ARCHIVED

Visit = Callable[..., Page]


def test_imports_show_their_reconciliation_and_where_the_statement_of_a_true_copy_stands(look: Visit) -> None:
    page = look("/imports")
    rows = page.get_by_role("table", name="Imports of old audit trails").locator("tbody tr")
    assert rows.count() == 2
    first, second = rows.nth(0).inner_text(), rows.nth(1).inner_text()
    assert "2 records of 2 rows" in first
    assert "● holds" in first
    assert "○ cannot be judged\nstated by local:quality1 on a sample of 1, not signed yet" in first
    assert "collected live since as dcs" in first
    assert "▲ does not hold\nrows: 3 expected, 2 found" in second
    assert "nobody has stated it" in second
    sign = rows.get_by_role("link", name="Sign")
    assert [link.get_attribute("href") for link in sign.all()] == ["/sign?log=records&entries=330"]
    assert page.title() == "Imports of old audit trails · Trailseal", "a hostile file name is text"
    assert Axe().run(page).violations_count == 0
    assert TROUBLE[page] == []


def test_a_source_shows_its_challenges_with_their_last_result_and_what_was_imported(look: Visit, site: Site) -> None:
    page = look("/")
    follow(page.get_by_role("link", name="dcs", exact=True))
    challenge = page.get_by_role("table", name="Challenges").locator("tbody tr").inner_text()
    assert "at 0 6 * * 1 (Europe/Berlin)" in challenge
    assert "▲ does not hold\nnever arrived" in challenge
    assert page.get_by_role("table", name="Imports of old audit trails").locator("tbody tr").count() == 2
    follow(page.get_by_role("row", name="test-tag").get_by_role("link", name="entry"))
    assert page.locator("h1").inner_text()
    for width in (1280, 360):
        page.set_viewport_size({"width": width, "height": 800})
        for path in ("/imports", "/sources/records/dcs", f"/sources/records/{ARCHIVED}"):
            page.goto(site.address + path)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
    assert TROUBLE[page] == []


def test_a_source_that_nobody_challenged_says_so_and_one_that_is_not_there_is_an_error(look: Visit, site: Site) -> None:
    page = look("/sources/records/lims")
    text = page.locator("main").inner_text()
    assert "This source is not challenged" in text
    assert "No old audit trail was imported that belongs to this source." in text
    assert "connected; nobody has looked at a sample of its records" in text
    assert Axe().run(page).violations_count == 0
    assert TROUBLE[page] == []
    for path in ("/sources/records/nobody", "/sources/system/dcs", "/imports?log=nowhere"):
        answer = page.goto(site.address + path)
        assert answer is not None
        assert answer.status == 404
