"""D17: a value that somebody entered disagrees with what equipment measured then."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from ledger.core.clock import utc_text
from ledger.core.parameters import ParameterName
from ledger.core.record import Action, Change, Interval, Link, LinkBasis, LinkKind, Submission, Target
from ledger.core.rule_parameters import D17, Compared, Pattern
from ledger.core.system_class import SystemClass
from ledger.core.times import Clock
from tests.support.ledgers import START_US, Ledger, new_ledger, submission
from tests.support.ruling import collect, connect, found, look, map_, of, place, put, standing
from tests.support.seeds import SEED

VALUE = D17(
    compared=(
        Compared(object_type="entry", attribute="pH", reading_type="tag", reading="Value", tolerance="0.1",
                 tags=("R1.PH", "R2.PH")),
        Compared(object_type="weighing", attribute="net", reading_type="scale", reading="Weight", tolerance="0.05",
                 link=LinkKind.SAMPLE),
    ),
    within_s=5,
    hold_s=100,
    fault=(Pattern(object_type="sensor", attribute="state", values=("fault",)),),
    fault_ended=(Pattern(object_type="sensor", attribute="state", values=("good",)),),
    back_s=200,
    grace_s=55,
)  # fmt: skip
OFF = Clock(offset_us=0, uncertainty_us=20_000_000, method="test", measured_at=utc_text(START_US))


def prepared(ledger: Ledger) -> Ledger:
    connect(ledger, mes=SystemClass.MES, pi=SystemClass.HISTORIAN, scales=SystemClass.INSTRUMENT)
    put(ledger, ParameterName.D17, VALUE, source="mes")
    rows = [place(f"{one}{tag}", one, source="pi") for one in ("R1", "R2") for tag in (".PH", ".T", ".S")]
    map_(ledger, *rows, place("R1", "R1", source="mes"), place("R2", "R2", source="mes"))
    return ledger


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Ledger]:
    ledger = prepared(new_ledger(tmp_path / "ledger"))
    yield ledger
    ledger.close()


def told(number: int, source: str, type_: str, id_: str, attribute: str, new: str, **members: Any) -> Submission:
    """At second `number` a system gave an object's attribute a value."""
    sample, unit = members.pop("sample", None), members.pop("unit", None)
    links = () if sample is None else (Link(kind=LinkKind.SAMPLE, id=sample, basis=LinkBasis.READ),)
    changes = (Change(attribute=attribute, new=new, unit=unit),)
    usual: dict[str, Any] = {"object": Target(type=type_, id=id_), "changes": changes, "links": links,
                             "action": Action.CREATE}  # fmt: skip
    return submission(number, source, **(usual | members))


def entered(number: int, new: str, reactor: str = "R1", **members: Any) -> Submission:
    return told(number, "mes", "entry", reactor, "pH", new, **members)


def read(number: int, new: str, tag: str = "R1.PH", **members: Any) -> Submission:
    return told(number, "pi", "tag", tag, "Value", new, **members)


def sensor(number: int, state: str, tag: str = "R1.S") -> Submission:
    return told(number, "pi", "sensor", tag, "state", state)


def unsure(one: Submission) -> Submission:
    return msgspec.structs.replace(one, clock=OFF)


def collected(ledger: Ledger, *records: Submission, until_s: int = 1_000, away: tuple[Interval, ...] = ()) -> None:
    for source in ("pi", "scales", "mes"):
        mine = [one for one in records if one.record.source == source]
        collect(ledger, mine, until_s, source=source, unreachable=away if source == "pi" else ())


def whats(ledger: Ledger) -> set[str]:
    """What was found to be entered, by the value."""
    return {one.detail.split(" was entered as ")[1].split(" by ")[0] for one in found(ledger, "D17")}


def test_a_value_that_no_reading_of_its_time_agrees_with_is_found_on_either_database(ledger: Ledger) -> None:
    plant = prepared(ledger)
    collected(
        plant,
        read(10, "7.0"),
        entered(50, "7.1"),
        entered(60, "7.11"),
        read(100, "7.5"),
        read(106, "7.9"),
        entered(101, "7.02"),
        entered(102, "7.9"),
        read(150, "8", tag="R2.PH"),
        entered(152, "8", "R2"),
        entered(153, "8.2", "R1"),
        told(200, "scales", "scale", "S1", "Weight", "5.00", sample="A", unit="kg"),
        told(201, "mes", "weighing", "W1", "net", "5.06", sample="A", unit="kg"),
        told(202, "mes", "weighing", "W2", "net", "5.05", sample="A"),
        entered(210, "off"),
    )
    examined = of(look(plant), "D17")
    one = next(one for one in found(plant, "D17") if "5.06" in one.detail)
    assert whats(plant) == {"7.11", "7.02", "8.2", "5.06 kg"}
    assert (one.why, len(one.entries), one.anchor) == ("disagrees", 2, max(one.entries))
    assert "W1: net was entered as 5.06 kg by entry" in one.detail
    assert (examined.examined, examined.clear, examined.findings) == (8, 4, 4)
    assert look(plant).entry is None, "nothing came since"


def test_a_reading_of_another_tag_and_one_that_holds_no_longer_is_none(plant: Ledger) -> None:
    collected(plant, read(10, "9"), entered(110, "7"), entered(111, "7.5"), read(300, "7", "R1.T"), entered(301, "7"))
    weighed = told(400, "scales", "scale", "S1", "Weight", "5", sample="A")
    collected(plant, weighed, told(501, "mes", "weighing", "W1", "net", "6", sample="A"))
    examined = of(look(plant), "D17")
    assert whats(plant) == {"7"}
    assert [(one.input, one.records) for one in examined.lacking] == [("reading", 3)]


def test_a_reading_counts_as_far_away_as_is_said(plant: Ledger) -> None:
    put(plant, ParameterName.D17, msgspec.structs.replace(VALUE, within_s=300), source="mes")
    collected(plant, entered(320, "7"), read(620, "7"), entered(319, "7.05"))
    examined = of(look(plant), "D17")
    assert (examined.clear, [(one.input, one.records) for one in examined.lacking]) == (1, [("reading", 1)])


def test_a_sensor_that_was_at_fault_explains_it(plant: Ledger) -> None:
    collected(
        plant,
        sensor(5, "fault"),
        read(10, "2"),
        entered(20, "7"),
        sensor(30, "good"),
        entered(40, "7.1"),
        read(150, "2", "R2.PH"),
        sensor(152, "fault"),
        entered(155, "7.2", "R2"),
        sensor(160, "good"),
        read(300, "2"),
        sensor(320, "fault"),
        entered(310, "7.3"),
        read(540, "2"),
        entered(541, "7.4"),
    )
    examined = of(look(plant), "D17")
    assert whats(plant) == {"7.1", "7.2", "7.3", "7.4"}, "good again; other equipment; only later; too long ago"
    assert (examined.explained, examined.findings) == (1, 4)


def test_readings_and_faults_that_come_late_open_and_close_it(plant: Ledger) -> None:
    collected(plant, read(10, "7"), entered(50, "7"), entered(200, "8"))
    examined = of(look(plant), "D17")
    assert (examined.clear, [(one.input, one.records) for one in examined.lacking]) == (1, [("reading", 1)])
    collected(plant, read(30, "9"), read(150, "9"))
    assert (of(look(plant), "D17").opened, whats(plant)) == (2, {"7", "8"})
    collected(plant, read(53, "7"), sensor(140, "fault"))
    assert (of(look(plant), "D17").closed, whats(plant)) == (2, set())
    collected(plant, sensor(145, "good"))
    assert (of(look(plant), "D17").opened, whats(plant)) == (1, {"8"})
    assert look(plant).entry is None


def test_it_waits_for_the_readings_that_may_still_come_and_where_they_were_away_it_cannot_be_said(
    plant: Ledger,
) -> None:
    collected(plant, read(90, "9"), entered(100, "7"), until_s=158)
    assert (of(look(plant), "D17").pending, found(plant, "D17")) == (1, [])
    collected(plant, until_s=161)
    assert of(look(plant), "D17").opened == 1
    away = Interval(after=utc_text(START_US + 350_000_000), before=utc_text(START_US + 360_000_000))
    collected(plant, read(340, "9"), entered(400, "7"), read(365, "9", "R2.PH"), entered(401, "7", "R2"), away=(away,))
    examined = of(look(plant), "D17")
    assert [(one.input, one.records) for one in examined.lacking] == [("time-of-pi", 1)]
    assert examined.opened == 1, "of the other what is known since its last reading is enough"


def test_what_cannot_be_compared(plant: Ledger) -> None:
    connect(plant, other=SystemClass.MES)
    collect(plant, [told(1, "other", "entry", "R1", "pH", "7")], source="other")
    collected(
        plant,
        entered(10, "7", "R9"),
        told(11, "mes", "weighing", "W1", "net", "5"),
        read(20, "7", unit="pH"),
        entered(21, "7", unit="mV"),
    )
    lacking = [(one.input, one.records) for one in of(look(plant), "D17").lacking]
    assert lacking == [("asset-map", 1), ("d17", 1), ("link-sample", 1), ("unit", 1)]


def test_without_equipment_it_says_so(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path / "ledger")
    try:
        connect(ledger, mes=SystemClass.MES)
        collect(ledger, [entered(1, "7")], source="mes")
        (lacking,) = of(look(ledger), "D17").lacking
        assert (lacking.input, lacking.records) == ("no-historian-or-dcs-or-scada-or-plc-or-instrument", 1)
    finally:
        ledger.close()


def test_clocks_that_overlap_put_nothing_in_order(plant: Ledger) -> None:
    collected(
        plant,
        unsure(read(100, "7")),
        entered(110, "7"),
        unsure(sensor(310, "fault", "R2.S")),
        read(290, "9", "R2.PH"),
        entered(300, "7", "R2"),
        read(500, "9"),
        unsure(read(510, "7")),
        entered(511, "7"),
    )
    assert (of(look(plant), "D17").unordered, found(plant, "D17")) == (3, [])


@pytest.mark.parametrize("order", range(2))
def test_the_same_is_found_in_any_order_of_arrival(plant: Ledger, order: int) -> None:
    records = [entered(number, "7") for number in range(10, 400, 20)]
    records += [read(number, "7" if number < 120 or number > 300 else "9") for number in range(5, 400, 40)]
    records += [sensor(130, "fault"), sensor(175, "good")]
    Random(f"{SEED}:{order}").shuffle(records)
    for at in range(0, len(records), 5):
        collected(plant, *records[at : at + 5])
        look(plant)
    with plant.store.reader(1) as reader:
        bodies = [reader.entry(one.anchor).body or b"" for one in found(plant, "D17")]
    numbers = {int(msgspec.json.decode(body)["record"]["source_record_id"]) for body in bodies}
    assert numbers == {number for number in range(130, 325, 20) if not 130 <= number < 175}
    assert len(standing(plant, "D17")) == len(numbers)
