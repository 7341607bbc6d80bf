"""Changes of configuration over HTTP: a map row waits for a second person's signature, and then holds."""

from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from collectors.mapping.templates import template
from ledger.core.source import SourceConfig
from ledger.people.sessions import COOKIE
from tests.support.application import app_of, give_back
from tests.support.changing import ENGINEER, Desk
from tests.support.founded import REVIEWER, founded
from tests.support.people import OWN_PAGE
from tests.support.signers import Signer

ROW = {"source": "erp", "account": "op1", "person": "P-1", "valid_from": "2026-01-01T00:00:00Z"}


class Site:
    """A founded plant behind HTTP; `ask` and `send` as one of its people."""

    def __init__(self, desk: Desk, client: TestClient[Any]) -> None:
        self.desk = desk
        self._client = client

    def _headers(self, who: Signer) -> dict[str, str]:
        who.sign_in()
        return {"Cookie": f"{COOKIE}={who.session}", **OWN_PAGE}

    def ask(self, path: str, who: Signer | None = None, **query: Any) -> Any:
        headers = self._headers(who or self.desk.engineer)
        answer = self._client.get(f"/api/v1{path}", params=query, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def send(self, path: str, body: Any, who: Signer | None = None) -> tuple[int, Any]:
        headers = self._headers(who or self.desk.engineer)
        answer = self._client.post(f"/api/v1{path}", json=body, headers=headers)
        return answer.status_code, answer.json()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    plant = founded(tmp_path_factory.mktemp("changes") / "ledger", ENGINEER, REVIEWER)
    app = app_of(plant.service)
    with TestClient(app) as client:
        yield Site(Desk(plant), client)
    give_back(app)
    plant.close()


def person(site: Site, account: str) -> str | None:
    listed = site.ask("/maps/identities", account=account)["identities"]
    return listed[0]["person"] if listed else None


@pytest.mark.requirement("R14", "R37")
def test_a_map_row_is_proposed_shown_signed_and_then_in_effect(site: Site) -> None:
    refused = site.send("/maps/identities", {"entries": [ROW], "reason": "list"})
    assert (refused[0], refused[1]["code"]) == (400, "change_request_required")
    status, made = site.send("/maps/identities", {"entries": [ROW], "reason": "list", "change_request": "CR-0042"})
    assert (status, made["state"], made["altered"]) == (202, "proposed", [])
    assert person(site, "op1") is None
    one = site.ask(f"/changes/{made['change']}")
    assert [(line["kind"], line["old"], line["new"]["person"]) for line in one["lines"]] == [("identity", None, "P-1")]
    assert [needed["meaning"] for needed in one["change"]["sign_off"]["open"]] == ["approved"]
    site.desk.plant.publish()
    site.desk.quality.sign_in()
    address = site.desk.quality.sign(made["index"], action="change").address
    by = {"signature": address, "reason": "looked at"}
    status, entered = site.send(f"/changes/{made['change']}/effect", by)
    assert status == 201
    assert person(site, "op1") == "P-1"
    after = site.ask(f"/changes/{made['change']}")
    assert (after["change"]["state"], after["change"]["first"]) == ("effective", entered["index"] + 1)
    assert after["change"]["signature"] == address
    assert site.ask("/changes", state="effective")["changes"][0]["change"] == made["change"]
    assert site.send(f"/changes/{made['change']}/effect", by)[0] == 409


def test_another_mapping_is_proposed_and_a_text_that_is_none_is_refused(site: Site) -> None:
    site.desk.plant.service.sources.register(SourceConfig(id="qms", type="test", title="QMS"), site.desk.plant.root)
    text = template("redmine-issue-journals").text
    body = {"text": text, "reason": "new release", "change_request": "CR-0044"}
    assert site.send("/sources/qms/mappings", body | {"text": "no mapping"})[0] == 400
    assert site.send("/sources/none/mappings", body)[0] == 404
    status, made = site.send("/sources/qms/mappings", body)
    assert (status, made["state"]) == (202, "proposed")
    (line,) = site.ask(f"/changes/{made['change']}")["lines"]
    assert (line["kind"], line["old"], line["new"]) == ("mapping", None, {"source": "qms", "text": text})


def test_another_class_zone_or_options_of_a_source_are_proposed_and_what_is_not_named_stays(site: Site) -> None:
    config = SourceConfig(id="lims", type="test", title="LIMS", options={"area": "1"}, zone="UTC")
    site.desk.plant.service.sources.register(config, site.desk.plant.root)
    body = {"zone": None, "retention": "trial", "reason": "SOP-3", "change_request": "CR-0045"}
    without = {name: value for name, value in body.items() if name != "change_request"}
    assert site.send("/sources/lims/configuration", without)[1]["code"] == "change_request_required"
    assert site.send("/sources/lims/configuration", body | {"zone": "Nowhere/City"})[0] == 400
    assert site.send("/sources/none/configuration", body)[0] == 404
    status, made = site.send("/sources/lims/configuration", body)
    assert (status, made["state"]) == (202, "proposed")
    (line,) = site.ask(f"/changes/{made['change']}")["lines"]
    differ = {name for name, value in line["new"].items() if line["old"][name] != value}
    assert (line["kind"], differ, line["new"]["retention"]) == ("source", {"zone", "retention"}, "trial")


def test_a_correction_is_shown_beside_what_it_corrects(site: Site) -> None:
    body = {"schema": "parameter/1", "name": "limits", "value": '{"late_s":60}', "reason": "SOP-7"}
    for late, old in (("60", None), ("90", '"late_s":60')):
        entry = {**body, "value": f'{{"late_s":{late}}}'}
        status, made = site.send("/changes", {"change_request": "CR-7", "reason": "SOP-7", "entries": [entry]})
        assert status == 202, made
        (line,) = site.ask(f"/changes/{made['change']}")["lines"]
        assert (line["old"] is None) is (old is None)
        if old is not None:
            assert old in line["old"]["value"]
        site.desk.plant.publish()
        site.desk.quality.sign_in()
        site.desk.quality.sign(made["index"], action="change")
        assert site.desk.quality_service.effects.work()
    status, made = site.send("/parameters", {"name": "limits", "value": {"late_s": 5}, "reason": "no request"})
    assert (status, made["code"]) == (400, "change_request_required")


def test_who_may_not_set_it_neither_proposes_nor_withdraws_it(site: Site) -> None:
    reviewer = site.desk.plant.people[REVIEWER.account]
    entry = {"schema": "parameter/1", "name": "limits", "value": None, "reason": "SOP-7"}
    new = {"change_request": "CR-8", "reason": "SOP-7", "entries": [entry]}
    assert site.send("/changes", new, reviewer)[0] == 403
    status, made = site.send("/changes", new)
    assert status == 202
    why = {"reason": "not so"}
    assert site.send(f"/changes/{made['change']}/withdrawal", why, reviewer)[0] == 403
    assert site.send(f"/changes/{made['change']}/withdrawal", why)[0] == 201
    assert site.send(f"/changes/{made['change']}/withdrawal", why)[0] == 409
    assert site.ask("/changes", reviewer, state="withdrawn", limit=1)["changes"][0]["ended_reason"] == "not so"


@pytest.mark.parametrize(
    "entry",
    [
        {"schema": "record/1"},
        {"schema": "account/2", "account": "x"},
        {"schema": "parameter/1", "name": "limits"},
        {"schema": "parameter/1", "name": "limits", "value": "{}", "reason": "x", "authority": {}},
        {},
    ],
)
def test_what_is_no_configuration_is_refused(site: Site, entry: dict[str, Any]) -> None:
    status, told = site.send("/changes", {"change_request": "CR-9", "reason": "x", "entries": [entry]})
    assert (status, told["code"]) == (400, "schema_violation"), told


def test_a_change_that_is_none_is_not_found(site: Site) -> None:
    assert site.send("/changes/none/effect", {"signature": "a#1", "reason": "x"})[0] == 404
