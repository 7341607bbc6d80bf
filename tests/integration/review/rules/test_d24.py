"""D24: a batch was released with open items."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from ledger.core.clock import utc_text
from ledger.core.disposition import Deferral, Deviation
from ledger.core.entry import draft
from ledger.core.errors import SchemaViolation
from ledger.core.parameters import Deviations, Limits, ParameterName, Risk, read
from ledger.core.record import Action, Change, Interval, Link, LinkBasis, LinkKind, Submission, Target
from ledger.core.rule_parameters import D24, Pattern
from ledger.core.system_class import SystemClass
from ledger.core.times import Clock
from ledger.review.exceptions.runs import Ran
from ledger.review.reviews.deferrals import NewDeferral
from tests.support.ledgers import (
    AUTHORITY,
    RECORDS,
    START_US,
    Ledger,
    MovableClock,
    new_ledger,
    source_time,
    submission,
)
from tests.support.office import Office as Reviewing
from tests.support.postgres import PgDatabase, chosen_database
from tests.support.ruling import change, collect, connect, found, look, of, put, standing
from tests.support.seeds import SEED

RELEASES = D24(
    released=(Pattern(object_type="release", actions=(Action.APPROVE,)),),
    calibrated=(Pattern(object_type="calibration", attribute="due"),),
    due="due",
    reviewed=False,
    grace_s=60,
)
CLOCK = MovableClock()


def at(number: int) -> str:
    return utc_text(START_US + number * 1_000_000)


def set_up(ledger: Ledger, **rule: Any) -> None:
    """The systems that the rule needs, and its parameters."""
    connect(ledger, erp=SystemClass.ERP, qms=SystemClass.QUALITY_SYSTEM, cmms=SystemClass.MAINTENANCE)
    put(ledger, ParameterName.D24, msgspec.structs.replace(RELEASES, **rule))
    closed = Deviations(object_type="deviation", attribute="state", closed=("closed",))
    put(ledger, ParameterName.DEVIATIONS, closed, source="qms")


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Ledger]:
    CLOCK.at_us = START_US
    ledger = new_ledger(tmp_path / "ledger", clock=CLOCK)
    set_up(ledger)
    yield ledger
    ledger.close()


def linked(**ids: str) -> tuple[Link, ...]:
    return tuple(Link(kind=LinkKind(kind), id=id_, basis=LinkBasis.READ) for kind, id_ in ids.items())


def release(number: int, batch: str = "B-1") -> Submission:
    return submission(number, object=Target(type="release", id=batch), action=Action.APPROVE, changes=(),
                      links=linked(batch=batch))  # fmt: skip


def deviation(number: int, state: str, id_: str = "D-1", batch: str | None = None) -> Submission:
    links = () if batch is None else linked(batch=batch)
    changes = (Change(attribute="state", new=state),)
    return submission(number, "qms", object=Target(type="deviation", id=id_), changes=changes, links=links)


def calibrated(number: int, due: str, asset: str = "R-1") -> Submission:
    changes = (Change(attribute="due", new=due),)
    return submission(number, "cmms", object=Target(type="calibration", id=f"C-{number}"), changes=changes,
                      links=linked(equipment=asset))  # fmt: skip


def used(number: int, action: Action, asset: str = "R-1", batch: str = "B-1") -> Submission:
    return submission(number, object=Target(type="step", id=batch), action=action, changes=(),
                      links=linked(batch=batch, equipment=asset))  # fmt: skip


def collected(ledger: Ledger, *told: Submission, until_s: int = 1_000, **run: Any) -> None:
    """What each system told; `run` is that of the quality system."""
    for source in ("qms", "cmms", "erp"):
        of_it = [one for one in told if one.record.source == source]
        collect(ledger, of_it, until_s, source=source, **(run if source == "qms" else {}))


def test_a_release_before_a_deviation_was_closed_is_found(plant: Ledger) -> None:
    collected(
        plant,
        deviation(10, "open", batch="B-1"),
        release(100),
        deviation(110, "closed"),
        release(120),
        deviation(130, "open"),
        release(140),
        release(150, "B-2"),
    )
    examined = of(look(plant), "D24")
    first, last = found(plant, "D24")
    assert (first.why, len(first.entries), last.why) == ("deviation-open", 2, "deviation-open")
    assert first.detail == f"B-1 was released by entry {first.anchor}: deviation D-1 was not closed"
    assert (examined.examined, examined.clear) == (4, 2)


def test_equipment_that_was_used_after_its_calibration_had_expired_is_found(plant: Ledger) -> None:
    collected(
        plant,
        calibrated(10, at(150)),
        calibrated(20, at(10)[:10], "R-2"),
        calibrated(30, "2026-09-21T23:00:00+00:00", "R-3"),
        *(used(number, action, asset) for asset, *times in (("R-1", 100, 200), ("R-3", 101, 201), ("R-4", 102, 202))
          for number, action in zip(times, (Action.START, Action.STOP), strict=True)),
        used(110, Action.START, "R-1", "B-2"),
        used(140, Action.STOP, "R-1", "B-2"),
        calibrated(210, at(900)),
        release(300),
        release(310, "B-2"),
    )  # fmt: skip
    examined = of(look(plant), "D24")
    (one,) = found(plant, "D24")
    assert (one.why, len(one.entries)) == ("calibration-expired", 2)
    assert one.detail.endswith(": the calibration of R-1 had expired")
    assert examined.clear == 1


class Office(Reviewing):
    """People who review, sign and defer at a site whose releases need a signed review."""

    def __init__(self, folder: Path, postgres: PgDatabase | None, **rule: Any) -> None:
        super().__init__(folder, postgres)
        set_up(self.ledger, **rule)

    def told(self, *told: Submission) -> Ran:
        collected(self.ledger, *told)
        return look(self.ledger)

    def defer(self, key: str, until: int, batch: str = "B-1", sign: str | None = "dora") -> int:
        """The entry of a deferral until that second."""
        new = NewDeferral(
            findings=(key,), batch=batch, scope="packaging goes on", risk="a second system agrees", expires_at=at(until)
        )
        entry = self.service.quality.deferrals.ask(self.log, new, self.people.caller("carla").authority).entry
        if sign is not None:
            self.people.approve(self.log, entry, sign)
        return entry

    def raised(self, number: str, key: str) -> None:
        """A deviation was raised for a finding from here."""
        body = Deviation(findings=(key,), source="qms", number=number, title="written down late", authority=AUTHORITY)
        self.ledger.store.append_one(RECORDS, draft(body))


@pytest.fixture(params=["sqlite", "postgresql"])
def office(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path / "ledger", chosen_database(request), reviewed=False)
    yield made
    made.people.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def reviewing(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Office]:
    """An office at a site where the review has to be signed before the release."""
    made = Office(tmp_path / "ledger", chosen_database(request), reviewed=True)
    yield made
    made.people.close()


LATE = Limits(late_s=60)
"""A record that was written down more than a minute later is a high finding of rule D08."""


def late(number: int, batch: str = "B-1", **members: Any) -> Submission:
    """A record of second `number` that was written down two minutes later."""
    return submission(number, source_recorded_at=source_time(START_US + (number + 120) * 1_000_000), changes=(),
                      links=linked(batch=batch), **members)  # fmt: skip


def found_of(ledger: Ledger) -> dict[str, str]:
    """What D24 found, by the number of the release."""
    with ledger.store.reader(RECORDS) as reader:
        bodies = {one.anchor: msgspec.json.decode(reader.entry(one.anchor).body or b"") for one in found(ledger, "D24")}
    return {bodies[one.anchor]["record"]["source_record_id"]: one.detail for one in found(ledger, "D24")}


@pytest.mark.sampled
def test_a_release_before_the_signature_of_the_review_is_found(reviewing: Office) -> None:
    office = reviewing
    office.at(10)
    office.told(change(1, "50", "51", links=linked(batch="B-1")))
    office.at(100)
    request = office.conclude()
    office.at(200)
    office.told(release(150), release(205))
    assert "the audit trail review of B-1 was not signed before" in found_of(office.ledger)["150"]
    office.at(203)
    office.sign(request)
    office.at(300)
    off = Clock(offset_us=0, uncertainty_us=60_000_000, method="test", measured_at=at(0))
    ran = office.told(
        deviation(1, "closed", batch="B-1"),
        release(160),
        release(250),
        msgspec.structs.replace(release(210), clock=off),
    )
    assert set(found_of(office.ledger)) == {"150", "160", "205"}, "nothing is told here before it happened"
    assert of(ran, "D24").unordered == 1


@pytest.mark.sampled
def test_a_later_review_counts_in_place_of_one_that_was_signed(reviewing: Office) -> None:
    office = reviewing
    office.at(10)
    office.told(change(1, "50", "51", links=linked(batch="B-1")))
    office.sign(office.conclude())
    office.at(100)
    office.told(change(2, "51", "52", links=linked(batch="B-1")))
    request = office.conclude()
    office.at(200)
    office.told(release(50), release(150))
    assert set(found_of(office.ledger)) == {"150"}
    office.sign(request)
    office.at(300)
    office.told(release(250))
    assert set(found_of(office.ledger)) == {"150"}


@pytest.mark.sampled
def test_a_finding_that_nobody_had_judged_is_an_open_item(office: Office) -> None:
    office.at(10)
    office.told(change(1, "50", "51", links=linked(batch="B-1")), change(2, "58", "59", links=linked(batch="B-1")))
    (broken,) = found(office.ledger, "D11")
    office.at(100)
    office.judge(broken.key)
    office.at(300)
    office.told(release(90), release(150))
    assert found_of(office.ledger) == {
        "90": f"B-1 was released by entry {found(office.ledger, 'D24')[0].anchor}: nobody had judged a finding of rule "
        f"D11 on entry {broken.anchor}"
    }


@pytest.mark.sampled
def test_a_deferral_clears_a_finding_once_it_is_signed_and_until_it_ends(office: Office) -> None:
    put(office.ledger, ParameterName.LIMITS, LATE)
    office.at(200)
    office.told(late(1), late(2, "B-2"))
    first, second = (one.key for one in found(office.ledger, "D08"))
    office.at(300)
    office.defer(first, until=600, sign=None)
    own = office.defer(second, until=600, batch="B-2", sign="carla")
    office.at(400)
    office.told(release(350), release(360, "B-2"))
    assert set(found_of(office.ledger)) == {"350", "360"}, "nobody signed it, or only who asked for it"
    office.people.approve(office.log, own, "dora")
    office.defer(first, until=600)
    office.at(700)
    office.told(release(390), release(500), release(510, "B-2"), release(650))
    assert set(found_of(office.ledger)) == {"350", "360", "390", "650"}
    office.defer(first, until=900, batch="B-9")
    office.at(800)
    office.told(release(750))
    assert "750" in found_of(office.ledger), "it was deferred for another batch"


@pytest.mark.sampled
def test_a_deviation_is_deferred_with_the_findings_that_it_was_raised_for(office: Office) -> None:
    put(office.ledger, ParameterName.LIMITS, LATE)
    office.at(200)
    office.told(late(1), late(2), deviation(20, "open", "D-1", "B-1"), deviation(21, "open", "D-2", "B-1"))
    first, second = (one.key for one in found(office.ledger, "D08"))
    office.judge(second)
    office.raised("D-1", first)
    office.defer(first, until=900)
    office.at(400)
    office.told(release(300), release(310, "B-2"))
    (detail,) = found_of(office.ledger).values()
    assert ("deviation D-2" in detail, "deviation D-1" in detail) == (True, False)
    office.raised("D-1", second)
    office.at(600)
    office.told(release(500))
    assert "deviation D-1" in found_of(office.ledger)["500"], "it is of a finding too that was not deferred"


@pytest.mark.sampled
def test_what_is_critical_or_decides_a_release_is_not_deferred(office: Office) -> None:
    put(office.ledger, ParameterName.LIMITS, LATE)
    office.at(200)
    office.told(
        late(1), change(3, "50", "51", links=linked(batch="B-2")), change(4, "58", "59", links=linked(batch="B-2"))
    )
    (high,), (critical,) = found(office.ledger, "D08"), found(office.ledger, "D11")
    office.defer(high.key, until=900)
    # What the service refuses is no deferral either where an entry says so.
    body = Deferral(
        findings=(critical.key,), batch="B-2", scope="goes on", risk="none", expires_at=at(900), authority=AUTHORITY
    )
    office.people.approve(office.log, office.ledger.store.append_one(RECORDS, draft(body)).index, "dora")
    office.at(400)
    office.told(release(300), release(310, "B-2"))
    assert set(found_of(office.ledger)) == {"310"}
    put(office.ledger, ParameterName.RISK, Risk(criticality=3, vulnerability=1, decides_release=True))
    look(office.ledger)
    assert set(found_of(office.ledger)) == {"300", "310"}


def test_a_finding_that_is_entered_later_opens_it_in_the_next_run(plant: Ledger) -> None:
    collected(plant, release(90), change(1, "50", "51", links=linked(batch="B-1")))
    assert of(look(plant), "D24").clear == 1
    collected(plant, change(2, "58", "59", links=linked(batch="B-1")))
    assert (of(look(plant), "D11").opened, standing(plant, "D24")) == (1, set())
    collected(plant)
    assert of(look(plant), "D24").opened == 1


def test_what_comes_late_opens_it_and_closes_it(plant: Ledger) -> None:
    collected(plant, release(100))
    assert of(look(plant), "D24").clear == 1
    collected(plant, deviation(10, "open", batch="B-1"))
    assert of(look(plant), "D24").opened == 1
    collected(plant, deviation(20, "closed"))
    assert (of(look(plant), "D24").closed, standing(plant, "D24")) == (1, set())
    collected(plant, calibrated(30, at(40)), used(50, Action.START), used(60, Action.STOP))
    assert of(look(plant), "D24").opened == 1


def test_it_waits_for_the_other_systems_and_where_one_was_away_it_cannot_be_said(plant: Ledger) -> None:
    collected(plant, deviation(10, "open", batch="B-1"), release(100), until_s=150)
    assert (of(look(plant), "D24").pending, standing(plant, "D24")) == (1, set())
    away = Interval(after=at(290), before=at(310))
    collected(plant, release(250, "B-2"), calibrated(20, "soon", "R-9"), used(30, Action.START, "R-9", "B-3"),
              release(500, "B-3"), unreachable=(away,))  # fmt: skip
    examined = of(look(plant), "D24")
    assert [(one.input, one.records) for one in examined.lacking] == [("due-date", 1), ("time-of-qms", 1)]
    assert examined.opened == 1


def test_clocks_that_overlap_put_nothing_in_order(plant: Ledger) -> None:
    off = Clock(offset_us=0, uncertainty_us=30_000_000, method="test", measured_at=at(0))
    told = [deviation(80, "closed"), deviation(180, "open", "D-2", "B-2"), deviation(170, "closed", "D-3", "B-2")]
    other = (Change(attribute="title", new="leak"),)
    told.append(
        submission(310, "qms", object=Target(type="deviation", id="D-4"), changes=other, links=linked(batch="B-3"))
    )
    late = [msgspec.structs.replace(one, clock=off) for one in told]
    releases = [release(100), release(200, "B-2"), release(300, "B-3")]
    collected(plant, deviation(10, "open", batch="B-1"), *releases, *late)
    assert (of(look(plant), "D24").unordered, standing(plant, "D24")) == (3, set())


def test_what_is_lacking_is_named(plant: Ledger) -> None:
    nameless = submission(1, object=Target(type="release", id="B"), action=Action.APPROVE, changes=(), links=())
    collected(plant, nameless)
    assert [(one.input, one.records) for one in of(look(plant), "D24").lacking] == [("link-batch", 1)]
    connect(plant, sap=SystemClass.ERP)
    collect(plant, [submission(2, "sap", action=Action.APPROVE)], source="sap")
    assert [(one.input, one.records) for one in of(look(plant), "D24").lacking] == [("d24", 1), ("link-batch", 1)]
    with pytest.raises(SchemaViolation, match="give both, or neither"):
        read(ParameterName.D24, '{"released":[{"object_type":"release"}],"due":"due"}')


@pytest.mark.parametrize("order", range(2))
def test_the_same_is_found_in_any_order_of_arrival(plant: Ledger, order: int) -> None:
    told = [release(number) for number in range(100, 600, 50)] + [release(620, "B-2")]
    told += [
        deviation(80, "open", batch="B-1"),
        deviation(210, "closed"),
        deviation(320, "open"),
        deviation(480, "closed"),
    ]
    told += [calibrated(30, at(550)), used(540, Action.START, batch="B-2"), used(560, Action.STOP, batch="B-2")]
    Random(f"{SEED}:{order}").shuffle(told)
    for start in range(0, len(told), 4):
        collected(plant, *told[start : start + 4])
        look(plant)
    with plant.store.reader(1) as reader:
        keys = standing(plant, "D24")
        bodies = [reader.entry(one.anchor).body or b"" for one in found(plant, "D24") if one.key in keys]
    numbers = {int(msgspec.json.decode(body)["record"]["source_record_id"]) for body in bodies}
    assert numbers == {100, 150, 200, 350, 400, 450, 620}
    assert len(standing(plant, "D24")) == len(numbers)
