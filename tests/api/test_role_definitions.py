"""Roles over HTTP and on their page: what each may do, another definition proposed, and refusals that name it."""

from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from ledger.people.sessions import COOKIE
from tests.support.application import app_of, give_back
from tests.support.changing import ENGINEER, Desk, approve
from tests.support.founded import REVIEWER, founded
from tests.support.people import OWN_PAGE
from tests.support.signers import Signer

HOSTILE = '<script>alert("x")</script>'
NARROW = {"role": "reviewer", "scopes": ["read", "review"], "reason": "SOP-12", "change_request": "CR-12"}


class Site:
    """A founded plant with its pages; `ask` as one of its people."""

    def __init__(self, desk: Desk, client: TestClient[Any]) -> None:
        self.desk = desk
        self.officer = desk.plant.officer
        self.reviewer = desk.plant.people[REVIEWER.account]
        self._client = client

    def ask(self, who: Signer, path: str, body: Any = None, **form: str) -> Any:
        who.sign_in()
        headers = {"Cookie": f"{COOKIE}={who.session}", **OWN_PAGE}
        more: dict[str, Any] = {} if body is None else {"json": body}
        more |= {"data": form} if form else {}
        return self._client.request("POST" if more else "GET", path, headers=headers, follow_redirects=False, **more)

    def roles(self, who: Signer) -> dict[str, Any]:
        return {one["role"]: one for one in self.ask(who, "/api/v1/roles").json()}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    plant = founded(tmp_path_factory.mktemp("roles") / "ledger", ENGINEER, REVIEWER)
    app = app_of(plant.service, "UTC")
    with TestClient(app) as client:
        yield Site(Desk(plant), client)
    give_back(app)
    plant.close()


@pytest.mark.requirement("R05", "R10", "R37")
def test_a_definition_is_proposed_signed_in_force_and_named_by_what_it_refuses(site: Site) -> None:
    without = {name: value for name, value in NARROW.items() if name != "change_request"}
    assert site.ask(site.officer, "/api/v1/roles", without).json()["code"] == "change_request_required"
    for scopes in (["read", "review", "admin"], ["review"], []):
        assert site.ask(site.officer, "/api/v1/roles", NARROW | {"scopes": scopes}).status_code == 400, scopes
    assert site.ask(site.reviewer, "/api/v1/roles", NARROW).status_code == 403
    answer = site.ask(site.officer, "/api/v1/roles", NARROW)
    assert (answer.status_code, answer.json()["state"]) == (202, "proposed")
    csv = "/api/v1/logs/records/search/export?format=csv"
    assert site.ask(site.reviewer, csv).status_code == 200
    approve(site.desk.plant, answer.json()["index"])
    one = site.roles(site.reviewer)["reviewer"]
    assert (one["scopes"], one["withheld"]) == (["read", "review"], ["enter", "export"])
    refused = site.ask(site.reviewer, csv)
    assert refused.status_code == 403
    assert f"role reviewer is defined without it, by entry {one['index']} of the system log" in refused.text
    history = site.ask(site.officer, "/api/v1/roles/history?role=reviewer").json()
    assert [(line["index"], line["current"]) for line in history] == [(None, False), (one["index"], True)]
    assert site.ask(site.officer, "/api/v1/roles/history?role=king").status_code == 400


def test_who_proposed_takes_it_back_though_they_read_no_record(site: Site) -> None:
    made = site.ask(site.officer, "/api/v1/roles", NARROW | {"role": "approver", "scopes": ["read", "approve"]}).json()
    address = f"/api/v1/changes/{made['change']}/withdrawal?log=system"
    assert site.ask(site.reviewer, address, {"reason": "not mine"}).status_code == 403
    assert site.ask(site.officer, address, {"reason": "not so"}).status_code == 201


def test_the_page_shows_who_may_what_and_proposes_by_a_plain_form(site: Site) -> None:
    form = {"role": "auditor", "scope-read": "yes", "scope-export": "yes", "request": "CR-13", "reason": HOSTILE}
    assert 'action="/roles"' not in site.ask(site.reviewer, "/roles").text
    assert site.ask(site.reviewer, "/roles", **form).status_code == 403
    shown = site.ask(site.officer, "/roles").text
    assert 'name="scope-export"' in shown
    assert "Nothing is proposed" in shown
    assert "/changes" not in shown, "an officer reads no changes of records"
    assert site.ask(site.officer, "/roles", **form | {"request": ""}).status_code == 409
    assert site.ask(site.officer, "/roles", **form | {"role": "king"}).status_code == 409
    answer = site.ask(site.officer, "/roles", **form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/roles#waiting")
    shown = site.ask(site.reviewer, "/roles").text
    assert "CR-13" in shown
    assert HOSTILE not in shown
    assert "/changes/system/" in shown
    assert "/roles" in site.ask(site.officer, "/notices").text
