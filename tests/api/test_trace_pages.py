"""The pages of the trace: who belongs and why, what is expected, the picture and its table, and what is in no batch."""

import html
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from litestar.testing import TestClient

from ledger.people.access import Scope
from tests.api.test_tracing import configure, did
from tests.api.world import SOURCE, World, run
from tests.support.application import app_of

HOSTILE = 'B "><script>alert(1)</script>'
PICTURE = re.compile(r'<svg class="scene".*?</svg>', re.DOTALL)


@pytest.fixture(scope="module")
def site(shared_world: World) -> Iterator[TestClient[Any]]:
    with TestClient(app_of(shared_world.service, "UTC")) as made:
        yield made


@pytest.fixture(scope="module")
def entries(site: TestClient[Any], shared_world: World) -> list[int]:
    """A batch that had a critical reactor for ten minutes, a release that is expected, and records beside it."""
    steps = [
        {"step": "release", "source": SOURCE, "object_type": "release"},
        {"step": "made", "source": SOURCE, "object_type": "tag"},
    ]
    configure(site, shared_world, "parameters", {"name": "expected", "value": {"steps": steps}, "reason": "test"})
    asset = {"source": SOURCE, "tag": "R-1", "equipment": "R-1", "critical": True, "valid_from": "2026-01-01T00:00:00Z"}
    configure(site, shared_world, "maps/assets", {"entries": [asset], "reason": "test"})
    rows = [
        did(1, 10, "start", batch=HOSTILE, equipment="R-1"), did(2, 15, equipment="R-1"),
        did(3, 20, "stop", batch=HOSTILE, equipment="R-1"), did(4, 30, equipment="R-1"),
        *(did(number, 40, batch="MANY") for number in range(10, 130)), did(130, 41, batch="MANY"),
    ]  # fmt: skip
    gone = [{"after": "2026-11-25T07:12:00.000000Z", "before": "2026-11-25T07:14:00.000000Z"}]
    body = run(rows, started_at="2026-11-25T07:00:00.000000Z", ended_at="2026-11-25T08:00:00.000000Z", unreachable=gone)
    sent = site.post(f"/api/v1/sources/{SOURCE}/runs", json=body, headers=shared_world.headers(Scope.INGEST))
    assert sent.status_code == 201, sent.text
    return [one["index"] for one in sent.json()["outcomes"]]


def ask(site: TestClient[Any], world: World, path: str = "/trace", status: int = 200, **query: Any) -> str:
    query = {name.rstrip("_"): value for name, value in query.items()}
    answer = site.get(path, params=query, headers=world.headers(Scope.READ))
    assert answer.status_code == status, answer.text
    return answer.text


def section(page: str, name: str) -> list[str]:
    """The rows of a section's tables, as text."""
    found = re.search(rf'<section aria-labelledby="{name}">(.*?)</section>', page, re.DOTALL)
    assert found is not None, page
    rows = re.findall(r"<tr[ >].*?</tr>", re.sub(r"<thead>.*?</thead>", "", found[1], flags=re.DOTALL), re.DOTALL)
    return [" ".join(html.unescape(re.sub(r"<[^>]+>", " ", row)).split()) for row in rows]


@pytest.mark.requirement("R71", "C13")
def test_a_record_says_on_its_page_to_which_batch_it_is_derived_to_belong(
    site: TestClient[Any], shared_world: World, entries: list[int]
) -> None:
    def derived(index: int) -> str | None:
        page = ask(site, shared_world, f"/entries/records/{index}")
        found = re.search(r'<dl class="facts" id="derived">.*?</dl>', page, re.DOTALL)
        return found and found[0]

    told = derived(entries[1])
    assert told is not None
    assert f"<bdi>{html.escape(HOSTILE)}</bdi>".replace("&quot;", "&#34;") in told
    assert f"Derived: R-1 was occupied from 2026-11-25 07:10:00.000 UTC (entry {entries[0]})" in told
    assert [derived(index) for index in (entries[0], entries[3])] == [None, None], "named by itself; in none"


@pytest.mark.requirement("R71", "C13")
def test_each_member_says_why_it_belongs_and_the_equipment_when_it_was_had(
    site: TestClient[Any], shared_world: World, entries: list[int]
) -> None:
    page = ask(site, shared_world, kind="batch", id=HOSTILE)
    assert "<script>alert" not in page
    members = section(page, "members")
    assert [f"Entry {index}" in row for index, row in zip(entries[:3], members, strict=True)] == [True] * 3
    assert ["names it itself" in row for row in members] == [True, False, True]
    assert f"Derived: R-1 was occupied from 2026-11-25 07:10:00.000 UTC (entry {entries[0]})" in members[1]
    (had,) = section(page, "occupations")
    assert f"R-1 Entry {entries[0]} , Entry {entries[2]} 2026-11-25 07:10:00.000 – 07:20:00.000 UTC" in had
    release, made = section(page, "partners")
    assert "missing" in release or "pending" in release or "not assessable" in release
    assert made.startswith("made ● there at least 1 × tag")
    assert f"Entry {entries[0]} · Entry {entries[2]}" in made


@pytest.mark.requirement("C08")
def test_every_mark_of_the_picture_leads_to_an_entry_or_its_row_and_gaps_are_hatched(
    site: TestClient[Any], shared_world: World, entries: list[int]
) -> None:
    page = ask(site, shared_world, kind="batch", id=HOSTILE)
    picture = PICTURE.findall(page)[0]
    marks = re.findall(r'<a href="([^"]+)" aria-label="([^"]+)"><rect class="([a-z]+)"', picture)
    named = {href: (words, form) for href, words, form in marks}
    for index, form, basis in zip(
        entries[:3], ("solid", "outline", "solid"), ("names it itself", "derived", "names it itself"), strict=True
    ):
        words, drawn = named[f"/entries/records/{index}"]
        assert (drawn, words.endswith(basis)) == (form, True)
    (gap,) = re.findall(r'<rect class="gap"[^>]*fill="url\(#timeline-picture-hatch\)"', picture)
    assert gap
    assert len(re.findall('class="(?:solid|outline|dashed)"', picture)) == 3, "nothing is drawn that leads nowhere"
    rows = section(page, "timeline")
    assert len(rows) == 4, "three records and a gap"
    assert any("source not reached 2026-11-25 07:12:00.000" in row for row in rows)


def test_marks_that_stand_close_are_one_and_a_closer_look_tells_them_apart(
    site: TestClient[Any], shared_world: World, entries: list[int]
) -> None:
    page = ask(site, shared_world, kind="batch", id="MANY")
    picture = PICTURE.findall(page)[0]
    (together,) = re.findall(r'<a href="#(mark-\d+)"', picture)
    assert f'<tr id="{together}">' in page
    row, alone = section(page, "timeline")
    assert "120 records: Entry" in row
    assert "and 110 more" in row
    assert f"Entry {entries[-1]}" in alone
    assert "closer" not in row, "they happened at one instant: no closer look tells them apart"
    part = ask(site, shared_world, kind="batch", id="MANY", from_="2026-11-25 07:40:30", to="2026-11-25 07:50")
    assert [f"Entry {entries[-1]}" in one for one in section(part, "timeline")] == [True]
    empty = ask(site, shared_world, kind="batch", id="MANY", from_="2026-11-26 07:40:30", to="2026-11-26 07:50")
    assert "Nothing that belongs to it names a time here." in empty


@pytest.mark.requirement("C13")
def test_what_hangs_together_is_drawn_and_listed_with_the_record_that_names_both(
    site: TestClient[Any], shared_world: World, entries: list[int]
) -> None:
    page = ask(site, shared_world, kind="batch", id=HOSTILE, depth=2)
    batch, equipment = section(page, "graph")
    assert batch.startswith(f"batch {HOSTILE} 0 2 ")
    assert equipment.startswith(f"equipment R-1 1 2 batch {HOSTILE} Entry {entries[0]} ")
    picture = PICTURE.findall(page)[-1]
    boxes = re.findall(r'<a href="/trace[^"]+" aria-label="([^"]+)"><rect class="([a-z]+)"', picture)
    assert [(html.unescape(words), form) for words, form in boxes] == [
        (f"batch {HOSTILE}: 2 records", "outline"), ("equipment R-1: 2 records", "dashed"),
    ]  # fmt: skip
    assert len(re.findall("<line", picture)) == 1
    for depth, links in ((1, 2), (2, 1)):
        page = ask(site, shared_world, kind="batch", id=HOSTILE, depth=depth)
        behind = re.findall(r'<a href="(/search[^"]+)">(\d+)</a>', page)
        assert len(behind) == links, "of the reactor two steps away not all records were read"
        for url, number in behind:
            found = site.get(html.unescape(url), headers=shared_world.headers(Scope.READ)).text
            assert f'<strong class="figure">{number}</strong>' in found
    assert "no number from 0 to 6" in ask(site, shared_world, status=400, kind="batch", id=HOSTILE, depth=7)


def test_members_come_in_pages_as_of_one_size(site: TestClient[Any], shared_world: World, entries: list[int]) -> None:
    page = ask(site, shared_world, kind="batch", id="MANY")
    assert len(section(page, "members")) == 100
    (more,) = re.findall(r'href="(/trace\?[^"#]+)#members" rel="next"', page)
    rest = site.get(html.unescape(more), headers=shared_world.headers(Scope.READ)).text
    assert len(section(rest, "members")) == 21
    assert PICTURE.findall(rest) == []
    assert 'rel="first"' in rest


def test_what_cannot_be_asked_says_why_and_what_is_not_there_says_so(
    site: TestClient[Any], shared_world: World, entries: list[int]
) -> None:
    assert "f-id" in ask(site, shared_world), "nothing was asked yet"
    for query, said in (
        ({"kind": "pallet", "id": "1"}, "is not one of: batch"),
        ({"id": "a\0"}, "none of them is U+0000"),
        ({"id": "x" * 1001}, "at most 1000 characters"),
        ({"id": "B", "size": "99999999"}, "no number from 0"),
        ({"id": "B", "after": "-1"}, "no number from 0"),
        ({"id": "B", "from_": "yesterday", "to": "2026-11-25"}, "yesterday"),
        ({"id": "B", "from_": "2026-11-25"}, "both ends"),
        ({"id": "B", "from_": "2026-11-25", "to": "2026-11-24"}, "must be later"),
    ):
        page = ask(site, shared_world, status=400, **query)
        assert (said in html.unescape(page), 'id="members"' in page) == (True, False), query
    assert "No record belongs to it." in ask(site, shared_world, kind="lot", id="nothing")
    ask(site, shared_world, status=404, log="system", id="B")


def test_a_person_is_traced_for_a_purpose_that_is_entered_first(
    site: TestClient[Any], shared_world: World, entries: list[int]
) -> None:
    before = len(shared_world.system_entries("look-up"))
    assert "f-purpose" in ask(site, shared_world, status=400, kind="person", id="P-1")
    assert len(shared_world.system_entries("look-up")) == before
    assert "No record belongs" in ask(site, shared_world, kind="person", id="P-1", purpose="review")
    assert len(shared_world.system_entries("look-up")) == before + 1


@pytest.mark.requirement("R71")
def test_what_critical_equipment_did_in_no_batch_is_listed_with_the_batch_before(
    site: TestClient[Any], shared_world: World, entries: list[int]
) -> None:
    page = ask(site, shared_world, "/orphans", from_="2026-11-25 07:00", to="2026-11-25 08:00")
    assert "<script>alert" not in page
    rows = re.findall(r"<tr>\s*<th scope=\"row\">.*?</tr>", page, re.DOTALL)
    (row,) = rows
    assert f"/entries/records/{entries[3]}" in row
    (traced,) = re.findall(r'href="(/trace\?[^"]+)"', row)
    assert dict(parse_qsl(urlsplit(html.unescape(traced)).query))["id"] == HOSTILE
    none = ask(site, shared_world, "/orphans", from_="2026-11-25 07:00", to="2026-11-25 07:25")
    assert "Every record of critical equipment" in none
    early = ask(site, shared_world, "/orphans", from_="2026-11-25", to="2026-11-26", size=2)
    assert "calls no equipment critical" in early
    wrong = ask(site, shared_world, "/orphans", status=400, from_="2026-11-25", to="2026-11-24")
    assert "ends before it begins" in wrong


def test_records_and_searches_lead_to_the_trace(site: TestClient[Any], shared_world: World, entries: list[int]) -> None:
    entry = ask(site, shared_world, f"/entries/records/{entries[0]}")
    links = {dict(parse_qsl(urlsplit(html.unescape(one)).query))["id"] for one in _to_trace(entry)}
    assert links == {HOSTILE, "R-1"}
    found = ask(site, shared_world, "/search", link_kind="batch", link_id=HOSTILE)
    assert {dict(parse_qsl(urlsplit(html.unescape(one)).query))["id"] for one in _to_trace(found)} == {HOSTILE}
    assert len(_to_trace(found)) == 3, "two rows, and the question itself"


def _to_trace(page: str) -> list[str]:
    return re.findall(r'href="(/trace\?[^"]+)"', page)
