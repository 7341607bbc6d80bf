"""Pages and API of retention: holds, disposals and facts by plain forms; a disposed record says so everywhere."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from ledger.api.gate import declared_routes
from ledger.core.errors import Conflict
from ledger.core.retention import RetentionEvent, Term
from ledger.people.roles import Role
from ledger.people.sessions import COOKIE
from tests.api.test_access import filled
from tests.support.application import app_of
from tests.support.keeping import MARKER, MES, OLD, Keeping
from tests.support.people import OWN_PAGE

HOSTILE = '<script>alert("x")</script>'


class Pages:
    """The ledger of `Keeping`, with an approver of another site and a reviewer; and its pages."""

    def __init__(self, folder: Path) -> None:
        self.keeping = Keeping(folder)
        self.keeping.service.create_record_log("laboratory", self.keeping.world.root)
        self.keeping.staff.person("elsewhere", Role.APPROVER, sites=("laboratory",))
        self.keeping.staff.person("reviewer1", Role.REVIEWER)
        self.client = TestClient(app_of(self.keeping.service, "UTC"))

    def ask(self, who: str, method: str, path: str, json: Any = None, **form: str) -> Any:
        headers = {"Cookie": f"{COOKIE}={self.keeping.staff.session(who)}", **OWN_PAGE}
        more: dict[str, Any] = {"json": json} if json is not None else {"data": form or None}
        return self.client.request(method, path, headers=headers, follow_redirects=False, **more)


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Pages]:
    made = Pages(tmp_path / "ledger")
    with made.client:
        yield made
    made.keeping.close()


def test_two_people_dispose_by_plain_forms_and_the_record_says_so_everywhere(pages: Pages) -> None:
    keeping = pages.keeping
    index = keeping.old[0]
    keeping.service.telling.work()
    assert "Nobody has asked" in pages.ask("qa1", "GET", "/disposals").text
    assert "Retention ends on" in pages.ask("qa1", "GET", f"/retention?log=records&index={index}").text
    choice = {"log": "records", "source": MES, "kind": "batch", "id": OLD}
    planned = pages.ask("qa1", "POST", "/disposals", do="plan", **choice).text
    assert "4 of 5 records may go" in planned
    assert "lack a fact" in planned
    asked = pages.ask(
        "qa1", "POST", "/disposals", do="ask", waits="1", reason=HOSTILE, remains="backup 2031-01-31 vault 2", **choice
    )
    assert asked.status_code == 303
    place = asked.headers["location"]
    keeping.service.telling.work()
    assert place.rpartition("/")[2] in pages.ask("qa2", "GET", "/notices").text, "who approves is told"
    own = pages.ask("qa1", "GET", place).text
    assert HOSTILE not in own
    assert "vault 2" in own
    assert "Approve disposal" not in own, "who asked approves nothing"
    assert pages.ask("qa1", "POST", f"{place}/approval", reason="mine").status_code == 409
    assert pages.ask("elsewhere", "POST", f"{place}/approval", reason="not my site").status_code == 403
    assert pages.ask("reviewer1", "POST", f"{place}/approval", reason="no role").status_code == 403
    assert str(index) in pages.ask("qa2", "GET", place).text
    assert pages.ask("qa2", "POST", f"{place}/approval", reason="looked at").status_code == 303
    keeping.wait()
    assert pages.ask("qa2", "POST", f"{place}/removal").status_code == 303
    assert "Its removal begins shortly" in pages.ask("qa2", "GET", place).text
    job = keeping.service.jobs.work_next()
    assert job is not None
    assert (job.state.value, job.error) == ("done", "")
    done = pages.ask("qa2", "GET", place).text
    assert "4 removed" in done
    assert "Its removal" not in done
    assert MARKER.encode() not in keeping.files(), "a job that a page started leaves nothing in free space either"

    by = keeping.service.disposals.all()[0].entries[0]
    shown = pages.ask("qa2", "GET", f"/entries/records/{index}")
    assert shown.status_code == 200
    assert f"disposed of under entry {by}" in shown.text
    assert f"/entries/system/{by}" in shown.text
    assert pages.ask("qa2", "GET", f"/entries/records/{index}/body").status_code == 404
    answer = pages.ask("qa2", "GET", f"/api/v1/logs/records/entries/{index}").json()
    assert (answer["state"], answer["body"], answer["decoded"]) == ("disposed", None, None)
    assert answer["disposed_by"].endswith(f"#{by}")
    assert pages.ask("qa2", "GET", f"/api/v1/logs/records/entries/{index}/retention").json()["disposed"] == by
    found = pages.ask("qa2", "GET", f"/api/v1/logs/records/search?text={MARKER}.reason0").json()
    assert (found["hits"], found["disposed"]) == ([], 4)
    assert "no search finds them" in pages.ask("qa2", "GET", f"/search?text={MARKER}.reason0").text
    for path in ("/", f"/sign?log=records&entries={index}", f"/retention?log=records&index={index}", "/retention"):
        assert pages.ask("qa2", "GET", path).status_code in (200, 409), path


def test_a_hold_is_placed_by_one_and_released_by_another(pages: Pages) -> None:
    form = {"hold": "claim-7", "log": "records", "kind": "batch", "id": OLD, "from": "", "reason": HOSTILE}
    assert pages.ask("elsewhere", "POST", "/holds", **form).status_code == 409
    assert pages.ask("qa1", "POST", "/holds", **form).status_code == 303
    page = pages.ask("qa1", "GET", "/holds").text
    assert HOSTILE not in page
    assert "in force" in page
    assert "not signed yet" in page
    assert 'action="/holds/claim-7/release"' not in page, "who placed it does not release it"
    assert 'action="/holds/claim-7/release"' in pages.ask("qa2", "GET", "/holds").text
    assert "1 are under a legal hold" not in page
    planned = pages.ask("qa2", "POST", "/api/v1/disposals/plan", json={"log": "records"}).json()
    assert (planned["total"], planned["stay"]["hold"]) == (0, 5)
    assert pages.ask("qa1", "POST", "/holds/claim-7/release", reason="settled").status_code == 409
    assert pages.ask("qa1", "POST", "/api/v1/legal-holds/claim-7/lifting", json={"reason": "x"}).status_code == 403
    assert pages.ask("qa2", "POST", "/holds/claim-7/release", reason="settled").status_code == 303
    assert "released by qa2" in pages.ask("qa1", "GET", "/holds").text
    assert pages.ask("qa2", "POST", "/api/v1/disposals/plan", json={"log": "records"}).json()["total"] == 4


def test_copies_elsewhere_are_stated_and_each_disposal_shows_them(pages: Pages) -> None:
    form = {"copy": HOSTILE, "sort": "backup", "where": "vault 1", "days": "90", "reason": "plan 4"}
    assert pages.ask("reviewer1", "POST", "/retention/copies", **form).status_code == 403
    assert pages.ask("qa3", "POST", "/retention/copies", **form | {"days": "soon"}).status_code == 409
    assert pages.ask("qa3", "POST", "/retention/copies", **form | {"expires": "2031-01-31"}).status_code == 409
    assert pages.ask("qa3", "POST", "/retention/copies", **form).status_code == 303
    shown = pages.ask("qa3", "GET", "/retention").text
    assert HOSTILE not in shown
    assert "each copy is gone 90 days after it was made" in shown
    (stated,) = pages.ask("qa1", "GET", "/api/v1/retention/copies").json()
    assert (stated["where"], stated["keeps_days"], stated["stated_by"]) == ("vault 1", 90, "qa3")
    asked = pages.keeping.request()
    page = pages.ask("qa2", "GET", f"/disposals/{asked.disposal}").text
    assert "gone 90 days after the removal" in page
    assert "depends on the day of the removal" in page
    day = {"copy": "nightly", "sort": "backup", "where": "vault 1", "expires": "2031-01-31", "reason": "plan 5"}
    assert pages.ask("qa3", "POST", "/api/v1/retention/copies", json=day).status_code == 201
    gone = {"copy": HOSTILE, "reason": "cleared"}
    assert pages.ask("qa3", "POST", "/retention/copies/gone", **gone).status_code == 303
    assert "Last copy expires on 2031-01-31." in pages.ask("qa2", "GET", f"/disposals/{asked.disposal}").text
    gone = {"copy": "nightly", "reason": "cleared"}
    assert pages.ask("qa3", "POST", "/api/v1/retention/copies/gone", json=gone).status_code == 201
    assert "Nobody stated" in pages.ask("qa2", "GET", f"/disposals/{asked.disposal}").text


def test_a_fact_is_entered_corrected_and_taken_back(pages: Pages) -> None:
    form = {"kind": "batch", "id": "B-9", "event": "certification", "reason": "certificate"}
    assert pages.ask("reviewer1", "POST", "/retention/facts", day="2026-01-31", **form).status_code == 403
    for day in ("2026-01-31", "2026-02-28", ""):
        assert pages.ask("qa1", "POST", "/retention/facts", day=day, **form).status_code == 303
        listed = [
            one["day"]
            for one in pages.ask("qa1", "GET", "/api/v1/retention/facts").json()
            if one["subject"]["id"] == "B-9"
        ]
        assert listed == ([day] if day else [])
    assert pages.ask("qa1", "POST", "/retention/facts", day="2026-02-30", **form).status_code == 409


@pytest.mark.requirement("R37")
def test_a_rule_is_proposed_as_a_change_and_holds_once_that_is_in_effect(pages: Pages) -> None:
    rule: dict[str, Any] = {
        "retention": "batch",
        "terms": [{"event": "certification", "years": 30}],
        "reason": "law",
    }
    address = "/api/v1/retention/rules"
    assert pages.ask("qa1", "POST", address, json=rule).json()["code"] == "change_request_required"
    rule["change_request"] = "CR-0042"
    assert pages.ask("reviewer1", "POST", address, json=rule).status_code == 403
    permanent = pages.ask("qa1", "POST", address, json=rule | {"retention": "permanent"})
    assert (permanent.status_code, permanent.json()["code"]) == (400, "schema_violation")
    answer = pages.ask("qa1", "POST", address, json=rule)
    assert (answer.status_code, answer.json()["state"]) == (202, "proposed")
    shown = pages.ask("qa2", "GET", f"/changes/system/{answer.json()['change']}").text
    assert "CR-0042" in shown
    assert "30 years after" not in pages.ask("qa2", "GET", "/retention").text
    index = pages.keeping.rule(Term(event=RetentionEvent.CERTIFICATION, years=30))
    page = pages.ask("qa2", "GET", "/retention").text
    assert "30 years after" in page
    assert f"set by entry {index} of the system log" in page
    planned = pages.ask("qa2", "POST", "/api/v1/disposals/plan", json={"log": "records"}).json()
    assert planned["total"] == 0, "the longer rule holds from now on"


@pytest.mark.requirement("R04")
def test_no_role_and_no_route_disposes_of_what_is_within_its_retention(pages: Pages) -> None:
    """An approved disposal whose waiting is over, and a fact that has moved since: every route, as every role."""
    keeping = pages.keeping
    asked = keeping.request()
    keeping.approve(asked.disposal)
    keeping.wait()
    keeping.fact(OLD, RetentionEvent.BATCH_EXPIRY, "2038-12-31")
    for other in set(Role) - {Role.INSPECTOR}:
        keeping.staff.person(f"person-{other.value}", other)
    keeping.staff.inspector("person-inspector")
    routes = [
        (method, path.replace("{disposal:str}", asked.disposal))
        for path, handler in declared_routes(pages.client.app)
        for method in sorted(handler.http_methods)
        if method == "POST" and any(word in path for word in ("dispos", "retention", "hold", "erasure"))
    ]
    assert len(routes) > 20
    removals = 0
    for role in Role:
        headers = {"Cookie": f"{COOKIE}={keeping.staff.session(f'person-{role.value}')}", **OWN_PAGE}
        for method, path in routes:
            more: dict[str, Any] = {"json": {"reason": "x"}} if path.startswith("/api/") else {"data": {"reason": "x"}}
            answer = pages.client.request(method, filled(path), headers=headers, follow_redirects=False, **more)
            assert answer.status_code < 500, (path, role)
            if path.endswith("/removal") and answer.status_code < 400:
                removals += 1
                job = keeping.service.jobs.work_next()
                assert job is not None
                assert "is not disposed of" in job.error or "not approved" in job.error
    assert removals >= 1, "somebody may start a removal: it refuses"
    assert None not in keeping.bodies().values()
    with pytest.raises(Conflict):
        keeping.service.disposals.run(asked.disposal, keeping.world.root)
