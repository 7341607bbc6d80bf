"""D28: an override was left on for longer than it may."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.core.clock import utc_text
from ledger.core.parameters import ParameterName
from ledger.core.record import Action, Change, Interval, Link, LinkBasis, LinkKind, Submission, Target
from ledger.core.rule_parameters import D28, Pattern
from ledger.core.system_class import SystemClass
from ledger.core.times import Clock
from tests.support.ledgers import START_US, Ledger, new_ledger, submission
from tests.support.ruling import collect, connect, found, look, map_, of, place, put

VALUE = D28(
    on=(Pattern(object_type="tag", attribute="bypass", values=("on",)),),
    off=(Pattern(object_type="tag", attribute="bypass", values=("off",)),),
    longest_s=60,
    deviation=(Pattern(object_type="deviation", actions=(Action.CREATE,)),),
    phase=(Pattern(object_type="phase", actions=(Action.START,)),),
    phase_ended=(Pattern(object_type="phase", actions=(Action.STOP,)),),
    back_s=5,
    grace_s=30,
)


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Ledger]:
    ledger = new_ledger(tmp_path / "ledger")
    connect(ledger, dcs=SystemClass.DCS, mes=SystemClass.MES, qms=SystemClass.QUALITY_SYSTEM)
    put(ledger, ParameterName.D28, VALUE, source="dcs")
    tags = [place(f"T{number}", f"R{number}", source="dcs") for number in range(1, 6)]
    map_(ledger, *tags, place("T9", "R9", source="dcs", critical=False))
    yield ledger
    ledger.close()


def bypass(number: int, tag: str, state: str, **members: Any) -> Submission:
    return submission(number, "dcs", object=Target(type="tag", id=tag), links=(),
                      changes=(Change(attribute="bypass", new=state),), **members)  # fmt: skip


def elsewhere(number: int, source: str, type_: str, action: Action, equipment: str) -> Submission:
    links = (Link(kind=LinkKind.EQUIPMENT, id=equipment, basis=LinkBasis.READ),)
    thing = Target(type=type_, id=f"{type_}-{equipment}")
    return submission(number, source, object=thing, action=action, links=links, changes=())


def collected(ledger: Ledger, *records: Submission, until_s: int = 1_000, away: tuple[Interval, ...] = ()) -> None:
    for source in ("dcs", "mes", "qms"):
        mine = [one for one in records if one.record.source == source]
        collect(ledger, mine, until_s, source=source, unreachable=away if source == "qms" else ())


def test_what_is_left_on_too_long_is_found_and_deviations_and_manual_phases_explain_it(plant: Ledger) -> None:
    collected(
        plant,
        bypass(10, "T1", "on"),
        bypass(71, "T1", "off"),
        bypass(10, "T2", "on"),
        bypass(100, "T3", "on"),
        bypass(160, "T3", "off"),
        bypass(100, "T9", "on"),
        bypass(200, "T4", "on"),
        elsewhere(289, "qms", "deviation", Action.CREATE, "R4"),
        elsewhere(190, "mes", "phase", Action.START, "R5"),
        bypass(194, "T5", "on"),
        bypass(300, "T4", "on"),
        elsewhere(391, "qms", "deviation", Action.CREATE, "R5"),
    )
    examined = of(look(plant), "D28")
    assert {(one.why, len(one.entries), one.detail[:2]) for one in found(plant, "D28")} == {
        ("too-long", 2, "T1"),
        ("left-on", 1, "T2"),
        ("left-on", 1, "T4"),
    }
    assert (examined.examined, examined.clear, examined.explained, examined.findings) == (7, 2, 2, 3)


def test_what_comes_late_opens_and_closes_it(plant: Ledger) -> None:
    collected(plant, elsewhere(96, "mes", "phase", Action.START, "R1"), bypass(100, "T1", "on"), until_s=120)
    assert of(look(plant), "D28").pending == 1
    collected(plant)
    assert of(look(plant), "D28").explained == 1
    collected(plant, elsewhere(98, "mes", "phase", Action.STOP, "R1"))
    assert (of(look(plant), "D28").opened, [one.why for one in found(plant, "D28")]) == (1, ["left-on"])
    collected(plant, bypass(150, "T1", "off"))
    assert (of(look(plant), "D28").closed, found(plant, "D28")) == (1, [])


def test_what_cannot_be_said(plant: Ledger) -> None:
    connect(plant, plc=SystemClass.PLC)
    record = msgspec.structs.replace(bypass(1, "T1", "on").record, source="plc", action=Action.CONFIGURE)
    collect(plant, [msgspec.structs.replace(bypass(1, "T1", "on"), record=record)], source="plc")
    off = Clock(offset_us=0, uncertainty_us=20_000_000, method="test", measured_at=utc_text(START_US))
    away = Interval(after=utc_text(START_US + 450_000_000), before=utc_text(START_US + 460_000_000))
    collected(
        plant,
        bypass(100, "T1", "on"),
        msgspec.structs.replace(bypass(155, "T1", "off"), clock=off),
        bypass(400, "T2", "on"),
        bypass(500, "T8", "on"),
        away=(away,),
    )
    examined = of(look(plant), "D28")
    assert [(one.input, one.records) for one in examined.lacking] == [
        ("asset-map", 1),
        ("d28", 1),
        ("time-of-qms", 1),
    ]
    assert (examined.unordered, found(plant, "D28")) == (1, [])
