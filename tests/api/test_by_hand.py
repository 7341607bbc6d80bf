"""What people enter by hand, and exclusions, over HTTP: by role, with what is refused, on either database."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from ledger.core.clock import utc_text
from ledger.people.access import Scope
from ledger.people.roles import Role
from ledger.people.sessions import COOKIE
from tests.api.world import SOURCE, World, run, submission
from tests.support.by_hand import PAPER, SCAN, WHY, register
from tests.support.people import OWN_PAGE
from tests.support.staff import Staff

LOGBOOK = {"id": "LB-114", "title": "Logbook of room 3", "place": "archive A", "page": "12"}
SEEN: dict[str, Any] = {
    "sort": "observation",
    "object": {"type": "room", "id": "R-3"},
    "action": "execute",
    "occurred_at": "2026-01-31T08:00",
    "zone": "Europe/Berlin",
    "changes": [{"attribute": "state", "new": "clean"}],
    "links": [{"kind": "batch", "id": "B-1"}],
    "reason": WHY,
}
OUT = {"sort": "calculation", "name": "yield of B-1"}
NO_COUNT = "the balance was under calibration"


class Site:
    """A ledger with somebody of each role that matters here."""

    def __init__(self, world: World, client: TestClient[Any]) -> None:
        self.world, self.client, self.staff = world, client, Staff(world.service)
        register(world.service.record_log())
        roles = {"rec": Role.RECORDER, "rev": Role.REVIEWER, "own": Role.SOURCE_OWNER, "aud": Role.AUDITOR}
        self.sessions = {}
        for account, role in roles.items():
            self.staff.person(account, role)
            self.sessions[account] = self.staff.session(account)

    def ask(self, who: str, method: str, path: str, status: int, body: Any = None, **query: Any) -> Any:
        headers = {"Cookie": f"{COOKIE}={self.sessions[who]}", **OWN_PAGE}
        answer = self.client.request(method, f"/api/v1/logs/records{path}", headers=headers, json=body, params=query)
        assert answer.status_code == status, answer.text
        return answer.json()

    def enter(self, who: str = "rec", status: int = 201, **more: Any) -> Any:
        return self.ask(who, "POST", "/by-hand", status, SEEN | more)

    def collect(self) -> int:
        answer = self.client.post(
            f"/api/v1/sources/{SOURCE}/runs", json=run([submission(1)]), headers=self.world.headers(Scope.INGEST)
        )
        index: int = answer.json()["outcomes"][0]["index"]
        return index


@pytest.fixture
def site(any_world: World, any_client: TestClient[Any]) -> Site:
    return Site(any_world, any_client)


@pytest.fixture(scope="module")
def here(shared_world: World, shared_client: TestClient[Any]) -> Site:
    return Site(shared_world, shared_client)


@pytest.mark.requirement("R32", "R64")
def test_a_paper_is_entered_with_its_scan_checked_by_another_and_listed(site: Site) -> None:
    scan = base64.b64encode(SCAN).decode()
    made = site.enter(sort="paper", paper=LOGBOOK, scan=scan, done_by="operator 7", stated_reason="end of campaign")
    assert (made["state"], made["entered_by"], made["paper"]) == ("entered", "rec", LOGBOOK)
    record = made["record"]
    assert record["occurred_at"]["instant_us"] == 1_769_842_800_000_000, "eight in Berlin is seven in UTC"
    assert record["links"] == [
        {"kind": "batch", "id": "B-1", "basis": "read"}, {"kind": "document", "id": "LB-114", "basis": "read"},
    ]  # fmt: skip
    assert (record["source"], record["actor"]["on_behalf_of"], record["reason"]) == (
        PAPER,
        "operator 7",
        "end of campaign",
    )
    path = f"/by-hand/{made['hand']}"
    own = site.ask("rec", "POST", f"{path}/check", 403, {"agrees": True, "reason": "compared it with the page"})
    assert (own["code"], "rec entered it" in own["detail"]) == ("self_approval", True)
    done = site.ask("rev", "POST", f"{path}/check", 201, {"agrees": True, "reason": "compared it with the page"})
    assert (done["state"], done["checked_by"], done["check_reason"]) == ("checked", "rev", "compared it with the page")
    assert site.ask("own", "POST", f"{path}/check", 409, {"agrees": False, "reason": "the page says otherwise"})
    assert site.ask("aud", "GET", path, 200) == done
    second = site.enter()
    page = site.ask("aud", "GET", "/by-hand", 200, limit=1)
    assert (page["entered"], page["next_before"]) == ([second], second["index"])
    rest = site.ask("aud", "GET", "/by-hand", 200, before=page["next_before"])
    assert (rest["entered"], rest["next_before"]) == ([done], None)
    assert site.ask("aud", "GET", "/by-hand", 200, state="to-check")["entered"] == []


@pytest.mark.requirement("R68")
def test_records_are_excluded_and_counted_again_and_both_stay(site: Site) -> None:
    index = site.collect()
    body = {"entries": [index], "evaluation": OUT, "justification": NO_COUNT}
    made = site.ask("rev", "POST", "/exclusions", 201, body)
    assert (made["evaluation"], made["members"], made["count"], made["lifted"]) == (OUT, str(index), 1, None)
    path = f"/exclusions/{made['exclusion']}"
    why = {"justification": "its calibration was found to hold"}
    lifted = site.ask("rev", "POST", f"{path}/lifting", 201, why)
    assert (lifted["excluded"], lifted["lifted"]["justification"]) == (made["excluded"], why["justification"])
    assert "lifted already" in site.ask("rev", "POST", f"{path}/lifting", 409, why)["detail"]
    other = site.ask("rev", "POST", "/exclusions", 201, body)
    page = site.ask("aud", "GET", "/exclusions", 200, limit=1)
    assert (page["exclusions"], page["next_before"]) == ([other], other["excluded"]["entry"])
    rest = site.ask("aud", "GET", "/exclusions", 200, before=page["next_before"])
    assert (rest["exclusions"], rest["next_before"]) == ([lifted], None)
    assert site.ask("aud", "GET", path, 200) == lifted


@pytest.mark.requirement("R05")
def test_only_who_may_enters_and_checks_and_only_who_reviews_excludes(here: Site) -> None:
    made, index = here.enter("own"), here.collect()
    agreed = {"agrees": True, "reason": "compared it with the page"}
    out = {"entries": [index], "evaluation": OUT, "justification": NO_COUNT}
    for who, enters, excludes in (("aud", 403, 403), ("rec", 201, 403), ("own", 201, 403), ("rev", 201, 201)):
        assert here.enter(who, enters)
        assert here.ask(who, "POST", "/exclusions", excludes, out)
    assert here.ask("aud", "POST", f"/by-hand/{made['hand']}/check", 403, agreed)
    for scope in (Scope.INGEST, Scope.READ, Scope.CONFIGURE, Scope.ADMIN):
        answer = here.client.post("/api/v1/logs/records/by-hand", json=SEEN, headers=here.world.headers(scope))
        assert answer.status_code == 403, "a service account enters nothing by hand"
    answer = here.client.get("/api/v1/logs/records/by-hand", headers=here.world.headers(Scope.READ))
    assert answer.status_code == 200


def wrong() -> Iterator[tuple[int, str, dict[str, Any]]]:
    yield 400, "says too little", {"reason": "ok"}
    yield 400, "no instant", {"zone": None}
    yield 400, "no instant", {"occurred_at": "2026-03-29T02:30"}
    yield 400, "'Mars/Base' is not a known", {"zone": "Mars/Base"}
    yield 400, "still to come", {"occurred_at": utc_text(2**52)}
    yield 400, "with its id", {"sort": "paper"}
    yield 400, "PDF, PNG or JPEG", {"scan": base64.b64encode(b"<svg/>").decode()}
    yield 400, "U+0000", {"done_by": "a\0b"}
    yield 400, "'rumour'", {"sort": "rumour"}
    yield 404, "there is no record", {"sort": "correction", "corrects": "ledger.example/site-a/records#0"}
    yield 400, "is not an address", {"sort": "correction", "corrects": "the one above"}
    yield 409, "is of type test", {"source": SOURCE}
    yield 413, "", {"scan": "A" * 15_000_000}


@pytest.mark.parametrize(("status", "words", "more"), list(wrong()))
def test_what_is_wrong_is_named_and_nothing_is_entered(
    here: Site, status: int, words: str, more: dict[str, Any]
) -> None:
    before = here.ask("aud", "GET", "/by-hand", 200)
    assert words in str(here.enter(status=status, **more))
    assert here.ask("aud", "GET", "/by-hand", 200) == before


def test_what_is_not_there_is_not_found(here: Site) -> None:
    for path, body in (
        ("/by-hand/none", None),
        ("/exclusions/none", None),
        ("/by-hand/none/check", {"agrees": True, "reason": "compared it with the page"}),
        ("/exclusions/none/lifting", {"justification": "its calibration was found to hold"}),
    ):
        assert here.ask("rev", "GET" if body is None else "POST", path, 404, body)["code"] == "not_found"


@pytest.mark.requirement("R07", "R68")
def test_every_answer_that_shows_a_record_says_what_it_is_and_what_corrects_it(site: Site) -> None:
    index = site.collect()
    target = {"type": "tag", "id": "TIC1.SP"}
    made = site.enter(sort="correction", corrects=f"ledger.example/site-a/records#{index}", object=target)
    out = {"entries": [index], "evaluation": OUT, "justification": NO_COUNT}
    excluded = site.ask("rev", "POST", "/exclusions", 201, out)
    old = {"corrected_by": [made["address"]], "excluded": [excluded]}
    new = {"hand": made["hand"], "by_hand": "entered", "corrects": f"ledger.example/site-a/records#{index}"}

    def told(path: str, members: str, **query: Any) -> dict[int, Any]:
        return {one["index"]: one["marks"] for one in site.ask("aud", "GET", path, 200, **query)[members]}

    assert told("/search", "hits") == {index: old, made["index"]: new}
    assert told("/search", "hits", size=made["index"]) == {index: None}
    assert told("/search", "hits", size=excluded["excluded"]["entry"])[index] == {"corrected_by": [made["address"]]}
    assert told("/objects/history", "versions", type="tag", id="TIC1.SP") == {index: old, made["index"]: new}
    assert told("/objects/history", "versions", type="tag", id="TIC1.SP", size=made["index"]) == {index: None}
    assert told("/trace", "members", kind="batch", id="B-1") == {index: old, made["index"]: new}
    assert [site.ask("aud", "GET", f"/entries/{at}", 200)["marks"] for at in (index, made["index"], 1)] == [
        old, new, None,
    ]  # fmt: skip
