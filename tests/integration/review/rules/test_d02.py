"""D02: a set point was changed, and no approved change that was in force covers it."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from ledger.core.clock import utc_text
from ledger.core.parameters import ParameterName
from ledger.core.record import Action, Change, Interval, Link, LinkBasis, LinkKind, Submission, Target
from ledger.core.rule_parameters import D02, Adjustable, Attributes, Pattern, Scope
from ledger.core.system_class import SystemClass
from ledger.core.times import Clock
from tests.support.ledgers import START_US, Ledger, new_ledger, submission
from tests.support.ruling import collect, connect, found, look, map_, of, place, put, standing
from tests.support.seeds import SEED

SET_POINTS = D02(
    set_points=(Attributes(object_type="tag", attributes=("Value",)),),
    approved=(Pattern(object_type="change", attribute="state", values=("approved",)),),
    ended=(Pattern(object_type="change", attribute="state", values=("closed",)),),
    scope=Scope(valid_from="from", valid_to="to", object_id="tag", low="low", high="high"),
    adjustable=(Adjustable(object_id="TIC102.SP", attribute="Value", low="20", high="30"),),
    grace_s=60,
)


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Ledger]:
    ledger = new_ledger(tmp_path / "ledger")
    connect(ledger, erp=SystemClass.DCS, qms=SystemClass.QUALITY_SYSTEM)
    put(ledger, ParameterName.D02, SET_POINTS)
    map_(ledger, place("TIC101.SP", "R-1"), place("TIC102.SP", "R-1"), place("TIC103.SP", "R-2", critical=False))
    yield ledger
    ledger.close()


def set_to(number: int, value: str, tag: str = "TIC101.SP", **members: Any) -> Submission:
    """At second `number` a set point was set."""
    changes = (Change(attribute="Value", new=value),)
    occurred, of_tag = submission(number).record.occurred_at, Target(type="tag", id=tag)
    id_ = members.pop("id_", number)
    return submission(id_, changes=changes, object=of_tag, occurred_at=occurred, **({"links": ()} | members))


def request(number: int, id_: str = "CR-1", asset: str | None = "R-1", **said: str) -> Submission:
    """At second `number` a change of an asset was made what is said."""
    links = () if asset is None else (Link(kind=LinkKind.EQUIPMENT, id=asset, basis=LinkBasis.READ),)
    changes = tuple(Change(attribute=name.rstrip("_"), new=value) for name, value in said.items())
    of = Target(type="change", id=id_)
    return submission(f"{id_}/{number}", "qms", changes=changes, object=of, links=links, action=Action.UPDATE,
                      occurred_at=submission(number).record.occurred_at)  # fmt: skip


def at(number: int) -> str:
    return utc_text(START_US + number * 1_000_000)


def collected(ledger: Ledger, *told: Submission, until_s: int = 1_000, **run: Any) -> None:
    """What each system told, of a time that its collector knows up to the end."""
    for source in ("qms", "erp"):
        of_it = [one for one in told if one.record.source == source]
        collect(ledger, of_it, until_s, source=source, **(run if source == "qms" else {}))


def test_a_set_point_without_an_approved_change_is_found_and_one_that_is_covered_is_not(plant: Ledger) -> None:
    collected(
        plant,
        set_to(5, "50"),
        request(10, state="approved"),
        set_to(20, "60"),
        request(30, state="closed"),
        set_to(40, "70"),
        request(50, "CR-2", "R-9", state="approved"),
        set_to(60, "80"),
    )
    examined = of(look(plant), "D02")
    told = found(plant, "D02")
    assert [one.why for one in told] == ["approved-later", "not-approved", "not-approved"]
    assert told[0].detail.startswith("TIC101.SP was changed by entry ")
    assert (examined.examined, examined.clear, examined.findings) == (4, 1, 3)


def test_a_change_covers_what_it_says_that_it_allows(plant: Ledger) -> None:
    said: list[tuple[dict[str, str], str]] = [
        ({"from": at(90), "to": at(110)}, "clear"),
        ({"from": at(101)}, "not-covered"),
        ({"to": at(99)}, "not-covered"),
        ({"to": at(100)[:10]}, "scope-of-change"),
        ({"to": "2026-09-21T23:59:59+00:00"}, "clear"),
        ({"from": "next week"}, "scope-of-change"),
        ({"tag": "TIC102.SP"}, "not-covered"),
        ({"tag": "T7", "low": "40", "high": "60"}, "clear"),
        ({"low": "50.5"}, "not-covered"),
        ({"high": "49.5"}, "not-covered"),
        ({"high": "hot"}, "scope-of-change"),
    ]
    map_(plant, *(place(f"T{number}", f"E{number}") for number, _ in enumerate(said)))
    told = [set_to(100, "50", f"T{number}", id_=f"T{number}") for number, _ in enumerate(said)]
    told += [request(10, f"CR-{n}", f"E{n}", state="approved", **bounds) for n, (bounds, _) in enumerate(said)]
    collected(plant, *told)
    examined, whys = of(look(plant), "D02"), {one.detail.split()[0]: one.why for one in found(plant, "D02")}
    wanted = {f"T{number}": verdict for number, (_, verdict) in enumerate(said)}
    assert whys == {tag: why for tag, why in wanted.items() if why == "not-covered"}
    assert [(one.input, one.records) for one in examined.lacking] == [("scope-of-change", 3)]
    assert examined.clear == 3


def test_a_day_is_over_at_its_end_and_a_time_without_an_offset_is_of_the_zone_that_is_set(plant: Ledger) -> None:
    scope = msgspec.structs.replace(SET_POINTS.scope, zone="Etc/UTC")
    put(plant, ParameterName.D02, msgspec.structs.replace(SET_POINTS, scope=scope))
    collected(plant, request(10, state="approved", to=at(100)[:10]), set_to(100, "50"))
    assert of(look(plant), "D02").clear == 1


def test_what_operators_may_set_by_themselves_and_what_is_not_critical_is_none(plant: Ledger) -> None:
    other = Change(attribute="Note", new="x")
    collected(
        plant,
        set_to(10, "25", "TIC102.SP"),
        set_to(11, "30.1", "TIC102.SP"),
        set_to(12, "25", "TIC103.SP"),
        submission(13, changes=(other,), object=Target(type="tag", id="TIC101.SP"), links=()),
    )
    examined = of(look(plant), "D02")
    assert (examined.examined, examined.explained, examined.clear, examined.findings) == (3, 1, 1, 1)


def test_an_approval_that_comes_late_closes_it_and_an_end_that_comes_late_opens_it(plant: Ledger) -> None:
    collected(plant, set_to(100, "50"), set_to(200, "60"))
    assert of(look(plant), "D02").opened == 2
    collected(plant, request(10, state="approved"))
    assert (of(look(plant), "D02").closed, found(plant, "D02")) == (2, [])
    collected(plant, request(150, state="closed"))
    assert of(look(plant), "D02").opened == 1
    assert [one.why for one in found(plant, "D02")] == ["not-approved"] * 2, "as before, and anew"
    assert len(standing(plant, "D02")) == 1


def test_a_change_of_no_asset_covers_what_names_it(plant: Ledger) -> None:
    named = (Link(kind=LinkKind.CHANGE_REQUEST, id="CR-1", basis=LinkBasis.READ),)
    collected(plant, request(10, asset=None, state="approved"), set_to(100, "50", links=named), set_to(200, "60"))
    assert of(look(plant), "D02").clear == 1
    assert [one.why for one in found(plant, "D02")] == ["not-approved"]


def test_it_waits_for_the_other_system_and_where_that_was_away_it_cannot_be_said(plant: Ledger) -> None:
    collected(plant, set_to(100, "50"), until_s=150)
    assert (of(look(plant), "D02").pending, found(plant, "D02")) == (1, []), "the grace is not over"
    collected(plant, until_s=161)
    assert of(look(plant), "D02").opened == 1
    away = Interval(after=at(300), before=at(310))
    collected(plant, set_to(299, "60"), unreachable=(away,))
    examined = of(look(plant), "D02")
    assert [(one.input, one.records) for one in examined.lacking] == [("time-of-qms", 1)]


def test_what_was_looked_at_before_the_other_system_was_ever_collected_is_looked_at_again(plant: Ledger) -> None:
    collect(plant, [set_to(5, "50"), set_to(20, "25", "TIC102.SP")])
    examined = of(look(plant), "D02")
    assert ([(one.input, one.records) for one in examined.lacking], examined.explained) == ([("time-of-qms", 1)], 1)
    collect(plant, [], source="qms")
    assert of(look(plant), "D02").examined == 2
    assert [one.why for one in found(plant, "D02")] == ["not-approved"]
    collect(plant, [], 1_010, source="qms")
    assert of(look(plant), "D02").examined == 1, "what stands: only the first run says since when it is collected"


def test_what_is_lacking_is_named(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path / "ledger")
    try:
        connect(ledger, erp=SystemClass.DCS)
        collect(ledger, [set_to(1, "50")])
        lacking = of(look(ledger), "D02").lacking
        assert [(one.input, one.records) for one in lacking] == [("no-quality-system-or-maintenance", 1)]
        connect(ledger, qms=SystemClass.MAINTENANCE)
        assert [(one.input, one.records) for one in of(look(ledger), "D02").lacking] == [("d02", 1)]
        put(ledger, ParameterName.D02, SET_POINTS)
        assert [(one.input, one.records) for one in of(look(ledger), "D02").lacking] == [("asset-map", 1)]
    finally:
        ledger.close()


@pytest.mark.parametrize(("uncertain_s", "approved"), [(30, True), (1_000, False)], ids=["both", "its own"])
def test_times_that_overlap_are_not_put_in_order(plant: Ledger, uncertain_s: int, approved: bool) -> None:
    off = Clock(offset_us=0, uncertainty_us=uncertain_s * 1_000_000, method="test", measured_at=at(0))
    approvals = [request(110, state="approved")] if approved else []
    collected(plant, *approvals, msgspec.structs.replace(set_to(100, "50"), clock=off))
    assert (of(look(plant), "D02").unordered, found(plant, "D02")) == (1, [])


def test_what_lies_longer_ago_than_an_approval_counts_says_nothing_of_a_change(plant: Ledger) -> None:
    put(plant, ParameterName.D02, msgspec.structs.replace(SET_POINTS, back_s=50))
    told = [request(10, state="planned"), request(70, asset=None, state="approved"), set_to(55, "5"), set_to(119, "5")]
    collected(plant, *told, request(69, "CR-2", state="approved"), set_to(120, "6"))
    assert (of(look(plant), "D02").clear, len(found(plant, "D02"))) == (1, 2)


@pytest.mark.parametrize("order", range(2))
def test_the_same_is_found_in_any_order_of_arrival(plant: Ledger, order: int) -> None:
    told = [set_to(number, str(number)) for number in range(10, 300, 10)]
    for number, state in ((15, "approved"), (65, "closed"), (105, "approved"), (155, "closed"), (215, "approved")):
        told.append(request(number, state=state))
    covered = {20, 30, 40, 50, 60, 110, 120, 130, 140, 150, *range(220, 300, 10)}
    Random(f"{SEED}:{order}").shuffle(told)
    for at_ in range(0, len(told), 9):
        collected(plant, *told[at_ : at_ + 9])
        look(plant)
    with plant.store.reader(1) as reader:
        bodies = {one.anchor: reader.entry(one.anchor).body or b"" for one in found(plant, "D02")}
    numbers = {int(msgspec.json.decode(body)["record"]["source_record_id"]) for body in bodies.values()}
    assert numbers == set(range(10, 300, 10)) - covered
    assert len(standing(plant, "D02")) == len(numbers)
