"""Signing workflows over the interface: routes, requests, tasks, delegations; with real components and keys."""

from collections.abc import Iterator

import msgspec
import pytest

from ledger.core.clock import utc_text
from tests.support.founded import APPROVER, REVIEWER, founded
from tests.support.signing_site import STAGES, Site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    plant = founded(tmp_path_factory.mktemp("signing") / "ledger", REVIEWER, APPROVER)
    made = Site(plant)
    yield made
    made.client.__exit__(None, None, None)
    plant.close()


@pytest.mark.requirement("R09")
def test_a_request_is_signed_step_by_step_and_level_4_holds(site: Site) -> None:
    request = site.open(site.reviewer, site.plant.records(1))
    skipped = site.prepare(site.approver, request, "approve")
    assert (skipped.status_code, skipped.json()["code"]) == (409, "conflict")
    assert "review is to be signed before it" in skipped.json()["detail"]
    (mine,) = [one for one in site.call(site.second, "GET", "tasks").json() if one["request"] == request]
    assert (mine["step"], mine["meaning"], mine["overdue"]) == ("review", "reviewed", False)
    seen = site.shown(site.approver, request)
    assert [one["state"] for one in seen["steps"]] == ["open", "later"]
    assert "does not hold role 'reviewer'" in seen["steps"][0]["why_not"]
    assert "comes later" in seen["steps"][1]["why_not"]
    done = site.sign(site.second, request, "review")
    assert done.status_code == 201, done.text
    assert site.sign(site.approver, request, "approve").status_code == 201
    seen = site.shown(site.reviewer, request)
    assert (seen["state"], seen["unsigned"]) == ("completed", False)
    assert [one["event"] for one in seen["decisions"]] == ["refused", "signed", "signed"]
    assert [one["signatures"][0]["account"] for one in seen["steps"]] == ["reviewer2", "approver1"]
    site.plant.publish()
    report = site.plant.service.verifier.run(site.plant.service.system, levels=(1, 2, 3, 4))
    assert report.holds, report.summary


def test_a_set_is_signed_only_once_each_of_its_entries_was_opened(site: Site) -> None:
    records = site.plant.records(2)
    request = site.open(site.reviewer, records)
    assert site.shown(site.second, request)["unopened"] == records
    refused = site.prepare(site.second, request, "review")
    assert (refused.status_code, "has not opened 2 entries" in refused.json()["detail"]) == (409, True)
    for index in records:
        item = site.call(site.second, "POST", f"requests/{request}/items/{index}/opening")
        assert item.json()["body"]["record"]["actor"]["account"] == "operator1"
    assert site.call(site.second, "POST", f"requests/{request}/items/0/opening").status_code == 404
    assert site.sign(site.second, request, "review").status_code == 201


def test_declining_is_signed_and_ends_the_request(site: Site) -> None:
    request = site.open(site.reviewer, site.plant.records(1))
    declined = site.sign(
        site.second, request, "review", decline=True, reason="other", added="TIC1 was set without a word"
    )
    assert declined.status_code == 201, declined.text
    seen = site.shown(site.second, request)
    assert (seen["state"], seen["unsigned"]) == ("declined", True)
    assert "TIC1 was set without a word" in seen["decisions"][-1]["reason"]
    late = site.prepare(site.reviewer, request, "review")
    assert (late.status_code, "declined" in late.json()["detail"]) == (409, True)


def test_what_was_prepared_for_one_request_signs_no_other(site: Site) -> None:
    one, other = (site.open(site.reviewer, site.plant.records(1)) for _ in range(2))
    put = site.prepare(site.second, one, "review").json()
    answer = site.complete(site.second, other, "review", put)
    assert answer.status_code == 404
    assert site.complete(site.second, one, "review", put).status_code == 201


def test_what_was_prepared_for_a_step_is_signed_with_its_decision_or_not_at_all(site: Site) -> None:
    request = site.open(site.reviewer, site.plant.records(1))
    put = site.prepare(site.second, request, "review").json()
    alone = site.alone(site.second, put)
    assert (alone.status_code, alone.json()["code"]) == (409, "conflict"), alone.text
    assert "step of a signing request" in alone.json()["detail"]
    assert site.complete(site.second, request, "review", put).status_code == 201


def test_places_are_given_and_requests_withdrawn(site: Site) -> None:
    request = site.open(site.reviewer, site.plant.records(1))
    assign = f"requests/{request}/steps/review/assignment"
    wrong = site.call(site.reviewer, "POST", assign, {"given_to": "approver1", "reason": "hers"})
    assert (wrong.status_code, wrong.json()["code"]) == (403, "not_signatory")
    assert site.call(site.reviewer, "POST", assign, {"given_to": "reviewer2", "reason": "his"}).status_code == 201
    assert "is for others" in site.prepare(site.reviewer, request, "review").json()["detail"]
    gone = f"requests/{request}/withdrawal"
    assert site.call(site.second, "POST", gone, {"reason": "not mine"}).status_code == 403
    assert site.call(site.reviewer, "POST", gone, {"reason": "wrong batch"}).status_code == 201
    states = {
        one["request"]: one["state"] for one in site.call(site.second, "GET", "requests?standing=withdrawn").json()
    }
    assert states[request] == "withdrawn"
    (entry,) = site.shown(site.second, request)["entries"]
    about = site.call(site.second, "GET", f"requests?entry={entry}").json()
    assert [one["request"] for one in about] == [request]
    assert site.call(site.second, "GET", f"requests?entry={entry}&log=system").json() == []
    assert site.call(site.second, "GET", f"requests?entry={entry}&standing=open").json() == []


def test_a_delegate_signs_in_the_place_of_somebody_over_the_interface(site: Site) -> None:
    named = [{"steps": [{"step": "review", "role": "reviewer", "meaning": "reviewed", "accounts": ["reviewer1"]}]}]
    made = {"route": "ritas", "title": "Rita's", "stages": named, "reason": "her line"}
    site.set("routes", made)
    request = site.open(site.second, site.plant.records(1), route="ritas")
    until = utc_text(site.plant.clock.now_us() + 3_600_000_000)
    lent = {"delegate": "reviewer2", "until_at": until, "reason": "leave"}
    given = site.call(site.reviewer, "POST", "delegations", lent)
    assert given.status_code == 201, given.text
    done = site.sign(site.second, request, "review", on_behalf_of="reviewer1")
    assert done.status_code == 201, done.text
    seen = site.shown(site.reviewer, request)
    assert seen["state"] == "completed"
    assert seen["steps"][0]["signatures"][0]["on_behalf_of"] == "reviewer1"
    name = given.json()["delegation"]
    assert [one["delegation"] for one in site.call(site.second, "GET", "delegations").json()] == [name]
    assert site.call(site.second, "POST", f"delegations/{name}/ending", {"reason": "over"}).status_code == 201
    site.plant.publish()
    report = site.plant.service.verifier.run(site.plant.service.system, levels=(1, 2, 3, 4))
    assert report.holds, report.summary


def test_routes_have_versions_and_end(site: Site) -> None:
    made = {"route": "old", "title": "Old", "stages": STAGES, "reason": "first"}
    for reason in ("first", "second"):
        site.set("routes", {**made, "reason": reason})
    assert site.call(site.reviewer, "POST", "routes", made).status_code == 403
    assert [one["current"] for one in site.call(site.reviewer, "GET", "routes/old").json()] == [False, True]
    alone = site.call(site.approver, "POST", "routes/old/retirement", {"reason": "replaced"})
    assert (alone.status_code, alone.json()["code"]) == (400, "change_request_required")
    site.set("routes/old/retirement", {"reason": "replaced"})
    retired = {one["route"]: one["retired"] for one in site.call(site.reviewer, "GET", "routes").json()}
    assert (retired["old"], retired["two"]) == (True, False)
    bad = {**made, "route": "bad", "stages": [{"steps": [{**STAGES[0]["steps"][0], "role": "auditor"}]}]}
    assert site.call(site.approver, "POST", "routes", {**bad, "change_request": "CR-1"}).status_code == 400
    assert msgspec.json.decode(site.call(site.reviewer, "GET", "routes/none").content)["code"] == "not_found"
