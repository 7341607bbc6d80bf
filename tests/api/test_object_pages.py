"""The page of an object: what each change follows, what stood when, and what it says where it cannot answer."""

import html
import re
from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from ledger.core.clock import parse_utc
from ledger.people.access import Scope
from tests.api.world import SOURCE, World, run, submission
from tests.support.application import app_of

PUMP = {"type": 'pump "<b>', "id": "P-1/<script>alert(1)</script>"}
NOON, ONE, TWO, THREE = (f"2026-11-25T{hour}:00:00.000000Z" for hour in (12, 13, 14, 15))


@pytest.fixture(scope="module")
def site(shared_world: World) -> Iterator[TestClient[Any]]:
    with TestClient(app_of(shared_world.service, "UTC")) as made:
        yield made


@pytest.fixture(scope="module")
def entries(site: TestClient[Any], shared_world: World) -> list[int]:
    """Three changes of one field: the second goes on from the first, the third from nothing that is known."""
    headers = shared_world.headers(Scope.INGEST)
    cursor = site.get(f"/api/v1/sources/{SOURCE}/state", headers=headers).json().get("cursor")
    rows = [
        submission(
            number,
            object=PUMP,
            occurred_at={
                "text": at,
                "precision": "microsecond",
                "basis": "source-zone",
                "instant_us": parse_utc(at),
                "offset": "+00:00",
            },
            changes=[{"attribute": "Speed", "old": old, "new": new, "unit": "rpm"}],
            reason="slower",
        )
        for number, (at, old, new) in enumerate(((NOON, "10", "20"), (ONE, "20", "30"), (TWO, "35", "40")), 7001)
    ]
    clock = {"offset_us": 0, "uncertainty_us": 1000, "measured_at": NOON, "method": "ntp"}
    rows = [row | {"clock": clock} for row in rows]
    body = run(rows, (cursor, "pump"), started_at=NOON, ended_at=THREE)
    answer = site.post(f"/api/v1/sources/{SOURCE}/runs", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    size = answer.json()["run"]
    return [size - 3, size - 2, size - 1]


def ask(site: TestClient[Any], world: World, status: int = 200, **query: Any) -> str:
    given = {name: value for name, value in ({"log": "records"} | PUMP | query).items() if value is not None}
    answer = site.get("/object", params=given, headers=world.headers(Scope.READ))
    assert answer.status_code == status, answer.text
    return answer.text


def _cells(page: str) -> list[str]:
    rows = re.findall(r"<tr>\s*<th scope=\"row\">.*?</tr>", page.partition('id="versions"')[2], re.DOTALL)
    return [" ".join(html.unescape(re.sub(r"<[^>]+>", " ", row)).split()) for row in rows]


@pytest.mark.requirement("C10")
def test_versions_show_old_and_new_and_where_values_do_not_go_on(
    site: TestClient[Any], shared_world: World, entries: list[int]
) -> None:
    page = ask(site, shared_world)
    newest, middle, oldest = _cells(page)
    assert "35 → 40 rpm" in newest
    assert f"▲ does not go on from the change before it, which left 30 rpm: entry {entries[1]}" in newest.lower()
    assert "20 → 30 rpm" in middle
    assert "▲" not in middle
    assert "10 → 20 rpm" in oldest
    assert "slower" in oldest
    assert "<script>alert" not in page
    assert "<b>" not in page


def test_the_state_at_a_time_is_shown_with_the_entry_that_put_it_there(
    site: TestClient[Any], shared_world: World, entries: list[int]
) -> None:
    state = ask(site, shared_world, at="2026-11-25 13:30").partition('id="versions"')[0]
    assert re.search(rf"<bdi>30 rpm</bdi>.*?/entries/records/{entries[1]}\"", state, re.DOTALL)
    before = ask(site, shared_world, at="2026-11-25 11:30").partition('id="versions"')[0]
    assert re.search(r"<bdi>10 rpm</bdi>.*?before the first change", before, re.DOTALL)
    earlier = ask(site, shared_world, at="2026-11-25 14:30", size=entries[1] + 1).partition('id="versions"')[0]
    assert "<bdi>30 rpm</bdi>" in earlier, "as of that size the last change was not logged yet"


def test_an_entry_leads_to_the_versions_of_its_object(
    site: TestClient[Any], shared_world: World, entries: list[int]
) -> None:
    headers = shared_world.headers(Scope.READ)
    entry = site.get(f"/entries/records/{entries[0]}", headers=headers).text
    (link,) = re.findall(r'href="(/object\?[^"]+)"', entry)
    answer = site.get(html.unescape(link), headers=headers)
    assert (answer.status_code, len(_cells(answer.text))) == (200, 3)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"id": None}, "its type and its id"),
        ({"at": "yesterday"}, "yesterday"),
        ({"size": "999999999"}, "no number from 0"),
        ({"before": "-1"}, "no number from 0"),
        ({"id": "a\0"}, "U+0000"),
    ],
)
def test_what_cannot_be_answered_says_why(
    site: TestClient[Any], shared_world: World, query: dict[str, Any], said: str
) -> None:
    assert said in ask(site, shared_world, 400, **query)


def test_nothing_of_that_name_is_said_to_be_nothing(site: TestClient[Any], shared_world: World) -> None:
    page = ask(site, shared_world, id="nothing of this name", at="2026-11-25")
    assert page.count("No record is about it.") == 2


def test_an_object_that_stands_for_a_person_takes_a_purpose_and_is_entered(
    site: TestClient[Any], shared_world: World, entries: list[int]
) -> None:
    assert "f-purpose" in ask(site, shared_world, 400, type="user", id="operator1")
    before = len(shared_world.system_entries("look-up"))
    assert "No record is about it." in ask(site, shared_world, type="user", id="operator1", purpose="review")
    assert len(shared_world.system_entries("look-up")) == before + 1
