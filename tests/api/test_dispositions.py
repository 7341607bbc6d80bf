"""Findings are judged over HTTP: by role, by nobody who did what is judged, and what was said before stays."""

from typing import Any

import pytest
from litestar.testing import TestClient

from ledger.core.record import Change
from ledger.people.access import Scope
from ledger.people.roles import Role
from ledger.people.sessions import COOKIE
from tests.api.world import SOURCE, World
from tests.support.ledgers import AUTHORITY, batch, submission
from tests.support.people import OWN_PAGE
from tests.support.staff import Staff

WHY = "the controller was restored from a backup in the night"
STEPS = [("50", "51"), ("60", "61"), ("61", "62"), ("70", "71")]
CAME_LATE = [("51", "60")]


class Site:
    """A ledger in whose records a rule found something twice, with reviewers and others."""

    def __init__(self, world: World, client: TestClient[Any]) -> None:
        self.world, self.client = world, client
        staff = Staff(world.service)
        self.sessions = {}
        for account, role in (("rev", Role.REVIEWER), ("operator1", Role.REVIEWER), ("aud", Role.AUDITOR)):
            staff.person(account, role)
            self.sessions[account] = staff.session(account)
        self.collect([1, 3, 4, 5], STEPS)
        newest = self.read("/rules/findings", rule="D11")["findings"]
        self.second, self.first = (one["key"] for one in newest)

    def collect(self, numbers: list[int], steps: list[tuple[str, str]]) -> None:
        told = [
            submission(at, SOURCE, changes=(Change(attribute="X", old=old, new=new),))
            for at, (old, new) in zip(numbers, steps, strict=True)
        ]
        self.world.service.ingest.submit(batch(told, SOURCE, ended_at="2027-01-01T00:00:00.000000Z"), AUTHORITY)
        self.world.service.quality.rules.run(self.world.service.record_log().log, AUTHORITY)

    def read(self, path: str, status: int = 200, **query: Any) -> Any:
        answer = self.client.get(f"/api/v1/logs/records{path}", params=query, headers=self.world.headers(Scope.READ))
        assert answer.status_code == status, answer.text
        return answer.json()

    def judge(self, who: str, status: int, *findings: str, **more: Any) -> Any:
        headers = {"Cookie": f"{COOKIE}={self.sessions[who]}", **OWN_PAGE}
        body = {"findings": findings, "judgement": "confirmed", "reason": WHY} | more
        answer = self.client.post("/api/v1/logs/records/dispositions", headers=headers, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()


@pytest.fixture
def site(any_world: World, any_client: TestClient[Any]) -> Site:
    return Site(any_world, any_client)


@pytest.fixture(scope="module")
def here(shared_world: World, shared_client: TestClient[Any]) -> Site:
    return Site(shared_world, shared_client)


def test_findings_are_judged_together_and_again_and_all_of_it_stays(site: Site) -> None:
    both = site.judge("rev", 201, site.first, site.second, case="restored controller", deviation="DEV-7")
    assert (both["by"], set(both["stands"])) == ("rev", {site.first, site.second})
    again = site.judge("rev", 201, site.first, judgement="explained")
    standing = site.read("/dispositions")
    assert [one["entry"] for one in standing["dispositions"]] == [again["entry"], both["entry"]]
    assert standing["dispositions"][1]["stands"] == [site.second], "of the first one stands no more"
    every = site.read("/dispositions", finding=site.first)["dispositions"]
    assert [one["disposition"]["judgement"] for one in every] == ["explained", "confirmed"]
    assert [one["stands"] for one in every] == [[site.first], [site.second]]
    before = site.read("/dispositions", size=again["entry"])["dispositions"]
    assert [one["entry"] for one in before] == [both["entry"]], "as it was before"
    assert before[0]["stands"] == sorted([site.first, site.second])
    assert [one["entry"] for one in site.read("/dispositions", case="restored controller")["dispositions"]] == [
        both["entry"]
    ]
    page = site.read("/dispositions", limit=1)
    assert page["next_before"] == again["entry"]
    assert [one["entry"] for one in site.read("/dispositions", before=again["entry"])["dispositions"]] == [
        both["entry"]
    ]
    assert site.world.service.verifier.run(site.world.service.record_log().log, full=True).holds
    site.collect([2], CAME_LATE)
    closed = site.judge("rev", 409, site.first)
    assert "was closed" in closed["detail"]


def test_nobody_judges_what_they_did_and_only_a_reviewer_judges(here: Site) -> None:
    own = here.judge("operator1", 403, here.first)
    assert (own["code"], "operator1" in own["detail"]) == ("self_approval", True)
    here.judge("aud", 403, here.first)
    for scope in (Scope.READ, Scope.VERIFY, Scope.CONFIGURE):
        body = {"findings": [here.first], "judgement": "confirmed", "reason": WHY}
        answer = here.client.post("/api/v1/logs/records/dispositions", json=body, headers=here.world.headers(scope))
        assert answer.status_code == 403, "no service judges"


@pytest.mark.parametrize(
    ("status", "what", "wrong"),
    [
        (404, "there is no finding", {"findings": ["A" * 43 + "="]}),
        (400, "says too little", {"reason": "ok"}),
        (400, "judgement", {"judgement": "fine"}),
        (400, "length", {"findings": ["none"]}),
        (400, "length", {"findings": []}),
        (400, "U+0000", {"case": "a\0b"}),
    ],
)
def test_what_cannot_be_judged_is_told(here: Site, status: int, what: str, wrong: dict[str, Any]) -> None:
    before = here.read("/dispositions")
    assert what in str(here.judge("rev", status, here.first, **wrong))
    assert here.read("/dispositions")["dispositions"] == before["dispositions"]
