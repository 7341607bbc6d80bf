"""D22: rights were raised, used and lowered again; or something was written past its application."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.core.clock import utc_text
from ledger.core.parameters import ParameterName
from ledger.core.record import Action, Actor, ActorKind, Change, Interval, Link, LinkBasis, LinkKind, Submission, Target
from ledger.core.rule_parameters import D22, Direct, Pattern, Scope
from ledger.core.system_class import SystemClass
from ledger.core.times import Clock
from tests.support.ledgers import START_US, Ledger, new_ledger, submission
from tests.support.ruling import account, arrived, collect, connect, found, look, map_, of, put, rests_on

RIGHTS = D22(
    raised=(Pattern(object_type="group", actions=(Action.GRANT,)),),
    lowered=(Pattern(object_type="group", actions=(Action.REVOKE,)),),
    critical=(Pattern(object_type="recipe", actions=(Action.UPDATE,)),),
    member="member",
    within_s=100,
    approved=(Pattern(object_type="ticket", attribute="state", values=("approved",)),),
    ended=(Pattern(object_type="ticket", attribute="state", values=("closed",)),),
    scope=Scope(object_id="account"),
    back_s=300,
    grace_s=30,
)
WRITES = msgspec.structs.replace(
    RIGHTS, raised=(), lowered=(), critical=(),
    direct=(
        Direct(
            written=(Pattern(object_type="table", actions=(Action.UPDATE,)),),
            event=(Pattern(object_type="result", actions=(Action.UPDATE,)),),
            application=SystemClass.LIMS, link=LinkKind.SAMPLE, within_s=10,
        ),
        Direct(
            written=(Pattern(object_type="file"), Pattern(object_type="table", actions=(Action.DELETE,))),
            event=(Pattern(object_type="export"),), application=SystemClass.LIMS, within_s=10,
        ),
    ),
)  # fmt: skip
SOURCES = ("ad", "mes", "lims", "db", "qms")


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Ledger]:
    ledger = furnished(new_ledger(tmp_path / "ledger"))
    yield ledger
    ledger.close()


def furnished(ledger: Ledger) -> Ledger:
    connect(
        ledger,
        ad=SystemClass.DIRECTORY,
        mes=SystemClass.MES,
        lims=SystemClass.LIMS,
        db=SystemClass.SERVERS,
        qms=SystemClass.MAINTENANCE,
    )
    put(ledger, ParameterName.D22, RIGHTS, source="ad")
    put(ledger, ParameterName.D22, WRITES, source="db")
    people = [account(f"{source}-{name}", f"P-{name}", source=source)
              for source in ("ad", "mes") for name in ("anna", "ben", "carl", "dora", "emil", "fay")]  # fmt: skip
    map_(ledger, *people, account("ad-team", None, shared=True, source="ad"))
    return ledger


def told(
    number: int, source: str, type_: str, id_: str, action: Action, who: str = "root", **members: Any
) -> Submission:
    """At second `number` something was done; its source's id of it says what to which object."""
    usual: dict[str, Any] = {
        "object": Target(type=type_, id=id_), "action": action, "links": (), "changes": (),
        "actor": Actor(account=who, kind=ActorKind.PERSON), "occurred_at": submission(number).record.occurred_at,
    }  # fmt: skip
    return submission(f"{id_}/{number}/{who}", source, **(usual | members))


def group(number: int, name: str, action: Action, ticket: str = "", id_: str = "admins") -> Submission:
    links = (Link(kind=LinkKind.CHANGE_REQUEST, id=ticket, basis=LinkBasis.READ),) if ticket else ()
    is_, was = (f"ad-{name}", None) if action is Action.GRANT else (None, f"ad-{name}")
    member = Change(attribute="member", old=was, new=is_)
    return told(number, "ad", "group", f"{id_}-{name}", action, changes=(member,), links=links)


def burst(number: int, name: str, lowered: int = 20, ticket: str = "", acts: bool = True) -> list[Submission]:
    """Rights were raised, used after 10 seconds, and lowered again."""
    used = [told(number + 10, "mes", "recipe", "R", Action.UPDATE, f"mes-{name}")] if acts else []
    return [group(number, name, Action.GRANT, ticket), *used, group(number + lowered, name, Action.REVOKE)]


def ticket(number: int, id_: str, state: str, of_account: str | None = None) -> Submission:
    changes = [Change(attribute="state", new=state)]
    changes += [] if of_account is None else [Change(attribute="account", new=of_account)]
    return told(number, "qms", "ticket", id_, Action.UPDATE, changes=tuple(changes))


def of_sample(number: int, source: str, type_: str, sample: str, action: Action = Action.UPDATE) -> Submission:
    links = (Link(kind=LinkKind.SAMPLE, id=sample, basis=LinkBasis.READ),) if sample else ()
    return told(number, source, type_, f"{type_}-{sample}", action, links=links)


def collected(ledger: Ledger, *records: Submission, until_s: int = 1_000, away: tuple[Interval, ...] = ()) -> None:
    for source in SOURCES:
        mine = [one for one in records if one.record.source == source]
        collect(ledger, mine, until_s, source=source, unreachable=away if source == "lims" else ())


ALL = [
    *burst(10, "anna"),
    *burst(10, "ben", lowered=101),
    *burst(10, "carl", acts=False), told(40, "mes", "recipe", "R", Action.UPDATE, "mes-carl"),
    ticket(5, "T-1", "approved"), *burst(20, "dora", ticket="T-1"),
    ticket(5, "T-2", "approved", "ad-emil"), *burst(30, "emil"),
    ticket(5, "T-3", "approved"), ticket(35, "T-3", "closed"), *burst(40, "fay", ticket="T-3"),
    of_sample(100, "db", "table", "S-1"), of_sample(91, "lims", "result", "S-1"),
    of_sample(100, "db", "table", "S-2"), of_sample(111, "lims", "result", "S-2"),
    of_sample(99, "lims", "result", "S-9"),
    told(200, "db", "file", "F-1", Action.UPDATE), told(205, "lims", "export", "E", Action.CREATE),
    told(300, "db", "file", "F-2", Action.UPDATE),
    ticket(250, "T-4", "approved", "root"), ticket(390, "T-4", "closed"), told(400, "db", "file", "F-3", Action.DELETE),
]  # fmt: skip
FOUND = {
    ("burst", frozenset({"admins-anna/10/root", "R/20/mes-anna", "admins-anna/30/root"})),
    ("burst", frozenset({"admins-fay/40/root", "R/50/mes-fay", "admins-fay/60/root"})),
    ("past-application", frozenset({"F-3/400/root"})),
    ("past-application", frozenset({"table-S-2/100/root"})),
}


def test_bursts_and_writes_past_the_application_are_found_and_a_ticket_explains_them(plant: Ledger) -> None:
    collected(plant, *ALL)
    examined = of(look(plant), "D22")
    assert rests_on(plant, "D22") == FOUND
    assert (examined.examined, examined.explained, examined.clear, examined.findings) == (11, 3, 4, 4)
    details = {one.why: one.detail for one in found(plant, "D22")}
    assert details["burst"].startswith(("ad-anna got rights by entry", "ad-fay got rights by entry"))


@pytest.mark.parametrize("order", range(2))
def test_the_same_is_found_in_any_order_of_arrival_and_nothing_twice(ledger: Ledger, order: int) -> None:
    furnished(ledger)
    arrived(ledger, ALL, SOURCES, "D22", order)
    assert rests_on(ledger, "D22") == FOUND


def test_what_comes_late_opens_and_closes_it(plant: Ledger) -> None:
    raised, used, lowered = burst(10, "anna")
    collected(plant, raised, lowered, ticket(5, "T-1", "approved"), *burst(100, "dora", ticket="T-1"), until_s=150)
    examined = of(look(plant), "D22")
    assert (examined.clear, examined.explained, found(plant, "D22")) == (1, 1, [])
    collected(plant, used, of_sample(300, "db", "table", "S-1"), until_s=305)
    examined = of(look(plant), "D22")
    assert (examined.opened, examined.pending) == (1, 1), "the application has time to tell of its event"
    collected(plant, ticket(50, "T-1", "closed"))
    assert of(look(plant), "D22").opened == 2, "the ticket had ended, and no event came"
    collected(plant, of_sample(302, "lims", "result", "S-1"), ticket(8, "T-2", "approved", "ad-anna"))
    assert (of(look(plant), "D22").closed, {why for why, _ in rests_on(plant, "D22")}) == (2, {"burst"})


def test_what_cannot_be_said(plant: Ledger) -> None:
    connect(plant, ad2=SystemClass.DIRECTORY)
    collect(plant, [told(1, "ad2", "group", "G", Action.GRANT)], source="ad2")
    off = Clock(offset_us=0, uncertainty_us=20_000_000, method="test", measured_at=utc_text(START_US))
    raised, used, lowered = burst(100, "anna")
    away = Interval(after=utc_text(START_US + 450_000_000), before=utc_text(START_US + 460_000_000))
    collected(
        plant,
        raised,
        msgspec.structs.replace(used, clock=off),
        lowered,
        *burst(200, "team"),
        of_sample(300, "db", "table", ""),
        of_sample(455, "db", "table", "S-1"),
        away=(away,),
    )
    examined = of(look(plant), "D22")
    assert [(one.input, one.records) for one in examined.lacking] == [
        ("d22", 1),
        ("link-sample", 1),
        ("one-person", 1),
        ("time-of-lims", 1),
    ]
    assert (examined.unordered, found(plant, "D22")) == (1, [])


def test_without_the_classes_and_the_map_nothing_can_be_said(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path / "ledger")
    try:
        connect(ledger, mes=SystemClass.MES)
        put(ledger, ParameterName.D22, RIGHTS, source="mes")
        raised, lowered = burst(10, "anna", acts=False)
        mine = [msgspec.structs.replace(one, record=msgspec.structs.replace(one.record, source="mes"))
                for one in (raised, lowered)]  # fmt: skip
        collect(ledger, mine, source="mes")
        lacking = of(look(ledger), "D22").lacking
        assert [(one.input, one.records) for one in lacking] == [("no-directory-or-servers-and-network", 1)]
        connect(ledger, db=SystemClass.SERVERS)
        assert [(one.input, one.records) for one in of(look(ledger), "D22").lacking] == [("identity-map", 1)]
    finally:
        ledger.close()


def test_a_parameter_that_says_half_is_refused() -> None:
    for lowered in ((), RIGHTS.lowered):
        with pytest.raises(ValueError, match="give all of them"):
            D22(raised=RIGHTS.raised, lowered=lowered)
    with pytest.raises(ValueError, match="give one of them"):
        D22()
