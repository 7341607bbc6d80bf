"""The page of coverage: a lane a source, in site time, with all that is not known in words."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from ledger.people.access import Scope
from tests.api.test_coverage import AFTER, BEFORE, collect
from tests.api.world import AT, OTHER_SOURCE, SOURCE, World
from tests.support.application import app_of

HOSTILE = '"><script>alert(1)</script>'


def ask(client: TestClient[Any], world: World, path: str = "/coverage/records", **query: str) -> Any:
    return client.get(path, params=query, headers=world.headers(Scope.READ))


@pytest.fixture(scope="module")
def site(shared_world: World) -> Iterator[TestClient[Any]]:
    with TestClient(app_of(shared_world.service, "UTC")) as made:
        yield made


@pytest.fixture(scope="module")
def collected(site: TestClient[Any], shared_world: World) -> int:
    """A run that could not reach the source for a while and shows a gap; its entry."""
    gone = [{"after": "2026-11-25T07:07:00.000000Z", "before": AT}]
    lost = {
        "subject": HOSTILE,
        "reason": "overwritten",
        "between": {"after": AT, "before": "2026-11-25T07:12:00.000000Z"},
    }
    run: int = collect(site, shared_world, [(1, "1")], unreachable=gone, gaps=[lost])["run"]
    return run


def test_each_source_has_a_lane_and_what_is_not_known_a_row(
    site: TestClient[Any], shared_world: World, collected: int
) -> None:
    page = ask(site, shared_world, **{"from": "2026-11-25 07:00", "to": "2026-11-25 07:30"})
    assert page.status_code == 200, page.text
    first, second = re.findall(r"<section.*?</section>", page.text, re.DOTALL)
    assert (f">{OTHER_SOURCE}</a>" in first, f">{SOURCE}</a>" in second) == (True, True), "by id"
    drawn = [re.findall(r'<rect class="([a-z-]+)"( fill="url\(#hatch\)")?', lane) for lane in (first, second)]
    assert drawn[0] == [("before", "")]
    hatched = ' fill="url(#hatch)"'
    assert drawn[1] == [
        ("before", ""), ("covered", ""), ("unreachable", hatched), ("gap", hatched), ("covered", ""), ("not-yet", ""),
    ]  # fmt: skip
    rows = re.findall(r'<th scope="row">(.*?)</th>', second)
    assert rows == ["not collected yet", "source not reached", "gap", "no run has reached it yet"]
    assert second.count(f'href="/entries/records/{collected}"') == 2
    assert "<script>alert" not in page.text
    assert all(instant[11:19] in second for instant in (BEFORE, AFTER))


def test_an_interval_that_is_none_is_told_and_kept_in_the_form(
    site: TestClient[Any], shared_world: World, collected: int
) -> None:
    for query, said in (
        ({"from": HOSTILE}, "cannot"),
        ({"from": "2026-11-25 08:00", "to": "2026-11-25 07:00"}, "ends before"),
    ):
        page = ask(site, shared_world, **query)
        assert (page.status_code, "<section" in page.text) == (400, False)
        assert "<script>alert" not in page.text
        assert 'role="alert"' in page.text, said
    assert ask(site, shared_world).status_code == 200, "the last week, if none is asked for"
    for path in ("/coverage/none", "/coverage/system"):
        assert ask(site, shared_world, path).status_code == 404
    assert "/coverage/records" in ask(site, shared_world, "/").text
