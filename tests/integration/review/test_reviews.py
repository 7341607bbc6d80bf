"""A whole review over HTTP, with a real quality system, real signatures, and what the MES is answered at each stage."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest

from collectors.demo.process import free_port
from collectors.mapping.templates import template
from collectors.registry import collector_type
from collectors.runner import Runner
from ledger.core.clock import SystemClock, utc_text
from ledger.core.hashing import b64
from ledger.core.parameters import Deviations, ParameterName, Profile, Risk, Value, written
from ledger.core.record import Change, Submission
from ledger.core.review import drawn
from ledger.core.source import SourceConfig
from ledger.core.statement import open_report
from ledger.findings.incident_kinds import Cause
from ledger.people.sessions import COOKIE
from ledger.review.reviews.quality_system import QualitySystem
from ledger.review.reviews.raising import Raising
from ledger.sources.life_kinds import Criticality, SystemListed, Trail
from ledger.sources.parameter_kinds import Parameter
from tests.support.changing import ENGINEER, NOBODY, Desk, approve
from tests.support.founded import APPROVER, REVIEWER, founded
from tests.support.ledgers import AUTHORITY, START_US, batch, submission
from tests.support.people import OWN_PAGE
from tests.support.redmine.server import Engineer, RedmineServer
from tests.support.signers import Signer
from tests.support.signing_site import PEER, Site
from tests.support.trying import Trial, cases

BATCH = "B-2026-00042"
PRODUCT = "Tablet 5 mg"
WHY = "the controller was restored from a backup in the night"
CLOSED = "5"
LOG = "/api/v1/logs/records"


class Plant(Site):
    """A site whose MES is collected, and that says how its reviews are made."""

    def __init__(self, folder: Path) -> None:
        super().__init__(founded(folder, REVIEWER, APPROVER, ENGINEER))
        self.service = self.plant.service
        self.log = self.service.record_log()
        self.sources("mes", "lab")
        self.log.systems.put(system("MES", "mes"))
        self.log.systems.put(system("LAB", "lab"))
        self.log.systems.put(system("DOORS", None))
        self.desk = Desk(self.plant)
        self.desk.change(
            parameter(ParameterName.PROFILE, Profile(old=True, new=True, reason=True), "mes"),
            parameter(ParameterName.RISK, Risk(criticality=1, vulnerability=2), "mes"),
            parameter(
                ParameterName.DEVIATIONS,
                Deviations(object_type="issue", attribute="status_id", closed=(CLOSED,)),
                "qms",
            ),
        )
        self.number = 0

    def sources(self, *names: str) -> None:
        for name in names:
            self.service.sources.register(SourceConfig(id=name, type="test", title=name.upper()), AUTHORITY)

    def collect(self, *changes: Change, source: str = "mes", **members: Any) -> list[int]:
        """Records of the batch, one a change, and what the rules make of them."""
        told: list[Submission] = []
        for one in changes:
            self.number += 1
            told.append(submission(self.number, source, changes=(one,), **members))
        ended = utc_text(START_US + 1_000_000 * (self.number + 60))
        outcomes = self.service.ingest.submit(batch(told, source, ended_at=ended), AUTHORITY).outcomes
        self.look()
        return [one.index for one in outcomes]

    def look(self) -> None:
        self.service.quality.rules.run(self.log.log, AUTHORITY)
        self.plant.publish()

    def ask(self, who: Signer, method: str, path: str, status: int, body: Any = None, **query: Any) -> Any:
        headers = {"Cookie": f"{COOKIE}={who.session}", **OWN_PAGE}
        answer = self.client.request(method, f"{LOG}{path}", headers=headers, json=body, params=query)
        assert answer.status_code == status, answer.text
        return answer.json()

    def configure(self, path: str, status: int = 202, **body: Any) -> Any:
        """What the approver sets, once quality signed that."""
        made = self.ask(
            self.approver, "POST", path, status, {"reason": "as the SOP says", "change_request": "CR-0042", **body}
        )
        if status == 202:
            approve(self.plant, made["index"], "records")
        return made

    def answered(self) -> tuple[str, list[str]]:
        """What an MES is told of the batch: it is signed, and kept."""
        given = self.ask(self.reviewer, "GET", "/reviews/answer", 200, batch=BATCH)
        log = self.log.log
        key = self.service.keys.report_signer(log.name, log.origin).verifier
        assert open_report(given["note"].encode(), log.origin, key) == given["statement"]
        with self.service.store.reader(log.number) as reader:
            kept = msgspec.json.decode(reader.entry(given["entry"]).body or b"")
        said = given["statement"]
        assert kept["sha256"] == b64(sha256(given["note"].encode()).digest())
        assert (kept["state"], kept["batch"]) == (said["state"], BATCH)
        return said["state"], [one["code"] for one in said["reasons"]]

    def findings(self, rule: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask(self.reviewer, "GET", "/rules/findings", 200, rule=rule)["findings"]
        return found

    def close(self) -> None:
        self.client.__exit__(None, None, None)
        self.plant.close()


def parameter(name: ParameterName, value: Value, source: str) -> Parameter:
    return Parameter(name=name, source=source, type=None, value=written(value), reason="CR-0042", authority=NOBODY)


def system(name: str, source: str | None) -> SystemListed:
    return SystemListed(
        system=name, title=name, system_class="mes", owner="production", criticality=Criticality.HIGH, trail=Trail.ON,
        source=source, reviewed=None, why=None, retired=False, reason="as it stands there", authority=AUTHORITY,
    )  # fmt: skip


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Plant]:
    made = Plant(tmp_path / "ledger")
    yield made
    made.close()


@pytest.fixture(scope="module")
def redmine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedmineServer]:
    server = RedmineServer(tmp_path_factory.mktemp("redmine"))
    server.start()
    yield server
    server.stop()


class QualityOffice:
    """Redmine: deviations are raised in it from the site, worked on by an engineer, and collected."""

    def __init__(self, site: Plant, server: RedmineServer) -> None:
        self._site, self.server = site, server
        self.engineer = Engineer(server)
        key = site.service.folder / "redmine.key"
        key.write_text(f"{server.keys['engineer']}\n", encoding="utf-8")
        service = site.service
        self._named = QualitySystem(url=server.url, project="line1", source="qms", key_file=key.name)
        self.named()
        self._config = SourceConfig(
            id="qms",
            type="rest",
            title="QMS",
            options={"url": server.url},
            mapping=template("redmine-issue-journals").text,
        )
        service.sources.register(self._config, AUTHORITY)

    def collect(self) -> None:
        made = collector_type("rest")(self._config, {"password": self.server.keys["collector"]}, SystemClock())
        Runner(made, self._site.log.sink(AUTHORITY), SystemClock()).pull()

    def named(self, **other: Any) -> None:
        """The settings name another server, or another key."""
        named = msgspec.structs.replace(self._named, **other)
        service = self._site.service
        service.raising = Raising(service.store, service.quality.parameters, service.folder, named)


def value(old: str, new: str) -> Change:
    return Change(attribute="Value", old=old, new=new)


@pytest.mark.timeout(300)
@pytest.mark.requirement("R63", "R73", "R77")
def test_a_whole_review_and_what_the_mes_is_answered_at_each_stage(site: Plant, redmine: RedmineServer) -> None:
    office = QualityOffice(site, redmine)
    reviewer, second, approver = site.reviewer, site.second, site.approver
    assert site.answered() == ("unknown", ["no-records"])
    site.configure("/contributing-lists", product=PRODUCT, systems=["MES", "LAB", "DOORS"])
    samples = [{"from_risk": 1, "records": 2}, {"from_risk": 6, "records": 50}]
    plan: dict[str, Any] = {
        "plan": "batch",
        "title": "Batch",
        "scope": "batch",
        "product": PRODUCT,
        "route": "two",
        "samples": samples,
    }
    site.configure("/review-plans", **plan)
    silent = site.collect(value("1", "2"), value("2", "3"), value("3", "4"), value("4", "5"))
    (broken,) = site.collect(value("9", "6"))
    (bare,) = site.collect(value("6", "7"), reason=None)
    assert site.answered() == (
        "open",
        [
            "no-review",
        ],
    )

    # Plan → population, with a sample of what nothing was found about.
    asked = {"plan": "batch", "batch": BATCH, "reason": "the batch is done"}
    whole = site.ask(reviewer, "POST", "/reviews", 201, asked)
    assert (whole["left"], "carried_by" in whole["population"]) == (silent[:3], False), "no rule is validated yet"
    (validated,) = Trial(site.desk, *cases("mes")).validate()
    review = site.ask(reviewer, "POST", "/reviews", 201, asked)
    path = f"/reviews/{review['review']}"
    population = review["population"]
    assert population["records"] == 6
    (stratum,) = population["strata"]
    assert population["carried_by"] == [{"rule": "D11", "version": 1, "entry": validated}]
    assert (stratum["source"], stratum["risk"], stratum["unflagged"], stratum["drawn"]) == ("mes", 2, 3, 2)
    shown = site.ask(reviewer, "GET", path, 200)
    assert shown["sample"] == drawn(population["seed"], silent[:3], 2), "anybody who has the seed draws the same"
    assert review["left"] == shown["sample"]
    by_rule = {one["finding"]["rule"]: one["finding"] for one in shown["findings"]}
    assert {rule: one["anchor"] for rule, one in by_rule.items()} == {"D11": broken, "D10": bare}
    critical, minor = by_rule["D11"]["key"], by_rule["D10"]["key"]
    assert site.answered() == ("open", ["not-concluded", "finding-open", "finding-open"])

    # Findings: one is confirmed, and a deviation raised for it; the other is deferred.
    conclude = {"reason": "everything was looked at and decided"}
    early = site.ask(reviewer, "POST", f"{path}/conclusion", 409, conclude)
    assert "nobody has judged or deferred" in early["detail"]
    judgement = {"findings": [critical], "judgement": "confirmed", "reason": WHY, "case": "restored controller"}
    site.ask(reviewer, "POST", "/dispositions", 201, judgement)
    assert "no-deviation" in site.answered()[1]
    deviation = {"findings": [critical], "title": "Set point changed unseen", "description": WHY}
    made = site.ask(reviewer, "POST", "/deviations", 201, deviation)
    number = made["deviation"]["number"]
    assert office.engineer.journals(int(number)) == [], "the issue is there, in Redmine itself"
    again = site.ask(reviewer, "POST", "/deviations", 409, deviation)
    assert f"deviation {number} was raised" in again["detail"]
    office.collect()
    site.look()
    codes = site.answered()[1]
    assert ("deviation-open" in codes, "no-deviation" in codes) == (True, False)
    until = utc_text(site.plant.clock.now_us() + 30 * 86_400 * 1_000_000)
    wait = {"batch": BATCH, "product": PRODUCT, "expires_at": until, "scope": "the batch goes on to packaging"}
    wait["risk"] = "a second system recorded the same value"
    refused = site.ask(reviewer, "POST", "/deferrals", 400, {**wait, "findings": [critical]})
    assert "is critical: it cannot be deferred" in refused["detail"]
    deferral = site.ask(reviewer, "POST", "/deferrals", 201, {**wait, "findings": [minor]})
    assert (deferral["in_force"], deferral["signed"]["open"][0]["meaning"]) == (False, "approved")
    assert "nobody has judged or deferred" in site.ask(reviewer, "POST", f"{path}/conclusion", 409, conclude)["detail"]
    site.plant.publish()
    approver.sign_in()
    approver.sign(deferral["entry"], action="review")
    listed = site.ask(reviewer, "GET", "/deferrals", 200, product=PRODUCT)
    assert [one["in_force"] for one in listed["deferrals"]] == [True]
    assert listed["in_force"] == [{"product": PRODUCT, "findings": 1}]

    # The sample, and systems that told nothing.
    assert (
        "of its sample nobody has looked at"
        in site.ask(reviewer, "POST", f"{path}/conclusion", 409, conclude)["detail"]
    )
    looked = {"entries": shown["sample"], "reason": "compared with the paper of the batch"}
    site.ask(reviewer, "POST", f"{path}/looks", 201, looked)
    assert "LAB, DOORS contributed nothing" in site.ask(reviewer, "POST", f"{path}/conclusion", 409, conclude)["detail"]
    for name in ("LAB", "DOORS"):
        said = {"system": name, "reason": "this route has no such step"}
        site.ask(reviewer, "POST", f"{path}/reasons", 201, said)

    # Conclusion and signatures.
    done = site.ask(reviewer, "POST", f"{path}/conclusion", 201, conclude)
    again = site.ask(reviewer, "POST", f"{path}/conclusion", 409, conclude)
    assert f"was concluded by entry {done['concluded']}" in again["detail"]
    outcome = done["outcome"]
    assert (outcome["findings"], outcome["confirmed"], outcome["deferred"]) == (2, 1, 1)
    assert [(one["system"], one["state"]) for one in outcome["systems"]] == [
        ("MES", "contributed"), ("LAB", "silent"), ("DOORS", "not-connected"),
    ]  # fmt: skip
    counts = {one["rule"]: (one["examined"], one["clear"], one["findings"]) for one in outcome["rules"]}
    assert (counts["D11"], counts["D10"]) == ((6, 5, 1), (6, 5, 1))
    assert outcome["validated"] == ["D11"], "the only rule that was tried on this site's own cases"
    assert {one["source"] for one in outcome["watermarks"]} == {"mes", "qms"}
    assert site.answered() == ("open", ["not-signed", "deviation-open"])
    (request,) = site.ask(reviewer, "GET", path, 200)["requests"]
    site.plant.publish()
    for who, step in ((reviewer, "review"), (approver, "approve")):
        who.sign_in(PEER)
        signed = site.sign(who, request["request"], step)
        assert signed.status_code == 201, signed.text
    assert site.answered() == ("open", ["deviation-open"])

    # The quality system closes the deviation: its status is read back by the collector.
    office.engineer.change(int(number), status_id=2)
    office.collect()
    site.look()
    assert site.answered() == ("open", ["deviation-open"])
    office.engineer.change(int(number), status_id=int(CLOSED), notes="the backup is documented")
    office.collect()
    site.look()
    assert site.answered() == ("deferred", ["deferred"])
    site.ask(second, "POST", "/dispositions", 201, {"findings": [minor], "judgement": "explained", "reason": WHY})
    assert site.answered() == ("complete", [])

    # What comes later opens it again; what is doubted is unknown.
    compromises = site.service.compromises
    since = utc_text(START_US - 1)
    case = compromises.report(Cause.SOURCE, "mes", since, "its administrator had the key", reviewer.caller.authority)
    approver.sign_in()
    compromises.open(case.case, "seen in its log", approver.caller.authority)
    assert site.answered() == ("unknown", ["incident"])
    resting = site.service.cases.impact(site.service.cases.get(case.case), {site.log.log.origin}, limit=1000).artefacts
    assert review["review"] in {one.id for one in resting if one.sort == "review"}
    assert sum(one.sort == "review-answer" for one in resting) > 5
    assert site.service.verifier.run(site.log.log, full=True).holds


@pytest.mark.timeout(300)
def test_a_deviation_that_was_not_raised_is_not_entered(site: Plant, redmine: RedmineServer) -> None:
    office = QualityOffice(site, redmine)
    site.collect(value("1", "2"), value("9", "3"))
    (found,) = site.findings("D11")
    asked = {"findings": [found["key"]], "title": "Set point changed unseen", "description": WHY}
    wrong = site.service.folder / "wrong.key"
    wrong.write_text("0" * 40, encoding="utf-8")
    site.service.raising = Raising(site.service.store, site.service.quality.parameters, site.service.folder, None)
    assert "no quality system is set" in site.ask(site.reviewer, "POST", "/deviations", 503, asked)["detail"]
    for said, other in (
        ("it answered 401", {"key_file": wrong.name}),
        ("it answered 4", {"project": "no-such-project"}),
        ("does not answer", {"url": f"http://127.0.0.1:{free_port()}"}),
        ("deviations.key_file cannot be read", {"key_file": "none.key"}),
    ):
        office.named(**other)
        refused = site.ask(site.reviewer, "POST", "/deviations", 503, asked)
        assert said in refused["detail"], refused
        assert "0" * 40 not in str(refused)
    assert site.ask(site.reviewer, "GET", "/deviations", 200) == []
    office.named()
    made = site.ask(site.reviewer, "POST", "/deviations", 201, asked)
    assert [one["entry"] for one in site.ask(site.reviewer, "GET", "/deviations", 200)] == [made["entry"]]
