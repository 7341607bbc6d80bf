"""The page of rules: state, version and numbers of each, and what is looked past."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from ledger.core.entry import draft
from ledger.core.record import Change
from ledger.core.ruling import RuleState, Suppression
from ledger.people.access import Scope
from tests.api.world import SOURCE, World
from tests.support.application import app_of
from tests.support.ledgers import AUTHORITY, RECORDS, batch, submission
from tests.support.trying import cases, stated

HOSTILE = '"><script>alert(1)</script>'


@pytest.fixture(scope="module")
def site(shared_world: World) -> Iterator[TestClient[Any]]:
    with TestClient(app_of(shared_world.service, "UTC")) as made:
        yield made


def rows(site: TestClient[Any], world: World) -> tuple[str, dict[str, list[str]]]:
    """The page, and the cells of each rule as text."""
    page = site.get("/rules/records", headers=world.headers(Scope.READ))
    assert page.status_code == 200, page.text
    found = {}
    for row in re.findall(r'<tr>\s*<th scope="row">(D\d\d) (.*?)</tr>', page.text, re.DOTALL):
        cells = re.findall(r"<td[^>]*>(.*?)</td>", row[1], re.DOTALL)
        found[row[0]] = [" ".join(re.sub(r"<[^>]+>", "", cell).split()) for cell in cells]
    return page.text, found


def test_each_rule_has_a_row_with_its_state_and_its_numbers(site: TestClient[Any], shared_world: World) -> None:
    world, store = shared_world, shared_world.service.store
    steps = [("1", "2"), ("7", "8")]
    told = [
        submission(at, SOURCE, changes=(Change(attribute="Z", old=old, new=new),))
        for at, (old, new) in enumerate(steps, start=1)
    ]
    world.service.ingest.submit(batch(told, SOURCE, ended_at="2027-01-01T00:00:00.000000Z"), AUTHORITY)
    log = world.service.record_log().log
    world.service.quality.rules.run(log, AUTHORITY)
    text, found = rows(site, world)
    assert "No schedule runs them" in text
    assert found["D11"] == ["shadow", "1", "0", "0", "0", "0", "0", "1", "0"]
    past = Suppression(
        rule="D11", since="2020-01-01T00:00:00.000000Z", until="2020-02-01T00:00:00.000000Z", reason=HOSTILE,
        authority=AUTHORITY, source=HOSTILE,
    )  # fmt: skip
    store.append_one(RECORDS, draft(past))
    made = world.service.quality.challenges.run(log, "D11", cases(), "on site", AUTHORITY)
    store.append_one(RECORDS, draft(stated(RuleState.VALIDATED, made.entry)))
    store.append_one(RECORDS, draft(stated(RuleState.RETIRED, rule="D21")))
    text, found = rows(site, world)
    assert "shadow; nobody signed the trial in entry" in found["D11"][0]
    assert found["D21"][0].startswith("retired")
    assert ("not in force" in text, "all types, all objects" in text) == (True, True)
    assert "<script>alert" not in text


def test_a_log_that_there_is_not_is_told(site: TestClient[Any], shared_world: World) -> None:
    assert site.get("/rules/other", headers=shared_world.headers(Scope.READ)).status_code == 404
