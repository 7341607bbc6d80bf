"""The page of an object in a browser: it is led to from an entry, is accessible, and fits a narrow screen."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import Site, follow

Visit = Callable[..., Page]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_of_an_object_is_accessible_and_fits(look: Visit, site: Site, theme: str) -> None:
    page = look("/entries/records/20", color_scheme=theme)
    follow(page.get_by_role("link", name="All versions of this object"))
    page.get_by_label("State at").fill("2026-11-25 12:00")
    follow(page.get_by_role("button", name="Show"))
    assert page.locator("#versions").count() == 1
    assert page.locator("#state").count() == 1
    found = Axe().run(page, options={"resultTypes": ["violations"]})
    assert found.violations_count == 0, found.generate_report()
    for width in (1440, 360):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
