"""D01: an audit trail was switched off, or on only shortly before an inspection, or its source fell silent."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from ledger.core.clock import utc_text
from ledger.core.errors import SchemaViolation
from ledger.core.parameters import ParameterName, read, written
from ledger.core.record import Action, Change, Interval, Link, LinkBasis, LinkKind, Submission, Target
from ledger.core.rule_parameters import D01, Pattern, Scope
from ledger.core.system_class import SystemClass
from ledger.core.times import Clock
from ledger.sources.parameter_kinds import Parameter
from tests.support.ledgers import AUTHORITY, RECORDS, SOURCE, START_US, Ledger, new_ledger, submission
from tests.support.ruling import collect, connect, found, look, of, put, standing
from tests.support.seeds import SEED


def at(number: int) -> str:
    return utc_text(START_US + number * 1_000_000)


SETTINGS = D01(
    off=(Pattern(object_type="setting", attribute="audit", values=("off",)),),
    on=(Pattern(object_type="setting", attribute="audit", values=("on",)),),
    inspections=(at(500),),
    shortly_s=100,
    approved=(Pattern(object_type="change", attribute="state", values=("approved",)),),
    ended=(Pattern(object_type="change", attribute="state", values=("closed",)),),
    scope=Scope(object_id="system", valid_from="from", valid_to="to"),
    grace_s=60,
)
WATCHED = msgspec.structs.replace(SETTINGS, silent_s=60, activity=(Pattern(object_type="phase"),))


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Ledger]:
    ledger = new_ledger(tmp_path / "ledger")
    connect(ledger, erp=SystemClass.MES, plc=SystemClass.PLC, qms=SystemClass.QUALITY_SYSTEM)
    put(ledger, ParameterName.D01, SETTINGS)
    yield ledger
    ledger.close()


def audit(number: int, value: str, *requests: str) -> Submission:
    links = tuple(Link(kind=LinkKind.CHANGE_REQUEST, id=one, basis=LinkBasis.READ) for one in requests)
    changes = (Change(attribute="audit", new=value),)
    return submission(number, object=Target(type="setting", id="S"), changes=changes, links=links)


def said(number: int) -> Submission:
    return submission(number, changes=(), links=())


def phase(number: int) -> Submission:
    return submission(number, "plc", object=Target(type="phase", id="P"), changes=(), links=())


def request(number: int, id_: str, **told: str) -> Submission:
    changes = tuple(Change(attribute=name, new=value) for name, value in told.items())
    return submission(number, "qms", object=Target(type="change", id=id_), changes=changes, links=())


def collected(ledger: Ledger, *told: Submission, until_s: int = 1_000, **run: Any) -> None:
    """What each system told; `run` is that of all but the one that is looked at."""
    for source in ("qms", "plc", "erp"):
        of_it = [one for one in told if one.record.source == source]
        collect(ledger, of_it, until_s, source=source, **({} if source == "erp" else run))


def test_logging_that_is_switched_off_or_on_only_before_an_inspection_is_found(plant: Ledger) -> None:
    collected(plant, audit(100, "off"), audit(399, "on"), audit(401, "on"), audit(501, "on"))
    examined = of(look(plant), "D01")
    assert [one.why for one in found(plant, "D01")] == ["logging-off", "on-before-inspection"]
    assert found(plant, "D01")[0].detail.startswith("S: the audit trail was switched off or narrowed by entry")
    assert (examined.examined, examined.clear) == (4, 2)


def test_a_source_that_is_silent_while_the_process_goes_on_is_found_by_its_last_word(plant: Ledger) -> None:
    put(plant, ParameterName.D01, WATCHED)
    collected(plant, *map(said, (10, 70, 200, 400, 500)), *map(phase, (72, 300, 455)))
    collected(plant, said(560), said(620))
    examined = of(look(plant), "D01")
    first, last = found(plant, "D01")
    assert (first.why, len(first.entries), last.why) == ("silent", 2, "silent")
    assert "for more than 60 s, while entry" in first.detail
    assert (examined.examined, examined.clear) == (7, 5), "300 is after the first minute, and after the last nothing is"


def test_an_approved_change_or_planned_downtime_explains_it(plant: Ledger) -> None:
    put(plant, ParameterName.D01, WATCHED)
    collected(
        plant,
        request(10, "CR-1", state="approved"),
        audit(100, "off", "CR-1"),
        audit(110, "off", "CR-2"),
        said(200),
        phase(210),
        request(150, "CR-3", state="approved", system="erp", **{"from": at(190), "to": at(230)}),
        said(400),
        phase(410),
        request(300, "CR-4", state="approved", system="plc"),
    )
    collected(plant, *map(said, range(450, 1_000, 50)))
    examined = of(look(plant), "D01")
    assert [one.why for one in found(plant, "D01")] == ["logging-off"]
    assert examined.explained == 2
    collected(plant, request(401, "CR-4", state="closed"))
    assert of(look(plant), "D01").opened == 0


def test_activity_that_comes_late_opens_it_and_a_word_that_comes_late_closes_it(plant: Ledger) -> None:
    put(plant, ParameterName.D01, WATCHED)
    collected(plant, said(100), said(900), said(950), said(1_000))
    assert (of(look(plant), "D01").clear, standing(plant, "D01")) == (3, set()), "the last is pending"
    collected(plant, phase(150))
    assert of(look(plant), "D01").opened == 1
    collected(plant, said(140))
    examined = of(look(plant), "D01")
    assert (examined.closed, examined.opened) == (1, 1), "it was silent from then on"


def test_what_is_set_for_all_sources_holds_for_each(plant: Ledger) -> None:
    for source, value in ((None, written(WATCHED)), (SOURCE, None)):
        one = Parameter(name=ParameterName.D01, source=source, value=value, reason="all", authority=AUTHORITY)
        plant.service.record_log().parameters.put(RECORDS, [one])
    collected(plant, said(100), said(900), said(950), said(1_000))
    look(plant)
    collected(plant, phase(150))
    look(plant)
    assert [one.source for one in found(plant, "D01") if one.source == SOURCE] == [SOURCE]


def test_a_change_that_comes_late_closes_it(plant: Ledger) -> None:
    collected(plant, audit(100, "off", "CR-1"))
    assert of(look(plant), "D01").opened == 1
    collected(plant, request(10, "CR-1", state="approved"))
    assert (of(look(plant), "D01").closed, standing(plant, "D01")) == (1, set())
    collected(plant, request(20, "CR-1", state="closed"))
    assert of(look(plant), "D01").opened == 1, "it had ended by then"


def test_a_downtime_that_ended_by_then_opens_it(plant: Ledger) -> None:
    put(plant, ParameterName.D01, WATCHED)
    collected(plant, request(10, "CR-1", state="approved", system="erp"), said(100), phase(110), audit(900, "off"))
    assert (of(look(plant), "D01").explained, standing(plant, "D01")) == (2, set())
    collected(plant, request(20, "CR-1", state="closed"))
    assert of(look(plant), "D01").opened == 2


def test_it_waits_for_a_downtime_that_may_be_told_of(plant: Ledger) -> None:
    collected(plant, audit(5, "off"), until_s=60)
    assert (of(look(plant), "D01").pending, standing(plant, "D01")) == (1, set())
    collected(plant, until_s=70)
    assert of(look(plant), "D01").opened == 1


def test_it_waits_for_what_is_not_known_yet_and_where_a_collector_was_away_it_cannot_be_said(plant: Ledger) -> None:
    put(plant, ParameterName.D01, WATCHED)
    collect(plant, [said(20)], until_s=100)
    collect(plant, [], source="plc", until_s=79)
    assert (of(look(plant), "D01").pending, standing(plant, "D01")) == (1, set())
    collected(plant, said(100), phase(110), until_s=150)
    assert (of(look(plant), "D01").pending, standing(plant, "D01")) == (1, set())
    away = Interval(after=at(290), before=at(310))
    collect(plant, [said(250), said(900), said(950), said(1_000)], unreachable=(away,))
    for source in ("plc", "qms"):
        collect(plant, [phase(260)] if source == "plc" else [], source=source)
    examined = of(look(plant), "D01")
    assert [(one.input, one.records) for one in examined.lacking] == [("time-of-erp", 1)]
    assert (examined.opened, examined.pending) == (1, 1), "how long the last is silent is not known yet"


def test_of_clocks_that_overlap_and_of_processes_that_nobody_tells_of_nothing_is_said(plant: Ledger) -> None:
    put(plant, ParameterName.D01, WATCHED)
    off = Clock(offset_us=0, uncertainty_us=20_000_000, method="test", measured_at=at(0))
    collected(plant, said(100), msgspec.structs.replace(phase(155), clock=off), said(900), said(950), said(1_000))
    assert (of(look(plant), "D01").unordered, standing(plant, "D01")) == (1, set())
    collected(plant, submission(1_001, "plc", action=Action.CONFIGURE), said(1_002), until_s=1_100)
    assert [(one.input, one.records) for one in of(look(plant), "D01").lacking] == [("d01", 1)]


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ({"inspections": ["soon"]}, "'soon' is not an instant"),
        ({"silent_s": 60}, "give both, or neither"),
        ({"silent_s": 0, "activity": [{"object_type": "phase"}]}, "silent_s"),
    ],
)
def test_a_member_that_is_wrong_is_named(value: dict[str, Any], what: str) -> None:
    with pytest.raises(SchemaViolation, match=what):
        read(ParameterName.D01, msgspec.json.encode(value))


@pytest.mark.parametrize("order", range(2))
def test_the_same_is_found_in_any_order_of_arrival(plant: Ledger, order: int) -> None:
    put(plant, ParameterName.D01, WATCHED)
    told = [*map(said, (50, 100, 200, 250, 400, 420, 600, 700, 750, 800, 850)), *map(phase, (120, 300, 490, 650))]
    told += [request(10, "CR-1", state="approved"), request(60, "CR-1", state="closed"), audit(40, "off", "CR-1")]
    told += [audit(65, "off", "CR-1"), said(900), said(950), said(1_000)]
    Random(f"{SEED}:{order}").shuffle(told)
    for start in range(0, len(told), 5):
        collected(plant, *told[start : start + 5])
        look(plant)
    with plant.store.reader(1) as reader:
        keys = standing(plant, "D01")
        bodies = [reader.entry(one.anchor).body or b"" for one in found(plant, "D01") if one.key in keys]
    numbers = {int(msgspec.json.decode(body)["record"]["source_record_id"]) for body in bodies}
    assert numbers == {65, 100, 250, 600}
    assert len(standing(plant, "D01")) == len(numbers)
