"""The trace in a browser: led to from an entry, accessible, told by keyboard alone, on a narrow screen and in print."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import TROUBLE, follow

Visit = Callable[..., Page]


@pytest.mark.requirement("C08")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_batch_is_traced_from_an_entry_and_the_page_is_accessible_and_fits(look: Visit, theme: str) -> None:
    page = look("/entries/records/20", color_scheme=theme)
    follow(page.get_by_role("link", name="Trace batch B-2611"))
    assert page.locator("svg.scene a").count() > 1
    found = Axe().run(page, options={"resultTypes": ["violations"]})
    assert found.violations_count == 0, found.generate_report()
    for width in (1440, 390, 360):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert TROUBLE[page] == []


def test_a_batch_of_a_search_s_row_leads_to_its_trace_and_the_row_to_its_entry(look: Visit) -> None:
    page = look("/search?link_kind=batch&link_id=B-2612&limit=10")
    row = page.locator("tbody tr").first
    follow(row.get_by_role("link", name="B-2612", exact=True))
    assert "/trace?" in page.url
    page.go_back()
    follow(page.locator("tbody tr .sentence a").first)
    assert "/entries/records/" in page.url


def test_each_mark_is_reached_by_key_and_leads_to_its_row_or_entry(look: Visit) -> None:
    page = look("/trace?kind=batch&id=B-2612")
    page.get_by_role("group", name="Picture of the timeline").focus()
    page.keyboard.press("Tab")
    target = page.evaluate("document.activeElement.getAttribute('href')")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{target}")
    if target.startswith("#"):
        assert page.locator(target).count() == 1
    hrefs = page.evaluate("[...document.querySelectorAll('svg.scene a')].map(one => one.getAttribute('href'))")
    rows = page.evaluate("[...document.querySelectorAll('tr[id]')].map(one => '#' + one.id)")
    assert {href for href in hrefs if href.startswith("#")} <= set(rows)


def test_in_print_the_whole_picture_and_its_table_stand(look: Visit) -> None:
    page = look("/trace?kind=batch&id=B-2612")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 680, "height": 900})
    assert page.evaluate("getComputedStyle(document.querySelector('.picture')).overflowX") == "visible"
    assert page.evaluate("document.querySelector('svg.scene').getBoundingClientRect().width") <= 680
    assert page.locator("#timeline-table").is_visible()


@pytest.mark.parametrize("path", ["/trace", "/trace?kind=batch&id=nothing", "/orphans", "/help/trace"])
def test_empty_pages_of_the_trace_are_accessible_and_fit(look: Visit, path: str) -> None:
    page = look(path)
    assert page.get_by_role("navigation", name="Places").get_by_role("link", name="Trace").count() == 1
    found = Axe().run(page, options={"resultTypes": ["violations"]})
    assert found.violations_count == 0, found.generate_report()
    page.set_viewport_size({"width": 360, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
