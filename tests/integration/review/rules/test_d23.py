"""D23: a source and the log, a source's own numbers, or two systems do not agree."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.core.clock import utc_text
from ledger.core.parameters import ParameterName, Sequence, SequencePolicy
from ledger.core.record import Action, Change, Interval, Link, LinkBasis, LinkKind, Submission, Target
from ledger.core.rule_parameters import D23, Agreement, Pattern
from ledger.core.system_class import SystemClass
from tests.support.ledgers import AUTHORITY, START_US, Ledger, MovableClock, new_ledger, submission
from tests.support.ruling import arrived, collect, connect, found, look, of, put, rests_on

AMOUNTS = Agreement(
    told=(Pattern(object_type="movement", attribute="quantity"),),
    other=(Pattern(object_type="consumption", attribute="amount"),),
    system=SystemClass.MES,
    links=(LinkKind.ORDER, LinkKind.MATERIAL),
    tolerance="0.5",
)
DECISIONS = Agreement(
    told=(Pattern(object_type="decision", attribute="code"),),
    other=(Pattern(object_type="lot", attribute="status"),),
    system=SystemClass.LIMS,
    links=(LinkKind.LOT,),
    same=(("A", "passed"), ("R", "failed")),
)
VALUE = D23(agreements=(AMOUNTS, DECISIONS), in_flight_s=30)
SOURCES = ("erp", "mes", "lims")


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Ledger]:
    ledger = furnished(new_ledger(tmp_path / "ledger"))
    yield ledger
    ledger.close()


def furnished(ledger: Ledger) -> Ledger:
    connect(ledger, erp=SystemClass.ERP, mes=SystemClass.MES, lims=SystemClass.LIMS)
    for source in SOURCES:
        put(ledger, ParameterName.D23, VALUE, source=source)
    return ledger


def told(
    number: int, source: str, type_: str, attribute: str, value: str, unit: str | None = None, **ids: str
) -> Submission:
    """At second `number` a system told something of a thing; its source's id of it says what."""
    links = tuple(Link(kind=LinkKind(kind), id=id_, basis=LinkBasis.READ) for kind, id_ in ids.items())
    id_ = f"{type_}-{'-'.join(ids.values())}/{number}"
    return submission(id_, source, object=Target(type=type_, id=id_), action=Action.CREATE, links=links,
                      changes=(Change(attribute=attribute, new=value, unit=unit),),
                      occurred_at=submission(number).record.occurred_at)  # fmt: skip


def moved(number: int, order: str, quantity: str, material: str = "M", unit: str = "kg") -> Submission:
    return told(number, "erp", "movement", "quantity", quantity, unit, order=order, material=material)


def consumed(number: int, order: str, amount: str, material: str = "M", unit: str = "kg") -> Submission:
    return told(number, "mes", "consumption", "amount", amount, unit, order=order, material=material)


def decided(number: int, lot: str, code: str) -> Submission:
    return told(number, "erp", "decision", "code", code, lot=lot)


def result(number: int, lot: str, status: str) -> Submission:
    return told(number, "lims", "lot", "status", status, lot=lot)


def collected(ledger: Ledger, *records: Submission, until_s: int = 1_000, **run: Any) -> None:
    for source in SOURCES:
        mine = [one for one in records if one.record.source == source]
        collect(ledger, mine, until_s, source=source, **(run if source == "erp" else {}))


ALL = [
    # The sums agree within the tolerance; they do not; another material; one system alone tells of it.
    moved(10, "O-1", "5.0"), moved(20, "O-1", "7.25"), consumed(15, "O-1", "11.75"),
    moved(10, "O-2", "5.0"), consumed(15, "O-2", "5.0"), consumed(16, "O-2", "0.51"),
    moved(10, "O-3", "5.0"), consumed(15, "O-3", "5.0"), consumed(16, "O-3", "9", "M2"),
    moved(10, "O-4", "5.0"), moved(12, "O-5", "0.5"),
    # The last that each told counts, and what means the same in both.
    result(100, "L-1", "passed"), decided(110, "L-1", "A"),
    result(100, "L-2", "failed"), decided(110, "L-2", "A"),
    result(100, "L-3", "failed"), decided(105, "L-3", "A"), result(120, "L-3", "passed"), decided(125, "L-3", "R"),
    result(100, "L-4", "failed"), result(102, "L-4", "passed"), decided(110, "L-4", "A"),
    decided(110, "L-5", "A"), result(100, "L-6", "passed"),
]  # fmt: skip
FOUND = {
    ("differs", frozenset({"movement-O-2-M/10", "consumption-O-2-M/16"})),
    ("no-partner", frozenset({"consumption-O-3-M2/16"})),
    ("no-partner", frozenset({"movement-O-4-M/10"})),
    ("differs", frozenset({"decision-L-2/110", "lot-L-2/100"})),
    ("differs", frozenset({"decision-L-3/125", "lot-L-3/120"})),
    ("no-partner", frozenset({"decision-L-5/110"})),
}


def test_what_two_systems_tell_otherwise_is_found_once(plant: Ledger) -> None:
    collected(plant, *ALL)
    examined = of(look(plant), "D23")
    assert rests_on(plant, "D23") == FOUND
    assert (examined.examined, examined.findings, examined.clear) == (len(ALL), 6, len(ALL) - 6)
    details = {one.detail for one in found(plant, "D23")}
    assert "O-2, M: one system tells 5.0 in all, and the other 5.51" in details
    assert "L-2: one system tells A, and the other failed" in details


@pytest.mark.parametrize("order", range(2))
def test_the_same_is_found_in_any_order_of_arrival_and_nothing_twice(ledger: Ledger, order: int) -> None:
    furnished(ledger)
    arrived(ledger, ALL, SOURCES, "D23", order)
    assert rests_on(ledger, "D23") == FOUND


def test_what_is_on_its_way_is_waited_for_and_what_comes_late_opens_and_closes_it(plant: Ledger) -> None:
    collected(plant, moved(10, "O-1", "5"), result(12, "L-1", "passed"), decided(15, "L-1", "A"), until_s=39)
    assert (of(look(plant), "D23").pending, found(plant, "D23")) == (1, []), "it is in flight for 30 seconds"
    collected(plant, until_s=41)
    assert (of(look(plant), "D23").opened, {why for why, _ in rests_on(plant, "D23")}) == (1, {"no-partner"})
    collected(plant, consumed(11, "O-1", "5"), result(14, "L-1", "failed"))
    ran = of(look(plant), "D23")
    assert (ran.closed, ran.opened, {why for why, _ in rests_on(plant, "D23")}) == (1, 1, {"differs"})
    collected(plant, result(16, "L-1", "passed"), moved(300, "O-1", "2"))
    ran = of(look(plant), "D23")
    assert (ran.closed, ran.opened) == (1, 1)
    assert rests_on(plant, "D23") == {("differs", frozenset({"movement-O-1-M/300", "consumption-O-1-M/11"}))}


def test_what_a_source_counts_otherwise_is_found_until_it_comes_or_is_counted_again(tmp_path: Path) -> None:
    clock = MovableClock()
    ledger = furnished(new_ledger(tmp_path / "ledger", clock=clock))
    try:
        collected(
            ledger, moved(10, "O-1", "5"), consumed(10, "O-1", "5"), moved(20, "O-2", "5"), consumed(20, "O-2", "5")
        )
        assert of(look(ledger), "D23").clear == 4
        reconciling = ledger.service.record_log().reconciling
        for low, high, there in ((0, 15, 2), (15, 30, 3), (100, 200, 1), (30, 50, 0)):
            reconciling.by_count(
                "erp", START_US + low * 1_000_000, START_US + high * 1_000_000, there, "it is said", AUTHORITY
            )
        assert (of(look(ledger), "D23").pending, found(ledger, "D23")) == (2, []), "in flight"
        clock.at_us += 31_000_000
        collected(ledger)
        look(ledger)
        assert rests_on(ledger, "D23") == {
            ("counts-differ", frozenset({"movement-O-1-M/10"})),
            ("counts-differ", frozenset({"movement-O-2-M/20"})),
        }
        assert len(found(ledger, "D23")[1].detail.split("; ")) == 2, "of two times, of one of which there is no record"
        collected(ledger, moved(12, "O-9", "0"))
        assert (of(look(ledger), "D23").closed, len(rests_on(ledger, "D23"))) == (1, 1), "it came"
        for low, high, there in ((15, 50, 1), (90, 210, 0)):
            reconciling.by_count(
                "erp", START_US + low * 1_000_000, START_US + high * 1_000_000, there, "again", AUTHORITY
            )
        assert (of(look(ledger), "D23").closed, rests_on(ledger, "D23")) == (1, set()), "both were counted again"
    finally:
        ledger.close()


def test_a_time_without_records_is_named_by_the_last_before_and_others_that_are_gone_stay_found(tmp_path: Path) -> None:
    clock, day = MovableClock(), 86_400
    ledger = furnished(new_ledger(tmp_path / "ledger", clock=clock))
    try:
        collected(ledger, moved(10, "O-1", "5"), consumed(10, "O-1", "5"), until_s=3 * day)
        assert of(look(ledger), "D23").clear == 2
        reconciling = ledger.service.record_log().reconciling
        later = START_US + 2 * day * 1_000_000
        reconciling.by_count("erp", later, later + 1_000_000, 1, "it is said", AUTHORITY)
        clock.at_us += 31_000_000
        collected(ledger, until_s=3 * day)
        assert (of(look(ledger), "D23").opened, len(found(ledger, "D23"))) == (1, 1)
        reconciling.by_count("erp", later, later + 1_000_000, 0, "again", AUTHORITY)
        assert of(look(ledger), "D23").closed == 1
        reconciling.by_ids("erp", START_US, START_US + 60_000_000, {"another"}, "read anew", AUTHORITY)
        clock.at_us += 31_000_000
        collected(ledger, until_s=3 * day)
        assert of(look(ledger), "D23").opened == 1, "as many on both sides, but not the same"
    finally:
        ledger.close()


def numbered(number: int, at: int) -> Submission:
    return submission(f"n{number}", "lims", source_sequence=str(number), changes=(), links=(),
                      occurred_at=submission(at).record.occurred_at)  # fmt: skip


def test_numbers_that_lack_are_found_unless_a_gap_is_on_record(plant: Ledger) -> None:
    put(plant, ParameterName.D23, D23(numbers=True, in_flight_s=30), source="lims")
    put(plant, ParameterName.SEQUENCE, Sequence(policy=SequencePolicy.EVERY), source="lims")
    away = Interval(after=utc_text(START_US + 305_000_000), before=utc_text(START_US + 306_000_000))
    records = [numbered(5, 50), numbered(6, 300), numbered(9, 310)]
    collect(plant, records, source="lims", unreachable=(away,))
    examined = of(look(plant), "D23")
    assert (examined.examined, examined.explained, examined.clear) == (3, 1, 2), "the first of all is clear"
    collect(plant, [numbered(1, 10), numbered(2, 20)], source="lims")
    assert of(look(plant), "D23").opened == 1
    assert rests_on(plant, "D23") == {("numbers-missing", frozenset({"n2", "n5"}))}
    assert "2 numbers lack between 2 of entry" in found(plant, "D23")[0].detail
    collect(plant, [numbered(4, 40)], source="lims")
    look(plant)
    assert rests_on(plant, "D23") == {("numbers-missing", frozenset({"n2", "n4"}))}
    collect(plant, [numbered(3, 30)], source="lims")
    look(plant)
    assert rests_on(plant, "D23") == set()


def test_a_counter_that_begins_again_goes_on(plant: Ledger) -> None:
    put(plant, ParameterName.D23, D23(numbers=True, in_flight_s=30), source="lims")
    put(plant, ParameterName.SEQUENCE, Sequence(policy=SequencePolicy.EVERY, wraps=10), source="lims")
    collect(plant, [numbered(9, 20), numbered(0, 30), numbered(8, 40), numbered(1, 50)], source="lims")
    look(plant)
    assert rests_on(plant, "D23") == {
        ("numbers-missing", frozenset({"n0", "n8"})),
        ("numbers-missing", frozenset({"n8", "n1"})),
    }


def test_what_cannot_be_said(plant: Ledger) -> None:
    connect(plant, mes2=SystemClass.MES)
    put(plant, ParameterName.D23, D23(numbers=True), source="lims")
    collected(
        plant,
        moved(10, "O-1", "5"),
        consumed(10, "O-1", "5000", unit="g"),
        moved(10, "O-2", "about 5"),
        consumed(10, "O-2", "5"),
        told(10, "erp", "movement", "quantity", "5", order="O-3"),
        moved(490, "O-4", "5"),
        numbered(1, 10),
        unreachable=(Interval(after=utc_text(START_US + 500_000_000), before=utc_text(START_US + 501_000_000)),),
    )
    examined = of(look(plant), "D23")
    assert [(one.input, one.records) for one in examined.lacking] == [
        ("amount", 1),
        ("link-material", 1),
        ("sequence", 1),
        ("time-of-erp", 1),
        ("unit", 1),
    ]
    assert found(plant, "D23") == []


def test_without_the_other_system_or_the_parameter_it_is_not_assessable(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path / "ledger")
    try:
        connect(ledger, erp=SystemClass.ERP)
        collect(ledger, [moved(10, "O-1", "5")])
        ledger.service.record_log().reconciling.by_count(
            "erp", START_US, START_US + 1_000_000_000, 3, "said", AUTHORITY
        )
        assert [(one.input, one.records) for one in of(look(ledger), "D23").lacking] == [("d23", 1)]
        put(ledger, ParameterName.D23, VALUE)
        ledger.service.record_log().reconciling.by_count(
            "erp", START_US, START_US + 1_000_000_000, 1, "said", AUTHORITY
        )
        assert [(one.input, one.records) for one in of(look(ledger), "D23").lacking] == [("no-mes", 1)]
    finally:
        ledger.close()


def test_a_parameter_that_names_no_attribute_is_refused() -> None:
    with pytest.raises(ValueError, match="names the attribute"):
        Agreement(told=(Pattern(object_type="x"),), other=AMOUNTS.other, system=SystemClass.MES, links=(LinkKind.LOT,))
