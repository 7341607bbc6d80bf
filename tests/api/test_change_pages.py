"""The pages of changes: a proposal is read line by line, signed, brought into effect; nobody does it alone."""

from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from collectors.mapping.templates import template
from ledger.core.retention import RetentionClass
from ledger.core.source import SourceConfig
from ledger.people.sessions import COOKIE
from tests.support.application import app_of, give_back
from tests.support.changing import ENGINEER, Desk, account, approve
from tests.support.founded import REVIEWER, founded
from tests.support.people import OWN_PAGE
from tests.support.signers import Signer

HOSTILE = '<script>alert("x")</script>'


class Pages:
    """A founded plant with its pages."""

    def __init__(self, desk: Desk, client: TestClient[Any]) -> None:
        self.desk = desk
        self._client = client

    def ask(self, who: Signer, path: str, file: bytes | None = None, /, **form: str) -> Any:
        who.sign_in()
        headers = {"Cookie": f"{COOKIE}={who.session}", **OWN_PAGE}
        method = "POST" if form else "GET"
        files = None if file is None else {"file": ("mapping.toml", file)}
        more: dict[str, Any] = {"data": form or None, "files": files, "headers": headers}
        return self._client.request(method, path, follow_redirects=False, **more)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    plant = founded(tmp_path_factory.mktemp("changes") / "ledger", ENGINEER, REVIEWER)
    app = app_of(plant.service, "UTC")
    with TestClient(app) as client:
        yield Pages(Desk(plant), client)
    give_back(app)
    plant.close()


@pytest.mark.requirement("R14", "R37")
def test_a_proposal_is_read_signed_and_brought_into_effect(pages: Pages) -> None:
    desk = pages.desk
    assert "No such change has been proposed" in pages.ask(desk.engineer, "/changes").text
    proposed = desk.propose(account("op1", HOSTILE), account("op2", "P-2"))
    place = f"/changes/records/{proposed.change}"
    listed = pages.ask(desk.quality, "/changes?state=proposed").text
    assert place in listed
    assert "2 × identity" in listed
    assert "waits to be signed" in listed
    assert place not in pages.ask(desk.quality, "/changes?state=effective").text
    own = pages.ask(desk.engineer, place).text
    assert HOSTILE not in own
    assert "Sign the proposal" not in own, "who proposed it signs nothing"
    assert f"{place}/withdrawal" in own
    shown = pages.ask(desk.quality, place).text
    assert f"/sign?log=records&amp;entries={proposed.index}" in shown
    assert f"{place}/withdrawal" not in shown, "an approver configures nothing"
    signing = pages.ask(desk.quality, f"/sign?log=records&entries={proposed.index}").text
    assert "I looked at what this change sets" in signing
    signature = desk.sign(proposed)
    wrong = pages.ask(desk.engineer, f"{place}/effect", signature="elsewhere.example/log#1", reason="so")
    assert wrong.status_code == 409
    assert "is no signature of this ledger" in wrong.text
    assert f'value="{signature}"' in pages.ask(desk.engineer, place).text
    done = pages.ask(desk.engineer, f"{place}/effect", signature=signature, reason="signed")
    assert (done.status_code, done.headers["location"]) == (303, place)
    after = pages.ask(desk.engineer, place).text
    assert "in effect" in after
    assert "/signatures/" in after
    assert "Refused attempts" in after


def test_a_correction_stands_beside_what_it_corrects_and_a_long_change_has_pages(pages: Pages) -> None:
    desk = pages.desk
    desk.change(account("op10", "P-1"))
    proposed = desk.propose(account("op10", "P-2"), *(account(f"many{one}", "P-1") for one in range(60)))
    place = f"/changes/records/{proposed.change}"
    first = pages.ask(desk.quality, place).text
    assert "<del>P-1</del>" in first
    assert 'class="new">P-2</bdi>' in first
    assert "many59" not in first
    assert "many59" in pages.ask(desk.quality, f"{place}?from=50").text
    withdrawn = pages.ask(desk.engineer, f"{place}/withdrawal", reason="wrong list")
    assert withdrawn.status_code == 303
    assert "wrong list" in pages.ask(desk.engineer, place).text
    assert pages.ask(desk.engineer, f"{place}/withdrawal", reason="again").status_code == 409


@pytest.mark.requirement("R14", "R37")
def test_a_rule_of_retention_is_proposed_by_a_plain_form(pages: Pages) -> None:
    desk = pages.desk
    form = {"retention": "trial", "period-0": "25y", "event-0": "trial-end", "request": "CR-20", "reason": HOSTILE}
    form |= {"period-1": "1y6m", "event-1": "certification", "period-2": "", "event-2": ""}
    assert 'action="/retention/rules"' in pages.ask(desk.quality, "/retention").text
    assert 'action="/retention/rules"' not in pages.ask(desk.engineer, "/retention").text
    assert pages.ask(desk.engineer, "/retention/rules", **form).status_code == 403
    for wrong in ({"period-0": "soon"}, {"event-1": ""}, {"request": ""}, {"retention": "permanent"}, {"reason": ""}):
        assert pages.ask(desk.quality, "/retention/rules", **form | wrong).status_code == 409, wrong
    answer = pages.ask(desk.quality, "/retention/rules", **form)
    assert answer.status_code == 303
    shown = pages.ask(desk.quality, answer.headers["location"]).text
    assert HOSTILE not in shown
    assert "CR-20" in shown
    assert all(part in shown for part in ("trial-end", "25", "certification"))


@pytest.mark.requirement("R14", "R37")
def test_another_mapping_and_configuration_of_a_source_are_proposed_by_plain_forms(pages: Pages) -> None:
    desk, long = pages.desk, "SELECT *\nFROM audit " + "x" * 300
    config = SourceConfig(id="qms", type="rest", title="QMS", options={"query": long, "url": "http://a"}, zone="UTC")
    desk.plant.service.sources.register(config, desk.plant.root)
    assert 'action="/sources' not in pages.ask(desk.quality, "/sources/records/qms").text
    shown = pages.ask(desk.engineer, "/sources/records/qms").text
    assert "redmine-issue-journals</option>" in shown
    form = {"request": "CR-21", "reason": "release 5"}
    place = "/sources/records/qms/mapping"
    assert pages.ask(desk.quality, place, **form, template="redmine-issue-journals").status_code == 403
    wrongs: tuple[dict[str, str], ...]
    wrongs = ({}, {"template": "none"}, {"template": "redmine-issue-journals", "request": ""})
    for wrong in wrongs:
        assert pages.ask(desk.engineer, place, **form | wrong).status_code == 409, wrong
    answer = pages.ask(desk.engineer, place, **form, template="redmine-issue-journals")
    assert "redmine-issue-journals" in pages.ask(desk.quality, answer.headers["location"]).text
    own = template("redmine-issue-journals").text.replace("Redmine", "Our Redmine")
    assert pages.ask(desk.engineer, place, own.encode("utf-16"), **form).status_code == 409
    answer = pages.ask(desk.engineer, place, own.encode(), **form, template="")
    assert "Our Redmine" in pages.ask(desk.quality, answer.headers["location"]).text
    place = "/sources/records/qms/configuration"
    form |= {"options": "url=http://b\npages=9", "seal": "actor.name\nreason", "zone": "", "retention": "trial"}
    wrongs = ({"options": "url"}, {"zone": "Nowhere/City"}, {"seal": "everything"}, {"retention": "none"})
    for wrong in wrongs:
        assert pages.ask(desk.engineer, place, **form | wrong).status_code == 409, wrong
    same = {"options": "", "seal": "actor.name", "zone": "UTC", "retention": "batch"}
    assert "configured so already" in pages.ask(desk.engineer, place, **form | same).text
    answer = pages.ask(desk.engineer, place, **form)
    change = answer.headers["location"].rpartition("/")[2]
    approve(desk.plant, desk.quality_service.proposals.get(desk.log, change).index, "records")
    now = desk.plant.service.sources.get("qms")
    assert now.options == {"query": long, "url": "http://b", "pages": "9"}, "what is not named stays as it is"
    assert (now.zone, now.retention, now.seal) == (None, RetentionClass.TRIAL, ("actor.name", "reason"))


def test_what_is_not_there_is_said_and_who_reads_nothing_sees_nothing(pages: Pages) -> None:
    desk, reviewer = pages.desk, pages.desk.plant.people[REVIEWER.account]
    for path in ("/changes/nowhere", "/changes/records/none", "/changes/system/none"):
        assert pages.ask(reviewer, path).status_code == 404, path
    assert pages.ask(desk.plant.officer, "/changes/records").status_code == 403
    assert "/changes" in pages.ask(reviewer, "/notices").text
    assert "old beside new" in pages.ask(reviewer, "/help/configuration").text
    proposed = desk.propose(account("op20", "P-1"))
    refused = pages.ask(reviewer, f"/changes/records/{proposed.change}/withdrawal", reason="not mine")
    assert refused.status_code == 409
    assert "holds no grant" in refused.text
