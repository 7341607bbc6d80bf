"""The pages in a real browser: they render, stay within their origin, and work for everybody."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from ledger.web.render import CONTENT_SECURITY_POLICY
from tests.browser.conftest import TROUBLE, Site, follow
from tests.browser.records import HOSTILE

Visit = Callable[..., Page]
HOSTILE_FIRST = 308
"""Index of the first hostile record; the long one follows the last."""
PAGES = (
    "/",
    "/search",
    "/search?text=TIC101.SP&action=update&from=2026-11-25+07%3A00&rows=dense&limit=10",
    "/entries/records/20",
    "/entries/records/250",
    f"/entries/records/{HOSTILE_FIRST}",
    f"/entries/records/{HOSTILE_FIRST + len(HOSTILE)}",
    "/entries/system/0",
    "/help/proof",
    "/help/verify",
    "/help/connect",
    "/help/support",
    "/help/agents",
    "/help/witness",
    "/alcoa/records/20",
    "/help/regulation",
    "/help/alcoa",
    "/alcoa/records",
    "/alcoa/records/records?source=dcs&attribute=legible&verdict=not-assessable",
    "/alcoa/records/batch?kind=batch&id=B-2612&source=dcs&attribute=consistent&verdict=fail",
    "/rules/records",
    "/reviews/records",
    "/review-plans/records",
    "/deferrals/records",
    "/deviations/records",
    "/review-answers/records",
)
ONE_OF_EACH = tuple(PAGES[at] for at in (0, 2, 3, 5, 7, 8, 11, 14, 17, 18, 19, 20, 21, 22, 23, 24, 25, 15))
"""Enough for what belongs to a template and not to its content."""
WRONG = (
    "/search?size=99999&from=yesterday",
    "/alcoa/records?from=yesterday",
    "/alcoa/records?from=1999-01-01&to=1999-01-01",
    "/entries/records/999999",
    "/nowhere",
    "/search?text=zzzz",
)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_renders_without_error_and_asks_nothing_of_another_host(look: Visit, path: str) -> None:
    page = look(path)
    assert page.locator("h1").inner_text()
    page.wait_for_function("document.fonts.status === 'loaded'")
    assert page.evaluate("document.fonts.check('14px \"Noto Sans\"')")
    assert TROUBLE[page] == []


@pytest.mark.requirement("C03")
def test_a_number_of_what_records_are_worth_opens_its_records(look: Visit) -> None:
    page = look("/")
    follow(page.get_by_role("link", name="What records are worth: ALCOA+"))
    row = page.locator("table.heat tbody tr", has=page.get_by_role("link", name="dcs", exact=True))
    number = row.get_by_role("link", name="not assessable: Legible, dcs")
    count = int(number.inner_text().split()[1].replace("\u202f", ""))
    follow(number)
    listed = page.locator("table.rows tbody tr").count()
    while page.locator("a[rel=next]").count():
        follow(page.locator("a[rel=next]"))
        listed += page.locator("table.rows tbody tr").count()
    assert listed == count
    assert "no units and codes are set" in page.locator("table.rows tbody tr").first.inner_text()
    follow(page.get_by_role("link", name="What records are worth: ALCOA+"))
    page.get_by_label("Put together").select_option("day")
    page.get_by_label("Source", exact=True).select_option("dcs")
    page.get_by_role("button", name="Show").click()
    assert page.locator("table.heat tbody tr").count() >= 1
    assert page.locator("table.heat tbody th", has_text="erp").count() == 0
    page = look("/trace?kind=batch&id=B-2612")
    follow(page.get_by_role("link", name="What its records are worth: ALCOA+"))
    number = page.get_by_role("link", name="not assessable: Legible, dcs")
    count = int(number.inner_text().split()[1].replace("\u202f", ""))
    follow(number)
    assert page.locator("#behind ~ table tbody tr").count() == count
    assert TROUBLE[page] == []


@pytest.mark.parametrize(
    ("theme", "pages", "options"),
    [
        ("light", ONE_OF_EACH, {}),
        # Themes differ in colours alone; those of the longest page of help are those of the others.
        ("dark", ONE_OF_EACH[:-1], {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}),
    ],
)
def test_no_page_has_an_accessibility_violation(
    look: Visit, site: Site, theme: str, pages: tuple[str, ...], options: dict[str, Any]
) -> None:
    page = look(color_scheme=theme)
    for path in (*pages, *WRONG):
        page.goto(site.address + path)
        found = Axe().run(page, options={"resultTypes": ["violations"], **options})
        assert found.violations_count == 0, f"{path} ({theme}): {found.generate_report()}"


def test_no_page_is_wider_than_the_screen_and_each_carries_a_policy_without_inline_script_or_style(
    look: Visit, site: Site
) -> None:
    page = look()
    for path in (*PAGES, *WRONG):
        answer = page.goto(site.address + path)
        assert answer is not None
        policy = answer.header_value("content-security-policy") or ""
        assert policy == CONTENT_SECURITY_POLICY
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert page.locator("script, style, [style], [onclick], [onload], iframe, object").count() == 0, path
        for width in (1440, 360):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)


def test_own_assets_of_a_page_are_small(visit: Visit, site: Site) -> None:
    page = visit(signed_in=False)
    sizes: list[int] = []
    page.on("response", lambda answer: None if answer.url.endswith(".ttf") else sizes.append(len(answer.body())))
    page.goto(site.address + "/nowhere")
    page.wait_for_load_state("networkidle")
    assert len(sizes) >= 2
    assert sum(sizes) < 150_000


def test_an_unknown_address_is_answered_in_words(visit: Visit) -> None:
    page = visit("/nowhere/at/all?x=1", signed_in=False)
    assert page.locator("h1").inner_text() == "There is no page at this address"


def test_everything_works_without_javascript(look: Visit, site: Site) -> None:
    page = look("/", java_script_enabled=False)
    follow(page.get_by_role("link", name="Search", exact=True))
    page.get_by_label("Words").fill("TIC101.SP")
    follow(page.get_by_role("button", name="Search"))
    assert "TIC101.SP" in page.locator("tbody tr").first.inner_text()
    page.locator("form.search summary").click()
    page.get_by_label("Account").fill("operator3")
    page.get_by_label("Purpose").select_option("review")
    follow(page.get_by_role("button", name="Search"))
    row = page.locator("tbody tr").first
    assert "operator3 changed TIC101.SP" in row.inner_text()
    cell = row.locator("td").last.bounding_box()
    assert cell is not None
    page.mouse.click(cell["x"] + 4, cell["y"] + 4)  # the row itself opens the entry
    page.wait_for_url("**/entries/records/*")
    assert re.fullmatch(rf"{site.address}/entries/records/\d+", page.url)
    assert "operator3 changed TIC101.SP from" in page.locator("h1").inner_text()
    follow(page.get_by_role("link", name="Entry", exact=False).first)
    assert page.locator("h2", has_text="Proof").count() == 1
    assert TROUBLE[page] == []


def test_a_search_is_done_by_keyboard_alone(look: Visit) -> None:
    page = look("/search")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "text"
    page.keyboard.type("reactor-1 deviation")
    page.keyboard.press("Enter")
    page.wait_for_url("**text=reactor-1**")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('tbody') !== null"):
            break
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    page.wait_for_url("**/entries/records/**")


def test_the_pages_of_an_answer_hold_each_record_once_and_all_as_of_one_size(look: Visit) -> None:
    page = look("/search?source=dcs&limit=100")
    seen: list[str] = []
    while True:
        seen += page.locator("tbody tr td:first-child").all_inner_texts()
        assert "as of 342 entries" in page.locator(".result").inner_text()
        older = page.get_by_role("link", name="Next page")
        if not older.count():
            break
        follow(older)
    assert len(seen) == 240 == len(set(seen))


def test_a_wrong_field_is_named_and_nothing_is_searched(look: Visit) -> None:
    page = look("/search?from=yesterday&action=dance&text=TIC")
    assert "“yesterday” is not a time" in page.locator("#e-from").inner_text()
    assert "“dance” is not one of" in page.locator("#e-action").inner_text()
    assert page.get_by_label("Words").input_value() == "TIC"
    assert "Nothing was searched" in page.locator(".result").inner_text()


def test_hostile_texts_are_shown_as_text_and_do_nothing(look: Visit, site: Site) -> None:
    page = look("/search")
    paths = ["/search", "/search?text=javascript", *(f"/entries/records/{HOSTILE_FIRST + n}" for n in range(7))]
    for path in paths:
        page.goto(site.address + path)
        assert "Trailseal" in page.title()
        assert page.locator("main img, main script, main style, main iframe").count() == 0
        text = page.evaluate("document.body.textContent")
        assert not re.search(r"[\u202a-\u202e\u2066-\u2069\ufeff\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", text), path
        assert page.locator("a[href^='javascript' i]").count() == 0
    page.goto(f"{site.address}/entries/records/{HOSTILE_FIRST}")
    assert HOSTILE[0] in page.locator("main").inner_text()
    assert TROUBLE[page] == []


def test_a_search_for_a_hostile_id_finds_its_record(look: Visit) -> None:
    page = look(f"/entries/records/{HOSTILE_FIRST}")
    follow(page.locator("section", has_text="Belongs to").locator("dd a").first)
    # The same text stands as an account too: a search for it is one for a person.
    page.get_by_label("Purpose").select_option("review")
    follow(page.get_by_role("button", name="Search"))
    assert page.locator("tbody tr").count() == 1
    assert HOSTILE[0][:20] in page.locator(".filters").inner_text()


def test_a_value_of_100_kb_stays_in_its_place_on_screen_and_whole_in_print(look: Visit) -> None:
    page = look(f"/entries/records/{HOSTILE_FIRST + len(HOSTILE)}")
    value = page.locator(".changes .value").first
    assert value.inner_text().count("W") >= 100_000
    box = value.bounding_box()
    assert box is not None
    assert box["height"] <= 320
    page.emulate_media(media="print")
    printed = value.bounding_box()
    assert printed is not None
    assert printed["height"] > 2000
    assert not page.locator(".rail").is_visible()


def test_a_printed_entry_holds_its_hashes_in_full(look: Visit) -> None:
    page = look("/entries/records/20")
    page.emulate_media(media="print")
    for digest in page.locator(".digest").all():
        assert digest.is_visible()
        assert len("".join(digest.all_inner_texts()).replace("\n", "").replace(" ", "")) == 64
    assert page.pdf().startswith(b"%PDF")
