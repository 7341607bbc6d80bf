"""What the site says of its systems, people and places, on the pages, in a real browser."""

from collections.abc import Callable

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import TROUBLE
from tests.browser.site import OPEN

Visit = Callable[..., Page]


def test_the_systems_of_the_site_are_counted_at_a_glance_and_what_is_open_is_named(visit: Visit) -> None:
    page = visit("/")
    section = page.get_by_role("region", name="Systems of the site")
    assert "4 in the inventory: 2 connected, 1 reviewed elsewhere, 1 open." in section.inner_text()
    assert "○ cannot be judged" in section.inner_text()
    assert section.locator("bdi").all_inner_texts() == [OPEN]
    assert Axe().run(page).violations_count == 0
    assert TROUBLE[page] == []


def test_an_entry_names_its_person_and_place_with_the_entries_that_say_so(visit: Visit) -> None:
    page = visit("/entries/records/20")
    who = page.get_by_role("region", name="Who").inner_text()
    what = page.get_by_role("region", name="What", exact=True).inner_text()
    assert "P-1042 (entry" in who
    assert "no map said" in who
    assert "Site A / Synthesis / Line 2 / REACTOR-1, jacket temperature (entry" in what
    hostile = visit("/entries/records/18")
    assert TROUBLE[hostile] == []
    assert hostile.title() != "owned"
