"""Persons, roles, qualifications, access reviews and documents over HTTP, on either database; a second record log."""

import base64
from typing import Any

import pytest
from litestar.testing import TestClient

from ledger.core.authority import Authority
from ledger.core.clock import utc_text
from ledger.core.errors import ConfigError, Conflict
from ledger.core.source import SourceConfig
from ledger.integrity.kinds import Verdict
from ledger.people.access import Scope
from ledger.people.roles import Role
from ledger.people.sessions import cookie_name
from ledger.service import Service
from tests.api.world import SOURCE, World
from tests.support.application import app_of
from tests.support.ledgers import batch, submission
from tests.support.staff import Staff

pytestmark = pytest.mark.sampled

WHY = {"reason": "for the test"}


class Desk:
    """A security officer in a session of their own, who calls the interface as the pages do."""

    def __init__(self, staff: Staff, client: TestClient[Any]) -> None:
        self.staff = staff
        self.staff.person("officer1", Role.SECURITY_OFFICER)
        self.staff.person("officer2", Role.SECURITY_OFFICER)
        self._client = client
        self._session = self.staff.session("officer1")

    def get(self, path: str, session: str | None = None) -> Any:
        return self._client.get(f"/api/v1/{path}", headers=self._headers(session))

    def post(self, path: str, body: dict[str, Any], session: str | None = None) -> Any:
        return self._client.post(f"/api/v1/{path}", json={**WHY, **body}, headers=self._headers(session))

    def _headers(self, session: str | None) -> dict[str, str]:
        return {"cookie": f"{cookie_name(False)}={session or self._session}", "sec-fetch-site": "same-origin"}


@pytest.mark.requirement("R05", "R12", "R19", "R20", "R21", "R28", "R31", "R38", "R47")
def test_a_person_joins_is_qualified_reviewed_and_leaves_over_http(
    any_world: World, any_client: TestClient[Any]
) -> None:
    desk = Desk(Staff(any_world.service), any_client)
    today = utc_text(any_world.clock.now_us())[:10]
    assert (
        desk.post("persons", {"account": "one", "name": "Person One", "email": "one@plant.example"}).status_code == 201
    )
    again = desk.post("persons", {"account": "one", "name": "Another"})
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    assert desk.post("persons/one/change", {"name": "Person One-Two"}).status_code == 201
    assert desk.post("persons/one/identity", {"how": "passport", "on": today}).status_code == 201
    assert desk.post("persons/officer1/identity", {"how": "passport", "on": today}).status_code == 403
    trained = {"role": "reviewer", "how": "course", "on": today, "until": today}
    assert desk.post("persons/one/training", trained).status_code == 201
    tested = {"credential": "key1", "how": "answers", "on": today, "passed": True}
    assert desk.post("persons/one/devices", tested).status_code == 201
    granted = desk.post("persons/one/roles", {"role": "reviewer", "sites": ["records"]})
    assert granted.status_code == 201, granted.text
    assert desk.post("persons/one/roles", {"role": "operator"}).json()["code"] == "conflict"
    assert desk.post("persons/officer1/roles", {"role": "operator"}).status_code == 403
    assert desk.post("persons/one/roles", {"role": "auditor", "sites": ["nowhere"]}).status_code == 404
    shown = desk.get("persons/one").json()
    assert (shown["name"], [role["role"] for role in shown["roles"]]) == ("Person One-Two", ["reviewer"])
    sorts = [one["sort"] for one in desk.get("persons/one/qualifications").json()]
    assert sorts == ["identity", "training", "device"]
    own = desk.staff.session("one")
    assert desk.get("persons", own).status_code == 403
    lines = desk.get("register", own).json()["lines"]
    assert lines[-1]["role"] == "reviewer"
    csv = desk.get("register/csv", own)
    assert csv.headers["content-type"].startswith("text/csv")
    assert len(csv.text.splitlines()) == len(lines) + 1
    _review(desk)
    assert desk.staff.caller(own).roles == ()
    letter = base64.b64encode(b"%PDF letter").decode()
    put = {
        "document": "letter",
        "title": "Letter",
        "dated": "2026-10-01",
        "media_type": "application/pdf",
        "copy": letter,
    }
    assert desk.post("documents", put).status_code == 201
    assert desk.post("accounts/one/deactivation", {}).status_code == 201
    assert desk.get("persons/one").json()["state"] == "deactivated"
    assert desk.get("persons", own).status_code == 401
    desk.staff.person("auditor1", Role.AUDITOR)
    reader = desk.staff.session("auditor1")
    assert [one["title"] for one in desk.get("documents", reader).json()] == ["Letter"]
    assert desk.get("documents/letter/copy", reader).content == b"%PDF letter"
    assert desk.get("persons/nobody").status_code == 404
    for log in any_world.service.logs.values():
        report = any_world.service.verifier.run(log, full=True, levels=(1, 2))
        assert all(level.verdict is not Verdict.FAILS for level in report.result.levels), report.result


def _review(desk: Desk) -> None:
    """Everyone stays but `one`, in a review that the officer enters."""
    opened = desk.get("access-reviews/open").json()
    decisions = [
        {"account": one["account"], "keep": one["account"] != "one"} for one in opened["lines"] if not one["own"]
    ]
    review = {"system_size": opened["system_size"], "decisions": decisions}
    own = {"account": "officer1", "keep": True}
    assert desk.post("access-reviews", {**review, "decisions": [*decisions, own]}).status_code == 403
    assert desk.post("access-reviews", {**review, "decisions": decisions[1:]}).status_code == 400
    done = desk.post("access-reviews", review)
    assert done.status_code == 201, done.text
    assert desk.post("access-reviews", review).status_code in (400, 409)
    reader = desk.staff.session("one")
    assert desk.get("access-reviews", reader).status_code == 403, "their role went with the review"


@pytest.mark.requirement("R76")
def test_what_an_inspector_saw_can_be_looked_up(world: World, client: TestClient[Any]) -> None:
    desk = Desk(Staff(world.service), client)
    until = utc_text(world.clock.now_us() + 86_400_000_000)
    made = desk.post("persons", {"account": "inspector1", "name": "Inspector", "inspector_until": until})
    assert made.status_code == 201, made.text
    assert desk.post("persons/inspector1/roles", {"role": "inspector"}).json()["expires_at"] == until
    session = desk.staff.session("inspector1")
    for path in ("logs/records/search?text=x", "logs/records/entries/0", "logs/records/entries/0/original"):
        desk.get(path, session)
    seen = desk.get("persons/inspector1/views").json()
    assert [(one["how"], one["address"]) for one in seen] == [
        ("seen", "/api/v1/logs/records/search?text=x"),
        ("seen", "/api/v1/logs/records/entries/0"),
        ("exported", "/api/v1/logs/records/entries/0/original"),
    ]
    assert desk.get(f"persons/inspector1/views?after={seen[0]['index']}&limit=1").json() == seen[1:2]
    late = desk.post("persons", {"account": "late", "name": "Late", "inspector_until": "2099-01-01T00:00:00.000000Z"})
    assert late.status_code == 400


class TestSecondRecordLog:
    """A further site has a record log of its own: keys, origin and rights."""

    def test_it_takes_records_and_whoever_may_read_the_first_sees_nothing_of_it(self, any_world: World) -> None:
        world, staff = any_world, Staff(any_world.service)
        made = world.service.create_record_log("laboratory", world.root)
        made.sources.register(SourceConfig(id="lims", type="test", title="LIMS"), world.root)
        made.ingest.submit(batch([submission(1, "lims")], "lims"), world.root)
        world.service.publisher.publish_all()
        staff.person("here", Role.AUDITOR, sites=["records"])
        staff.person("there", Role.AUDITOR, sites=["laboratory"])
        with TestClient(app_of(world.service)) as client:
            desk = Desk(staff, client)
            for account, log, status in (
                ("here", "records", 200),
                ("here", "laboratory", 403),
                ("there", "records", 403),
                ("there", "laboratory", 200),
            ):
                session = staff.session(account)
                for path in (f"logs/{log}/search", f"logs/{log}/entries/0", f"logs/{log}", f"sources?log={log}"):
                    assert desk.get(path, session).status_code == status, (account, path)
                assert {one["log"] for one in desk.get("logs", session).json()} == {
                    "system", "records" if account == "here" else "laboratory",
                }  # fmt: skip
            found = desk.get("logs/laboratory/search", staff.session("there")).json()
            assert [hit["record"]["source"] for hit in found["hits"]] == ["lims"]
        report = world.service.verifier.run(made.log, full=True, levels=(1, 2, 3))
        assert all(level.verdict is not Verdict.FAILS for level in report.result.levels)
        again = Service(world.folder, world.clock)
        assert again.record_log("laboratory").sources.get("lims").title == "LIMS"
        again.close()

    @pytest.mark.parametrize("name", ["", "Records", "a b", "-x", "x-", "../x", "x" * 64, "ümlaut"])
    def test_a_name_that_cannot_be_one_is_refused(self, world: World, name: str) -> None:
        with pytest.raises(ConfigError):
            world.service.create_record_log(name, world.root)
        assert set(world.service.logs) == {"system", "records"}

    @pytest.mark.parametrize("name", ["system", "records"])
    def test_a_name_that_is_taken_is_refused(self, world: World, name: str) -> None:
        with pytest.raises(Conflict):
            world.service.create_record_log(name, world.root)


def test_a_token_of_a_service_is_not_bound_by_roles_and_reads_its_scope(world: World, client: TestClient[Any]) -> None:
    answer = client.get("/api/v1/register", headers=world.headers(Scope.READ))
    assert answer.status_code == 200
    assert client.get("/api/v1/register/csv", headers=world.headers(Scope.READ)).status_code == 403
    assert client.get(f"/api/v1/sources/{SOURCE}/state", headers=world.headers(Scope.READ)).status_code == 403
    assert isinstance(world.root, Authority)
