"""D06: something was done by somebody who was not there, or may not do it any more."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from ledger.core.clock import utc_text
from ledger.core.parameters import ParameterName
from ledger.core.record import Action, Actor, ActorKind, Change, Interval, Link, LinkBasis, LinkKind, Submission, Target
from ledger.core.rule_parameters import D06, Pattern, Required, Scope
from ledger.core.system_class import SystemClass
from ledger.core.times import Basis, Clock, Precision, SourceTime
from tests.support.ledgers import START_US, Ledger, new_ledger, submission
from tests.support.ruling import account, collect, connect, found, look, map_, of, put, standing
from tests.support.seeds import SEED

VALUE = D06(
    left=(Pattern(object_type="door", attribute="passage", values=("out",)),),
    entered=(Pattern(object_type="door", attribute="passage", values=("in",)),),
    passage_s=300,
    absent=(Pattern(object_type="presence", attribute="presence", values=("absent",)),),
    present=(Pattern(object_type="presence", attribute="presence", values=("present",)),),
    absence=Scope(valid_to="until"),
    back_s=400,
    required=(Required(acts=(Pattern(object_type="step", actions=(Action.SIGN,)),), document="SOP-1"),),
    trained=(Pattern(object_type="qualification", actions=(Action.APPROVE,)),),
    withdrawn=(Pattern(object_type="qualification", actions=(Action.REVOKE,)),),
    qualification=Scope(valid_from="from", valid_to="to"),
    remote=("vpn",),
    permits=(Pattern(object_type="permit", actions=(Action.APPROVE,)),),
    permits_ended=(Pattern(object_type="permit", actions=(Action.STOP,)),),
    grace_s=60,
)
OFF = Clock(offset_us=0, uncertainty_us=30_000_000, method="test", measured_at=utc_text(START_US))
SOURCES = ("doors", "hr", "qms", "mes")


def prepared(ledger: Ledger) -> Ledger:
    connect(ledger, doors=SystemClass.BADGE, hr=SystemClass.TRAINING, qms=SystemClass.QUALITY_SYSTEM,
            mes=SystemClass.MES)  # fmt: skip
    put(ledger, ParameterName.D06, VALUE, source="mes")
    map_(ledger, *(account(f"op{number}", f"P{number}", source="mes") for number in range(1, 9)),
         account("card1", "P1", source="doors"), account("team", None, source="mes", shared=True),
         account("gone", "P9", source="mes", valid_to=at(100)))  # fmt: skip
    return ledger


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Ledger]:
    ledger = prepared(new_ledger(tmp_path / "ledger"))
    yield ledger
    ledger.close()


def at(number: int) -> str:
    return utc_text(START_US + number * 1_000_000)


def told(number: int, source: str, type_: str, person: int | None, action: Action = Action.UPDATE, id_: str = "1",
         document: str | None = None, **said: Any) -> Submission:  # fmt: skip
    """At second `number` a system told something of a person."""
    pairs = (LinkKind.PERSON, None if person is None else f"P{person}"), (LinkKind.DOCUMENT, document)
    links = tuple(Link(kind=kind, id=one, basis=LinkBasis.READ) for kind, one in pairs if one)
    changes = tuple(Change(attribute=name.rstrip("_"), new=value) for name, value in said.items())
    return submission(number, source, object=Target(type=type_, id=id_), action=action, links=links, changes=changes,
                      actor=Actor(account="clerk", kind=ActorKind.UNKNOWN))  # fmt: skip


def acted(number: int, person: int | str, **members: Any) -> Submission:
    """At second `number` somebody did something."""
    name = f"op{person}" if isinstance(person, int) else person
    actor = Actor(account=name, kind=members.pop("kind", ActorKind.PERSON), channel=members.pop("channel", None))
    usual: dict[str, Any] = {"actor": actor, "links": ()}
    return submission(number, members.pop("source", "mes"), **(usual | members))


def signed(number: int, person: int) -> Submission:
    return acted(number, person, object=Target(type="step", id="S-1"), action=Action.SIGN, changes=())


def passed(number: int, person: int, passage: str) -> Submission:
    return told(number, "doors", "door", person, Action.EXECUTE, passage=passage)


def away(number: int, person: int, presence: str = "absent", **said: Any) -> Submission:
    return told(number, "hr", "presence", person, presence=presence, **said)


def trained(
    number: int, person: int, action: Action = Action.APPROVE, document: str = "SOP-1", **said: Any
) -> Submission:
    return told(number, "hr", "qualification", person, action, document=document, **said)


def permit(number: int, person: int, action: Action = Action.APPROVE) -> Submission:
    return told(number, "qms", "permit", person, action, id_=f"permit-{person}")


def collected(ledger: Ledger, *records: Submission, until_s: int = 1_000, **gaps: tuple[Interval, ...]) -> None:
    for source in SOURCES:
        mine = [one for one in records if one.record.source == source]
        collect(ledger, mine, until_s, source=source, unreachable=gaps.get(source, ()))


def whys(ledger: Ledger) -> dict[str, str]:
    """Why what each account did was found."""
    return {one.detail.split(" acted ")[1].split(",")[0]: one.why for one in found(ledger, "D06")}


def record_number(body: bytes | None) -> int:
    return int(msgspec.json.decode(body or b"")["record"]["source_record_id"])


def only(**members: Any) -> D06:
    """The parameter without what the test is not about."""
    without = {"left": (), "entered": (), "absent": (), "present": (), "required": (), "trained": (), "withdrawn": ()}
    return msgspec.structs.replace(VALUE, **(without | members))


def test_who_had_left_was_absent_or_was_gone_for_good_is_found_on_either_database(ledger: Ledger) -> None:
    plant = prepared(ledger)
    collected(
        plant,
        *(passed(number, number, "in") for number in range(1, 7)),
        passed(20, 1, "out"),
        acted(30, 1),
        passed(21, 2, "out"),
        passed(25, 2, "in"),
        acted(31, 2),
        away(12, 3, "present"),
        away(15, 3),
        acted(32, 3),
        away(16, 4),
        away(26, 4, "present"),
        acted(33, 4),
        away(17, 5, until=at(30)),
        acted(34, 5),
        acted(99, "gone"),
        acted(101, "gone"),
        passed(22, 6, "out"),
        acted(35, 6, action=Action.LOGOUT),
    )
    examined = of(look(plant), "D06")
    assert whys(plant) == {"op1": "off-site", "op3": "absent", "gone": "account-ended"}
    one = next(one for one in found(plant, "D06") if one.why == "off-site")
    assert (len(one.entries), "acted op1, who had left the site, by entry " in one.detail) == (2, True)
    assert (examined.examined, examined.findings, examined.clear) == (7, 3, 3)
    assert [(one.input, one.records) for one in examined.lacking] == [("passage", 1)]
    assert look(plant).entry is None, "nothing came since"


def test_a_badge_is_its_holder_s_by_the_map_where_it_names_nobody(plant: Ledger) -> None:
    card = {"actor": Actor(account="card1", kind=ActorKind.PERSON), "links": ()}
    went = [passed(number, 1, way) for number, way in ((10, "in"), (20, "out"))]
    named = [msgspec.structs.replace(one, record=msgspec.structs.replace(one.record, **card)) for one in went]
    collected(plant, *named, acted(30, 1))
    assert (of(look(plant), "D06").examined, whys(plant)) == (1, {"op1": "off-site"})


def test_a_passage_and_an_absence_count_for_as_long_as_is_said(plant: Ledger) -> None:
    collected(plant, passed(10, 1, "out"), acted(310, 1), acted(311, 1))
    examined = of(look(plant), "D06")
    assert (len(found(plant, "D06")), [one.input for one in examined.lacking]) == (1, ["passage"])
    put(plant, ParameterName.D06, only(absent=VALUE.absent), source="mes")
    collected(plant, away(420, 2), acted(820, 2), acted(821, 2))
    look(plant)
    assert whys(plant) == {"op2": "absent"}
    assert len(found(plant, "D06")) == 1


def test_an_absence_of_a_day_without_an_end_is_over_with_the_day(plant: Ledger) -> None:
    put(plant, ParameterName.D06, only(absent=VALUE.absent, back_s=200_000), source="mes")
    day = 86_400_000_000
    midnight = START_US - START_US % day
    first, second = (
        msgspec.structs.replace(
            away(person, person).record,
            occurred_at=SourceTime(text=utc_text(begin)[:10], precision=Precision.DAY, basis=Basis.SOURCE_ZONE,
                                   instant_us=begin, offset="+00:00"),
        )
        for person, begin in ((1, midnight), (2, midnight - day))
    )  # fmt: skip
    told_ = [msgspec.structs.replace(away(1, 1), record=one) for one in (first, second)]
    collected(plant, *told_, acted(30, 1), acted(31, 2))
    look(plant)
    assert whys(plant) == {"op1": "absent"}


def test_a_training_that_is_over_is_found_and_one_that_was_renewed_is_not(plant: Ledger) -> None:
    put(plant, ParameterName.D06, only(required=VALUE.required, trained=VALUE.trained, withdrawn=VALUE.withdrawn),
        source="mes")  # fmt: skip
    collected(
        plant,
        trained(9, 1, to=at(50)),
        trained(10, 1, to=at(90)),
        signed(100, 1),
        trained(11, 2, to=at(90)),
        trained(50, 2, to=at(900)),
        signed(101, 2),
        trained(12, 3),
        trained(60, 3, Action.REVOKE),
        signed(102, 3),
        trained(13, 4, to=at(90)),
        trained(150, 4, from_=at(95), to=at(900)),
        signed(103, 4),
        trained(14, 5, document="SOP-2"),
        signed(104, 5),
        acted(105, 1),
    )
    examined = of(look(plant), "D06")
    assert whys(plant) == {"op1": "training-expired", "op3": "training-expired"}
    with plant.store.reader(1) as reader:
        numbers = [{record_number(reader.entry(entry).body) for entry in one.entries} for one in found(plant, "D06")]
    assert numbers == [{10, 100}, {60, 102}], "the last training before, and what took it away"
    assert (examined.clear, [(one.input, one.records) for one in examined.lacking]) == (3, [("training", 1)])


def test_approved_work_from_afar_explains_who_was_not_there_and_no_more(plant: Ledger) -> None:
    collected(
        plant,
        *(passed(number, number, "out") for number in range(1, 6)),
        *(permit(10 + number, number) for number in (1, 3, 4, 5)),
        acted(31, 1, channel="vpn"),
        acted(32, 2, channel="vpn"),
        acted(33, 3, channel="panel"),
        permit(34, 4, Action.STOP),
        acted(35, 4, channel="vpn"),
        trained(6, 5, to=at(20)),
        acted(36, 5, channel="vpn", object=Target(type="step", id="S-1"), action=Action.SIGN),
    )
    examined = of(look(plant), "D06")
    assert whys(plant) == {"op2": "off-site", "op3": "off-site", "op4": "off-site", "op5": "training-expired"}
    assert (examined.explained, examined.findings) == (1, 4)
    put(plant, ParameterName.D06, only(left=VALUE.left, entered=VALUE.entered, permits=()), source="mes")
    look(plant)
    assert whys(plant) == {"op3": "off-site"}, "where nothing is asked of the channel, it is enough"


def test_what_comes_late_opens_and_closes_it(plant: Ledger) -> None:
    collected(plant, passed(10, 1, "in"), acted(100, 1), passed(11, 2, "in"), acted(101, 2),
              passed(12, 3, "out"), permit(13, 3), acted(102, 3, channel="vpn"), passed(14, 4, "in"),
              trained(15, 4), signed(103, 4))  # fmt: skip
    examined = of(look(plant), "D06")
    assert (examined.clear, examined.explained, examined.findings) == (3, 1, 0)
    collected(plant, passed(50, 1, "out"), away(51, 2), permit(52, 3, Action.STOP), trained(53, 4, Action.REVOKE))
    assert of(look(plant), "D06").opened == 4
    assert whys(plant) == {"op1": "off-site", "op2": "absent", "op3": "off-site", "op4": "training-expired"}
    collected(plant, passed(60, 1, "in"), away(61, 2, "present"), permit(62, 3), trained(63, 4))
    assert (of(look(plant), "D06").closed, whys(plant)) == (4, {})
    assert look(plant).entry is None


def test_it_waits_for_the_other_systems_and_where_one_was_away_it_cannot_be_said(plant: Ledger) -> None:
    collected(plant, passed(10, 1, "out"), acted(100, 1), passed(11, 2, "in"), trained(12, 2, to=at(50)),
              signed(101, 2), until_s=158)  # fmt: skip
    assert (of(look(plant), "D06").pending, whys(plant)) == (2, {})
    collected(plant, until_s=162)
    look(plant)
    assert whys(plant) == {"op1": "off-site", "op2": "training-expired"}
    gap = (Interval(after=at(305), before=at(306)),)
    collected(plant, passed(300, 3, "out"), acted(310, 3), doors=gap)
    collected(
        plant,
        passed(301, 4, "in"),
        trained(302, 4, to=at(303)),
        signed(320, 4),
        hr=(Interval(after=at(330), before=at(331)),),
    )
    lacking = [(one.input, one.records) for one in of(look(plant), "D06").lacking]
    assert lacking == [("time-of-doors", 1), ("time-of-hr", 1)]


def test_what_cannot_be_said(plant: Ledger) -> None:
    connect(plant, dcs=SystemClass.DCS, lims=SystemClass.LIMS)
    put(plant, ParameterName.D06, VALUE, source="lims")
    collect(plant, [acted(1, "anna", source="dcs")], source="dcs")
    collect(plant, [acted(2, "ben", source="lims")], source="lims")
    put(plant, ParameterName.D06, only(absent=VALUE.absent, absence=VALUE.absence), source="mes")
    collected(plant, acted(3, "team"), away(4, 1, until="soon"), acted(30, 1))
    lacking = [(one.input, one.records) for one in of(look(plant), "D06").lacking]
    assert lacking == [("absence", 1), ("d06", 1), ("identity-map", 1), ("one-person", 1)]


def test_without_badges_it_says_so(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path / "ledger")
    try:
        connect(ledger, mes=SystemClass.MES, hr=SystemClass.TRAINING)
        collect(ledger, [acted(1, 1)], source="mes")
        assert [(one.input, one.records) for one in of(look(ledger), "D06").lacking] == [("no-door-badges", 1)]
    finally:
        ledger.close()


def test_clocks_that_overlap_put_nothing_in_order(plant: Ledger) -> None:
    unsure = [msgspec.structs.replace(acted(number, person), clock=OFF) for number, person in ((110, 1), (111, 2))]
    permitted = msgspec.structs.replace(acted(112, 3, channel="vpn"), clock=OFF)
    collected(plant, passed(10, 1, "in"), passed(100, 1, "out"), passed(11, 2, "in"), away(101, 2),
              passed(12, 3, "out"), permit(102, 3), *unsure, permitted)  # fmt: skip
    assert (of(look(plant), "D06").unordered, found(plant, "D06")) == (3, [])


@pytest.mark.parametrize("order", range(2))
def test_the_same_is_found_in_any_order_of_arrival(plant: Ledger, order: int) -> None:
    records = [acted(number, 1) for number in range(20, 400, 20)]
    records += [
        passed(number, 1, way) for number, way in ((5, "in"), (75, "out"), (115, "in"), (235, "out"), (275, "in"))
    ]
    records += [away(155, 1, until=at(190)), away(315, 1), away(355, 1, "present")]
    Random(f"{SEED}:{order}").shuffle(records)
    for begin in range(0, len(records), 5):
        collected(plant, *records[begin : begin + 5])
        look(plant)
    with plant.store.reader(1) as reader:
        numbers = {record_number(reader.entry(one.anchor).body) for one in found(plant, "D06")}
    assert numbers == {80, 100, 160, 180, 240, 260, 320, 340}
    assert len(standing(plant, "D06")) == len(numbers)
