"""What stood in a field at an instant, in plants of a few records written by hand."""

from typing import Any

from ledger.core.record import Action
from tests.plant.model import Change, Fact, Parameter, Thing
from tests.plant.truth.state import EXISTS
from tests.unit.plant.hand import at, clock, fact, looked, truth, undated

TAG = Thing("setpoint", "TIC-1")


def step(seconds: float, old: str, new: str, **told: Any) -> Fact:
    return fact(seconds, changes=[Change("Value", old, new)], **told)


def test_between_two_changes_the_first_ones_value_stood_and_before_all_the_old_one() -> None:
    first, second = step(10, "1", "2"), step(20, "2", "3")
    known = truth(first, second)
    values = [known.state("dcs", TAG, at(when))["Value"] for when in (5, 15, 25)]
    assert values == [frozenset({("1", None)}), frozenset({("2", first.number)}), frozenset({("3", second.number)})]


def test_the_order_of_arrival_changes_nothing() -> None:
    first, second = step(10, "1", "2"), step(20, "2", "3")
    known = truth(second, first)
    assert known.state("dcs", TAG, at(25))["Value"] == frozenset({("3", second.number)})


def test_an_instant_within_a_span_leaves_both_values() -> None:
    first, second = step(10, "1", "2"), step(20, "2", "3", clock=clock(doubt_s=2))
    known = truth(first, second)
    assert known.state("dcs", TAG, at(19))["Value"] == frozenset({("2", first.number), ("3", second.number)})
    assert known.state("dcs", TAG, at(23))["Value"] == frozenset({("3", second.number)})


def test_one_clocks_doubt_does_not_mix_up_the_order_of_its_own_records() -> None:
    doubtful = clock(doubt_s=5)
    first, second = step(10, "1", "2", clock=doubtful), step(11, "2", "3", clock=doubtful)
    known = truth(first, second)
    assert known.state("dcs", TAG, at(30))["Value"] == frozenset({("3", second.number)})


def test_two_measurements_of_a_clock_do() -> None:
    first, second = step(10, "1", "2", clock=clock(doubt_s=5)), step(11, "2", "3", clock=clock(doubt_s=5, measured=9))
    known = truth(first, second)
    assert known.state("dcs", TAG, at(30))["Value"] == frozenset({("2", first.number), ("3", second.number)})


def test_numbers_of_one_series_order_what_times_do_not() -> None:
    first, second = (
        step(10, "1", "2", clock=clock(doubt_s=5), series="s", sequence=7),
        step(11, "2", "3", clock=clock(doubt_s=5, measured=9), series="s", sequence=8),
    )
    known = truth(first, second)
    assert known.state("dcs", TAG, at(30))["Value"] == frozenset({("3", second.number)})


def test_numbers_that_begin_again_order_nothing() -> None:
    first, second = (
        step(10, "1", "2", clock=clock(doubt_s=5), series="s", sequence=7),
        step(11, "2", "3", clock=clock(doubt_s=5, measured=9), series="s", sequence=8),
    )
    known = truth(first, second, parameters=[Parameter("sequence", "dcs", None, {"policy": "every", "wraps": 256})])
    assert known.state("dcs", TAG, at(30))["Value"] == frozenset({("2", first.number), ("3", second.number)})


def test_looks_bound_a_change_and_an_undated_one_is_left_out_and_counted() -> None:
    first, second = step(10, "1", "2"), looked(20, 30, changes=[Change("Value", "2", "3")])
    lost = undated(15, changes=[Change("Value", "8", "9")])
    known = truth(first, second, lost)
    assert known.state("dcs", TAG, at(25))["Value"] == frozenset({("2", first.number), ("3", second.number)})
    assert known.state("dcs", TAG, at(30))["Value"] == frozenset({("3", second.number)})
    assert known.undated("dcs", TAG) == 1


def test_fields_objects_and_sources_are_told_apart() -> None:
    one = fact(10, changes=[Change("Value", "1", "2"), Change("Mode", "auto", "manual")])
    other = fact(11, source="mes", changes=[Change("Value", "7", "8")])
    known = truth(one, other)
    assert known.state("dcs", TAG, at(20)) == {
        "Value": frozenset({("2", one.number)}),
        "Mode": frozenset({("manual", one.number)}),
    }
    assert known.state("mes", TAG, at(20))["Value"] == frozenset({("8", other.number)})
    assert known.state("lims", TAG, at(20)) == {}


def test_an_object_is_there_from_its_creation_to_its_deletion() -> None:
    made, gone = fact(10, Action.CREATE), fact(20, Action.DELETE)
    known = truth(made, gone)
    there = [known.state("dcs", TAG, at(when))[EXISTS] for when in (5, 15, 25)]
    assert there == [frozenset({(False, None)}), frozenset({(True, made.number)}), frozenset({(False, gone.number)})]
