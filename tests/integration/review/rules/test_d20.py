"""D20: an alarm was acknowledged without a word, or by nobody on duty; shelved too long; or its limit was moved."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.core.clock import utc_text
from ledger.core.parameters import ParameterName
from ledger.core.record import Action, Actor, ActorKind, Change, Interval, Link, LinkBasis, LinkKind, Submission, Target
from ledger.core.rule_parameters import D20, AlarmLimit, Pattern, Scope
from ledger.core.system_class import SystemClass
from ledger.core.times import Clock
from tests.support.ledgers import START_US, Ledger, new_ledger, submission
from tests.support.ruling import account, arrived, collect, connect, found, look, map_, of, place, put, rests_on

VALUE = D20(
    acknowledged=(Pattern(object_type="alarm", actions=(Action.ACKNOWLEDGE,)),),
    commented=(Pattern(object_type="alarm", attribute="comment"),),
    deviation=(Pattern(object_type="deviation", actions=(Action.CREATE,)),),
    comment_s=60,
    shelved=(Pattern(object_type="alarm", actions=(Action.SUPPRESS,)),),
    unshelved=(Pattern(object_type="alarm", attribute="shelved", values=("false",)),),
    shelved_s=100,
    limits=(
        AlarmLimit(object_type="tag", attribute="HI", high=True),
        AlarmLimit(object_type="tag", attribute="LO", high=False),
    ),
    restored_s=100,
    excursion=(Pattern(object_type="alarm", actions=(Action.ALARM,)),),
    values=(Pattern(object_type="tag", attribute="PV"),),
    on_duty=(Pattern(object_type="shift", actions=(Action.START,)),),
    off_duty=(Pattern(object_type="shift", actions=(Action.STOP,)),),
    duty_s=400,
    test=(Pattern(object_type="test", actions=(Action.START,)),),
    test_ended=(Pattern(object_type="test", actions=(Action.STOP,)),),
    approved=(Pattern(object_type="change", attribute="state", values=("approved",)),),
    ended=(Pattern(object_type="change", attribute="state", values=("closed",)),),
    scope=Scope(valid_to="to"),
    back_s=200,
    grace_s=30,
)
SOURCES = ("dcs", "mes", "qms")
BEGUN_S = 500
"""So long before second 0 the collection of all systems began."""


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Ledger]:
    ledger = furnished(new_ledger(tmp_path / "ledger"))
    yield ledger
    ledger.close()


def furnished(ledger: Ledger) -> Ledger:
    """Controls equipment R1 to R8, each with an alarm and a tag; all but R9 is critical."""
    connect(ledger, dcs=SystemClass.DCS, mes=SystemClass.MES, qms=SystemClass.QUALITY_SYSTEM)
    put(ledger, ParameterName.D20, VALUE, source="dcs")
    tags = [place(f"{tag}{at}", f"R{at}", source="dcs", critical=at < 9) for tag in "AT" for at in range(1, 10)]
    people = [account(name, f"P-{name}", source=source) for name in ("anna", "ben") for source in ("dcs", "mes")]
    map_(ledger, *tags, *people)
    return ledger


def told(
    number: int, source: str, type_: str, id_: str, action: Action, who: str = "anna", **members: Any
) -> Submission:
    """At second `number` something was done; its source's id of it says what to which object."""
    usual: dict[str, Any] = {
        "object": Target(type=type_, id=id_), "action": action, "links": (), "changes": (), "reason": None,
        "actor": Actor(account=who, kind=ActorKind.PERSON),
        "occurred_at": submission(BEGUN_S + number).record.occurred_at,
    }  # fmt: skip
    return submission(f"{id_}/{number}", source, **(usual | members))


def ack(number: int, alarm: str, who: str = "anna", reason: str | None = None) -> Submission:
    return told(number, "dcs", "alarm", alarm, Action.ACKNOWLEDGE, who, reason=reason)


def set_(number: int, tag: str, attribute: str, old: str, new: str, unit: str = "degC") -> Submission:
    changes = (Change(attribute=attribute, old=old, new=new, unit=unit),)
    return told(number, "dcs", "tag", tag, Action.CONFIGURE, changes=changes)


def said(number: int, id_: str, attribute: str, new: str, source: str = "dcs", type_: str = "alarm") -> Submission:
    return told(number, source, type_, id_, Action.UPDATE, changes=(Change(attribute=attribute, new=new),))


def of_equipment(
    number: int, source: str, type_: str, id_: str, action: Action, asset: str, change: str = ""
) -> Submission:
    links = [Link(kind=LinkKind.EQUIPMENT, id=asset, basis=LinkBasis.READ)]
    links += [Link(kind=LinkKind.CHANGE_REQUEST, id=change, basis=LinkBasis.READ)] if change else []
    return told(number, source, type_, id_, action, links=tuple(links))


def shift(number: int, who: str = "anna", action: Action = Action.START) -> Submission:
    return told(number, "mes", "shift", f"shift-{who}", action, who)


def collected(
    ledger: Ledger, *records: Submission, until_s: int = 1_000, away: dict[str, Interval] | None = None
) -> None:
    for source in SOURCES:
        mine = [one for one in records if one.record.source == source]
        unreachable = tuple(one for name, one in (away or {}).items() if name == source)
        collect(ledger, mine, BEGUN_S + until_s, source=source, unreachable=unreachable)


WORDS = [
    shift(1),
    ack(10, "A1"),
    ack(10, "A2", reason="pump was primed"),
    ack(10, "A3"), said(70, "A3", "comment", "sensor wet"),
    ack(10, "A4"), said(71, "A4", "comment", "sensor wet"),
    ack(10, "A5"), of_equipment(69, "qms", "deviation", "DEV-5", Action.CREATE, "R5"),
    ack(20, "A9"),
    ack(30, "A6", "ben", "pump was primed"),
]  # fmt: skip
LIMITS = [
    # Widened around an alarm, around a value beyond it, and around nothing; one that stays is D02's; one is narrowed.
    set_(100, "T1", "HI", "80", "95"), told(120, "dcs", "alarm", "A1", Action.ALARM), set_(150, "T1", "HI", "95", "80"),
    set_(100, "T2", "LO", "20", "10"), set_(120, "T2", "PV", "22", "15"), set_(150, "T2", "LO", "10", "20"),
    set_(100, "T3", "HI", "80", "95"), set_(120, "T3", "PV", "70", "79"), set_(130, "T3", "PV", "7", "99", "kPa"),
    set_(150, "T3", "HI", "95", "80"),
    set_(100, "T4", "HI", "80", "95"), set_(120, "T4", "PV", "70", "90"), set_(201, "T4", "HI", "95", "80"),
    set_(100, "T5", "HI", "80", "70"), set_(120, "T5", "PV", "70", "90"), set_(150, "T5", "HI", "70", "80"),
]  # fmt: skip
SHELVED = [
    told(300, "dcs", "alarm", "A1", Action.SUPPRESS), said(400, "A1", "shelved", "false"),
    told(300, "dcs", "alarm", "A2", Action.SUPPRESS), said(401, "A2", "shelved", "false"),
    told(300, "dcs", "alarm", "A3", Action.SUPPRESS),
]  # fmt: skip
ALL = {
    ("no-comment", frozenset({"A1/10"})),
    ("no-comment", frozenset({"A4/10"})),
    ("not-on-duty", frozenset({"A6/30"})),
    ("limit-widened", frozenset({"T1/100", "A1/120", "T1/150"})),
    ("limit-widened", frozenset({"T2/100", "T2/120", "T2/150"})),
    ("shelved-too-long", frozenset({"A2/300"})),
    ("shelved-too-long", frozenset({"A3/300"})),
}


def test_what_was_done_wrongly_is_found_and_what_was_in_order_is_clear(plant: Ledger) -> None:
    collected(plant, *WORDS, *LIMITS, *SHELVED)
    examined = of(look(plant), "D20")
    assert rests_on(plant, "D20") == ALL
    # T5 was narrowed and set back, which widens it again; to that nothing comes after.
    assert (examined.examined, examined.clear, examined.findings) == (15, 8, 7)
    details = {one.why: one.detail for one in found(plant, "D20")}
    assert details["not-on-duty"].endswith("ben acknowledges it, who was not on duty")
    assert "HI was widened by entry" in details["limit-widened"] or "LO was widened" in details["limit-widened"]


@pytest.mark.parametrize("order", range(2))
def test_the_same_is_found_in_any_order_of_arrival_and_nothing_twice(ledger: Ledger, order: int) -> None:
    furnished(ledger)
    arrived(ledger, [*WORDS, *LIMITS, *SHELVED], SOURCES, "D20", order, BEGUN_S + 1_000)
    assert rests_on(ledger, "D20") == ALL


def test_a_test_under_an_approved_change_explains_it_and_any_other_does_not(plant: Ledger) -> None:
    collected(
        plant,
        shift(1),
        said(5, "CR-1", "state", "approved", "qms", "change"),
        said(5, "CR-2", "state", "planned", "qms", "change"),
        said(5, "CR-3", "state", "approved", "qms", "change"),
        said(40, "CR-3", "state", "closed", "qms", "change"),
        *(of_equipment(10, "dcs", "test", f"X{at}", Action.START, f"R{at}", f"CR-{at}") for at in (1, 2, 3)),
        of_equipment(10, "dcs", "test", "X4", Action.START, "R4"),
        of_equipment(10, "dcs", "test", "X5", Action.START, "R5", "CR-1"),
        of_equipment(45, "dcs", "test", "X5", Action.STOP, "R5", "CR-1"),
        *(ack(50, f"A{at}") for at in range(1, 6)),
    )
    examined = of(look(plant), "D20")
    assert rests_on(plant, "D20") == {("no-comment", frozenset({f"A{at}/50"})) for at in (2, 3, 4, 5)}
    assert (examined.explained, examined.findings) == (1, 4)


def test_it_waits_and_what_comes_late_opens_and_closes_it(plant: Ledger) -> None:
    collected(plant, shift(1), ack(100, "A1"), ack(100, "A2", reason="primed"), until_s=110)
    assert of(look(plant), "D20").pending == 1, "there is time to say something"
    collected(plant)
    assert (of(look(plant), "D20").opened, rests_on(plant, "D20")) == (1, {("no-comment", frozenset({"A1/100"}))})
    collected(plant, of_equipment(150, "qms", "deviation", "D", Action.CREATE, "R1"))
    assert (of(look(plant), "D20").closed, rests_on(plant, "D20")) == (1, set())
    collected(plant, shift(90, action=Action.STOP))
    assert of(look(plant), "D20").opened == 2, "whoever acknowledged had gone"
    assert {ids for _, ids in rests_on(plant, "D20")} == {frozenset({f"A{at}/100"}) for at in (1, 2)}
    collected(plant, shift(95))
    assert (of(look(plant), "D20").closed, rests_on(plant, "D20")) == (2, set())


def test_a_limit_that_is_set_back_late_is_found_then(plant: Ledger) -> None:
    collected(plant, set_(200, "T7", "HI", "80", "95"), told(220, "dcs", "alarm", "A7", Action.ALARM))
    assert of(look(plant), "D20").clear == 1, "it stays"
    collected(plant, set_(250, "T7", "HI", "95", "75"))
    assert (of(look(plant), "D20").opened, {why for why, _ in rests_on(plant, "D20")}) == (1, {"limit-widened"})


def test_what_cannot_be_said(plant: Ledger) -> None:
    connect(plant, plc=SystemClass.PLC)
    collect(plant, [told(1, "plc", "alarm", "A1", Action.ACKNOWLEDGE)], source="plc")
    off = Clock(offset_us=0, uncertainty_us=20_000_000, method="test", measured_at=utc_text(START_US))
    restored = msgspec.structs.replace(set_(250, "T1", "HI", "95", "80"), clock=off)
    away = Interval(
        after=utc_text(START_US + (BEGUN_S + 340) * 1_000_000), before=utc_text(START_US + (BEGUN_S + 345) * 1_000_000)
    )
    collected(
        plant,
        shift(90),
        ack(100, "A1", "carl", "pump was primed"),
        ack(105, "elsewhere"),
        ack(290, "A3"),
        ack(110, "A8"),
        set_(150, "T1", "HI", "80", "95"),
        restored,
        away={"qms": away},
    )
    examined = of(look(plant), "D20")
    assert [(one.input, one.records) for one in examined.lacking] == [
        ("asset-map", 1),
        ("d20", 1),
        ("one-person", 1),
        ("time-of-qms", 1),
    ]
    assert (examined.unordered, [one.why for one in found(plant, "D20")]) == (1, ["no-comment"])


def test_without_a_quality_system_nothing_can_be_said(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path / "ledger")
    try:
        connect(ledger, dcs=SystemClass.DCS)
        collect(ledger, [ack(1, "A1")], source="dcs")
        assert [(one.input, one.records) for one in of(look(ledger), "D20").lacking] == [("no-quality-system", 1)]
    finally:
        ledger.close()
