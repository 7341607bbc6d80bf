"""D03: the program of a controller was changed, or differs from its baseline, without an approved change."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from ledger.core.clock import utc_text
from ledger.core.parameters import ParameterName
from ledger.core.record import Action, Change, Interval, Link, LinkBasis, LinkKind, Submission, Target
from ledger.core.rule_parameters import D03, Attributes, Pattern, Scope
from ledger.core.system_class import SystemClass
from ledger.core.times import Clock
from ledger.findings.kinds import Severity
from tests.support.ledgers import START_US, Ledger, new_ledger, submission
from tests.support.ruling import collect, connect, found, look, map_, of, place, put, standing
from tests.support.seeds import SEED

VALUE = D03(
    programs=(Attributes(object_type="block", attributes=("checksum", "version")),),
    differs=(Pattern(object_type="comparison", attribute="result", values=("different",)),),
    approved=(Pattern(object_type="change", attribute="state", values=("approved",)),),
    ended=(Pattern(object_type="change", attribute="state", values=("closed",)),),
    scope=Scope(valid_from="from", valid_to="to", object_id="block", version="version"),
    emergency=(Pattern(object_type="change", attribute="kind", values=("emergency",)),),
    retrospective_s=150,
    back_s=300,
    grace_s=60,
)
OFF = Clock(offset_us=0, uncertainty_us=30_000_000, method="test", measured_at=utc_text(START_US))


def prepared(ledger: Ledger) -> Ledger:
    connect(ledger, plc=SystemClass.PLC, qms=SystemClass.QUALITY_SYSTEM)
    put(ledger, ParameterName.D03, VALUE, source="plc")
    map_(ledger, *(place(f"P{number}", f"PLC-{number}", source="plc", critical=False) for number in range(1, 10)))
    return ledger


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Ledger]:
    ledger = prepared(new_ledger(tmp_path / "ledger"))
    yield ledger
    ledger.close()


def linked(kind: LinkKind, id_: str | None) -> tuple[Link, ...]:
    return () if id_ is None else (Link(kind=kind, id=id_, basis=LinkBasis.READ),)


def loaded(number: int, id_: str = "P1", new: str = "B2", request: str | None = None, **members: Any) -> Submission:
    """At second `number` the controller had another program."""
    usual: dict[str, Any] = {
        "object": Target(type="block", id=id_),
        "changes": (Change(attribute="checksum", old="A1", new=new),),
        "links": linked(LinkKind.CHANGE_REQUEST, request),
    }
    return submission(number, "plc", **(usual | members))


def request(number: int, id_: str, plc: int | None = 1, **said: str) -> Submission:
    """At second `number` a change of a controller was made what is said."""
    changes = tuple(Change(attribute=name.rstrip("_"), new=value) for name, value in said.items())
    links = linked(LinkKind.EQUIPMENT, None if plc is None else f"PLC-{plc}")
    return submission(f"{id_}/{number}", "qms", object=Target(type="change", id=id_), changes=changes, links=links,
                      occurred_at=submission(number).record.occurred_at)  # fmt: skip


def at(number: int) -> str:
    return utc_text(START_US + number * 1_000_000)


def collected(ledger: Ledger, *told: Submission, until_s: int = 1_000, away: tuple[Interval, ...] = ()) -> None:
    for source in ("qms", "plc"):
        mine = [one for one in told if one.record.source == source]
        collect(ledger, mine, until_s, source=source, unreachable=away if source == "qms" else ())


def whys(ledger: Ledger) -> dict[str, str]:
    """Why the program of each controller was found."""
    return {one.detail.split(" ")[0]: one.why for one in found(ledger, "D03")}


def test_a_program_that_no_approved_change_covers_is_found_on_either_database(ledger: Ledger) -> None:
    plant = prepared(ledger)
    different = (Change(attribute="result", new="different"),)
    same = (Change(attribute="version", old="2", new="2"), Change(attribute="comment", old="a", new="b"))
    collected(
        plant,
        loaded(100),
        request(90, "CR-2", 2, state="approved"),
        loaded(101, "P2"),
        loaded(102, "P3"),
        request(140, "CR-3", 3, state="approved"),
        loaded(103, action=Action.READ, object=Target(type="comparison", id="P4"), changes=different),
        loaded(104, "P5", action=Action.READ),
        loaded(105, "P6", changes=same),
        loaded(106, "P7", action=Action.CREATE, changes=(Change(attribute="version", new="1"),)),
    )
    examined = of(look(plant), "D03")
    assert whys(plant) == {"P1": "not-approved", "P3": "approved-later", "P4": "not-approved", "P7": "not-approved"}
    assert {one.severity for one in found(plant, "D03")} == {Severity.CRITICAL}
    assert (examined.examined, examined.clear, examined.findings) == (5, 1, 4)
    assert look(plant).entry is None, "nothing came since"


def test_a_change_covers_what_it_says_that_it_allows(plant: Ledger) -> None:
    said: list[tuple[dict[str, str], str]] = [
        ({"version": "B2"}, "clear"),
        ({"version": "B3"}, "not-covered"),
        ({"block": "P3"}, "clear"),
        ({"block": "P9"}, "not-covered"),
        ({"from": at(90), "to": at(120)}, "clear"),
        ({"to": at(99)}, "not-covered"),
        ({"from": "soon"}, "scope-of-change"),
    ]
    told = [loaded(100 + number, f"P{number}") for number, _ in enumerate(said, 1)]
    told += [request(50, f"CR-{n}", n, state="approved", **bounds) for n, (bounds, _) in enumerate(said, 1)]
    collected(plant, *told)
    examined = of(look(plant), "D03")
    assert whys(plant) == {f"P{n}": "not-covered" for n, (_, verdict) in enumerate(said, 1) if verdict == "not-covered"}
    assert [(one.input, one.records) for one in examined.lacking] == [("scope-of-change", 1)]
    assert examined.clear == 3


def test_a_change_that_ended_is_too_old_or_is_of_another_controller_covers_nothing_but_what_names_it(
    plant: Ledger,
) -> None:
    collected(
        plant,
        request(10, "CR-1", 1, state="approved"),
        request(50, "CR-1", 1, state="closed"),
        loaded(60, "P1"),
        request(20, "CR-2", 2, state="approved"),
        loaded(321, "P2"),
        request(30, "CR-3", None, state="approved"),
        loaded(61, "P3"),
        loaded(62, "P4", request="CR-3"),
        loaded(63, "X", request="CR-3"),
    )
    examined = of(look(plant), "D03")
    assert whys(plant) == dict.fromkeys(("P1", "P2", "P3"), "not-approved")
    assert examined.clear == 2


def test_an_emergency_that_is_approved_in_time_afterwards_matters_less(plant: Ledger) -> None:
    collected(
        plant,
        request(95, "CR-1", 1, kind="emergency"),
        loaded(100, "P1"),
        request(249, "CR-1", 1, state="approved"),
        request(96, "CR-2", 2, kind="emergency"),
        loaded(101, "P2"),
        request(252, "CR-2", 2, state="approved"),
        request(97, "CR-3", 3, kind="emergency"),
        loaded(102, "P3"),
        loaded(103, "P4"),
        request(150, "CR-4", 4, state="approved"),
        request(98, "CR-5", 5, kind="emergency", state="approved", version="B3"),
        loaded(104, "P5"),
        request(99, "CR-6", None, kind="emergency"),
        loaded(105, "P6", request="CR-6"),
        request(400, "CR-6", None, state="approved"),
    )
    look(plant)
    told = {one.detail.split(" ")[0]: one for one in found(plant, "D03")}
    assert {name: (one.why, one.severity) for name, one in told.items()} == {
        "P1": ("emergency", Severity.HIGH),
        "P2": ("not-approved", Severity.CRITICAL),
        "P3": ("not-approved", Severity.CRITICAL),
        "P4": ("approved-later", Severity.CRITICAL),
        "P5": ("not-covered", Severity.CRITICAL),
        "P6": ("approved-later", Severity.CRITICAL),
    }
    assert len(told["P1"].entries) == 2


def test_what_comes_late_closes_and_opens_it(plant: Ledger) -> None:
    collected(plant, loaded(100, "P1"), loaded(110, "P2"))
    assert of(look(plant), "D03").opened == 2
    collected(plant, request(90, "CR-1", 1, state="approved"))
    assert (of(look(plant), "D03").closed, set(whys(plant))) == (1, {"P2"})
    collected(plant, request(95, "CR-1", 1, state="closed"), request(105, "CR-2", 2, kind="emergency"),
              request(150, "CR-2", 2, state="approved"))  # fmt: skip
    examined = of(look(plant), "D03")
    assert (examined.opened, examined.closed) == (2, 1), "of P2 the one that matters less takes the other's place"
    assert whys(plant) == {"P1": "not-approved", "P2": "emergency"}


def test_it_waits_for_an_approval_and_longer_for_that_of_an_emergency(plant: Ledger) -> None:
    collected(plant, loaded(100, "P1"), loaded(101, "P2"), request(102, "CR-2", 2, kind="emergency"), until_s=155)
    assert (of(look(plant), "D03").pending, whys(plant)) == (2, {})
    collected(plant, until_s=245)
    assert (of(look(plant), "D03").pending, whys(plant)) == (1, {"P1": "not-approved"})
    collected(plant, until_s=252)
    assert (of(look(plant), "D03").pending, set(whys(plant))) == (0, {"P1", "P2"})


def test_what_cannot_be_said(plant: Ledger) -> None:
    connect(plant, dcs=SystemClass.DCS)
    other = msgspec.structs.replace(loaded(1).record, source="dcs")
    collect(plant, [msgspec.structs.replace(loaded(1), record=other)], source="dcs")
    away = Interval(after=at(410), before=at(420))
    collected(plant, loaded(100, "X"), loaded(400, "P1"), away=(away,))
    lacking = [(one.input, one.records) for one in of(look(plant), "D03").lacking]
    assert lacking == [("asset-map", 1), ("d03", 1), ("time-of-qms", 1)]


def test_without_a_system_that_approves_it_says_so(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path / "ledger")
    try:
        connect(ledger, plc=SystemClass.PLC)
        collect(ledger, [loaded(1)], source="plc")
        lacking = of(look(ledger), "D03").lacking
        assert [(one.input, one.records) for one in lacking] == [("no-quality-system-or-maintenance", 1)]
    finally:
        ledger.close()


def test_clocks_that_overlap_put_nothing_in_order(plant: Ledger) -> None:
    collected(plant, request(100, "CR-1", 1, state="approved"), msgspec.structs.replace(loaded(110), clock=OFF))
    assert (of(look(plant), "D03").unordered, found(plant, "D03")) == (1, [])


@pytest.mark.parametrize("order", range(2))
def test_the_same_is_found_in_any_order_of_arrival(plant: Ledger, order: int) -> None:
    told = [loaded(number) for number in range(10, 300, 10)]
    states = (15, "approved"), (65, "closed"), (105, "approved"), (155, "closed"), (215, "approved")
    told += [request(number, "CR-1", state=state) for number, state in states]
    Random(f"{SEED}:{order}").shuffle(told)
    for begin in range(0, len(told), 9):
        collected(plant, *told[begin : begin + 9])
        look(plant)
    with plant.store.reader(1) as reader:
        bodies = [reader.entry(one.anchor).body or b"" for one in found(plant, "D03")]
    numbers = {int(msgspec.json.decode(body)["record"]["source_record_id"]) for body in bodies}
    assert numbers == {10, 70, 80, 90, 100, 160, 170, 180, 190, 200, 210}
    assert len(standing(plant, "D03")) == len(numbers)
