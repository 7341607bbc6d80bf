"""D27: a session from afar without a permit to work, or what was written in one outside of its permit."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.core.clock import utc_text
from ledger.core.parameters import ParameterName
from ledger.core.record import Action, Actor, ActorKind, Change, Interval, Link, LinkBasis, LinkKind, Submission, Target
from ledger.core.rule_parameters import D27, Pattern, Scope
from ledger.core.system_class import SystemClass
from ledger.core.times import Clock
from tests.support.ledgers import START_US, Ledger, new_ledger, submission
from tests.support.ruling import account, arrived, collect, connect, found, look, map_, of, place, put, rests_on

VALUE = D27(
    started=(Pattern(object_type="session", actions=(Action.START,)),),
    stopped=(Pattern(object_type="session", actions=(Action.STOP,)),),
    written=(Pattern(object_type="tag", actions=(Action.UPDATE,)),),
    approved=(Pattern(object_type="permit", attribute="state", values=("approved",)),),
    ended=(Pattern(object_type="permit", attribute="state", values=("closed",)),),
    scope=Scope(valid_from="from", valid_to="to", object_id="asset"),
    session_s=300,
    back_s=300,
    grace_s=30,
)
SOURCES = ("vpn", "dcs", "cmms")
PEOPLE = ("anna", "ben", "carl", "dora", "emil", "fay", "gil")


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Ledger]:
    ledger = furnished(new_ledger(tmp_path / "ledger"))
    yield ledger
    ledger.close()


def furnished(ledger: Ledger) -> Ledger:
    connect(ledger, vpn=SystemClass.REMOTE_ACCESS, dcs=SystemClass.DCS, cmms=SystemClass.MAINTENANCE)
    for source in ("vpn", "dcs"):
        put(ledger, ParameterName.D27, VALUE, source=source)
    people = [account(f"{source}-{name}", f"P-{name}", source=source) for source in ("vpn", "dcs") for name in PEOPLE]
    places = [place(f"T{at}", f"R{at}", source="dcs", critical=False) for at in range(1, 8)]
    map_(ledger, *people, account("dcs-team", None, shared=True, source="dcs"), *places)
    return ledger


def told(number: int, source: str, type_: str, id_: str, action: Action, who: str, **members: Any) -> Submission:
    """At second `number` something was done; its source's id of it says what to which object."""
    usual: dict[str, Any] = {
        "object": Target(type=type_, id=id_), "action": action, "links": (), "changes": (),
        "actor": Actor(account=f"{source}-{who}", kind=ActorKind.PERSON),
        "occurred_at": submission(number).record.occurred_at,
    }  # fmt: skip
    return submission(f"{id_}/{number}", source, **(usual | members))


def links(**named: str) -> tuple[Link, ...]:
    return tuple(Link(kind=LinkKind(kind), id=id_, basis=LinkBasis.READ) for kind, id_ in named.items() if id_)


def session(number: int, who: str, permit: str = "", asset: str = "", action: Action = Action.START) -> Submission:
    return told(number, "vpn", "session", f"S-{who}", action, who, links=links(order=permit, equipment=asset))


def write(number: int, who: str, tag: str, **members: Any) -> Submission:
    changes = (Change(attribute="SP", old="1", new="2"),)
    return told(number, "dcs", "tag", tag, Action.UPDATE, who, changes=changes, **members)


def permit(number: int, id_: str, state: str = "approved", asset: str = "", **said: str) -> Submission:
    changes = tuple(Change(attribute=name.rstrip("_"), new=text) for name, text in {"state": state, **said}.items())
    return told(number, "cmms", "permit", id_, Action.UPDATE, "chief", changes=changes, links=links(equipment=asset))


def at(number: int) -> str:
    return utc_text(START_US + number * 1_000_000)


def collected(
    ledger: Ledger, *records: Submission, until_s: int = 1_000, away: dict[str, Interval] | None = None
) -> None:
    for source in SOURCES:
        mine = [one for one in records if one.record.source == source]
        unreachable = tuple(one for name, one in (away or {}).items() if name == source)
        collect(ledger, mine, until_s, source=source, unreachable=unreachable)


ALL = [
    # Without a permit, with one, and with one that was closed, or is only planned.
    session(10, "anna"), write(20, "anna", "T1"), session(60, "anna", action=Action.STOP), write(70, "anna", "T1"),
    permit(5, "P-1", asset="R1"), session(100, "ben", "P-1"), write(110, "ben", "T1"), write(111, "ben", "T2"),
    permit(5, "P-2"), permit(90, "P-2", "closed"), session(100, "carl", "P-2"),
    permit(5, "P-3", "planned"), session(100, "dora", "P-3"),
    # Named by nothing but the equipment; until some time; for an asset that the permit itself names.
    permit(5, "P-4", asset="R4"), session(100, "emil", asset="R4"), write(110, "emil", "T4"),
    permit(5, "P-5", **{"from": at(90), "to": at(150)}), session(100, "fay", "P-5"), write(149, "fay", "T5"),
    write(151, "fay", "T5"),
    permit(5, "P-6", asset_="R6"), session(100, "gil", "P-6"), write(110, "gil", "T6"), write(112, "gil", "T7"),
    session(150, "gil", action=Action.STOP), write(160, "gil", "T7"),
]  # fmt: skip
FOUND = {
    ("no-permit", frozenset({"S-anna/10"})),
    ("no-permit", frozenset({"S-carl/100"})),
    ("no-permit", frozenset({"S-dora/100"})),
    ("outside-permit", frozenset({"S-ben/100", "T2/111"})),
    ("outside-permit", frozenset({"S-fay/100", "T5/151"})),
    ("outside-permit", frozenset({"S-gil/100", "T7/112"})),
}


def test_sessions_without_a_permit_and_writes_outside_of_one_are_found(plant: Ledger) -> None:
    collected(plant, *ALL)
    examined = of(look(plant), "D27")
    assert rests_on(plant, "D27") == FOUND
    assert (examined.examined, examined.findings, examined.clear) == (17, 6, 11)
    details = {one.why: one.detail for one in found(plant, "D27")}
    assert "came in from afar, and no permit" in details["no-permit"]
    assert "outside of what its permit to work allows" in details["outside-permit"]


@pytest.mark.parametrize("order", range(2))
def test_the_same_is_found_in_any_order_of_arrival_and_nothing_twice(ledger: Ledger, order: int) -> None:
    furnished(ledger)
    arrived(ledger, ALL, SOURCES, "D27", order)
    assert rests_on(ledger, "D27") == FOUND


def test_it_waits_and_what_comes_late_opens_and_closes_it(plant: Ledger) -> None:
    collected(plant, session(100, "ben", "P-1"), until_s=120)
    assert of(look(plant), "D27").pending == 1
    collected(plant, write(110, "anna", "T1"))
    assert (of(look(plant), "D27").opened, {why for why, _ in rests_on(plant, "D27")}) == (1, {"no-permit"})
    collected(plant, permit(5, "P-1", asset="R1"), permit(5, "P-2", asset="R2"), write(150, "ben", "T1"))
    assert (of(look(plant), "D27").closed, rests_on(plant, "D27")) == (1, set())
    collected(plant, session(105, "anna", "P-2"))
    assert (of(look(plant), "D27").opened, {why for why, _ in rests_on(plant, "D27")}) == (1, {"outside-permit"})
    collected(plant, permit(120, "P-1", "closed"), session(108, "anna", action=Action.STOP))
    assert of(look(plant), "D27").closed == 1
    assert rests_on(plant, "D27") == {("outside-permit", frozenset({"S-ben/100", "T1/150"}))}


def test_sessions_of_several_people_at_one_gateway_are_told_apart(plant: Ledger) -> None:
    def at_gateway(number: int, who: str, permit: str = "", action: Action = Action.START) -> Submission:
        gateway = Target(type="session", id="GATEWAY")
        return told(number, "vpn", "session", f"G-{who}", action, who, object=gateway, links=links(order=permit))

    collected(
        plant,
        permit(5, "P-1", asset="R1"),
        permit(5, "P-2", asset="R2"),
        at_gateway(100, "anna", "P-1"),
        at_gateway(110, "ben", "P-2"),
        write(120, "anna", "T1"),
        write(121, "anna", "T2"),
        at_gateway(130, "anna", action=Action.STOP),
        write(140, "anna", "T2"),
        write(141, "ben", "T1"),
        write(142, "ben", "T2"),
    )
    examined = of(look(plant), "D27")
    assert rests_on(plant, "D27") == {
        ("outside-permit", frozenset({"G-anna/100", "T2/121"})),
        ("outside-permit", frozenset({"G-ben/110", "T1/141"})),
    }
    assert examined.clear == 5


def test_the_id_of_the_session_says_whose_a_write_is_where_the_account_is_shared(plant: Ledger) -> None:
    shared = Actor(account="dcs-team", kind=ActorKind.PERSON, session="S-ben")
    collected(
        plant,
        permit(5, "P-1", asset="R1"),
        session(100, "ben", "P-1"),
        write(110, "team", "T2", actor=shared),
        write(120, "team", "T1"),
        session(130, "ben", action=Action.STOP),
        write(140, "team", "T1"),
    )
    examined = of(look(plant), "D27")
    assert rests_on(plant, "D27") == {("outside-permit", frozenset({"S-ben/100", "T2/110"}))}
    assert [(one.input, one.records) for one in examined.lacking] == [("one-person", 1)], "that of second 120"


def test_what_cannot_be_said(plant: Ledger) -> None:
    connect(plant, vpn2=SystemClass.REMOTE_ACCESS)
    collect(plant, [told(1, "vpn2", "session", "S", Action.LOGIN, "anna")], source="vpn2")
    off = Clock(offset_us=0, uncertainty_us=20_000_000, method="test", measured_at=utc_text(START_US))
    cmms = Interval(after=at(450), before=at(460))
    vpn = Interval(after=at(550), before=at(560))
    collected(
        plant,
        msgspec.structs.replace(permit(90, "P-1"), clock=off),
        session(100, "ben", "P-1"),
        session(455, "carl"),
        write(555, "dora", "T1"),
        permit(600, "P-2"),
        session(610, "emil", "P-2"),
        write(620, "emil", "T9"),
        away={"cmms": cmms, "vpn": vpn},
    )
    examined = of(look(plant), "D27")
    assert [(one.input, one.records) for one in examined.lacking] == [
        ("asset-map", 1),
        ("d27", 1),
        ("time-of-cmms", 1),
        ("time-of-vpn", 1),
    ]
    assert (examined.unordered, found(plant, "D27")) == (1, [])


def test_without_the_systems_nothing_can_be_said(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path / "ledger")
    try:
        connect(ledger, vpn=SystemClass.REMOTE_ACCESS, dcs=SystemClass.DCS)
        collect(ledger, [session(1, "anna")], source="vpn")
        assert [(one.input, one.records) for one in of(look(ledger), "D27").lacking] == [("no-maintenance", 1)]
    finally:
        ledger.close()
