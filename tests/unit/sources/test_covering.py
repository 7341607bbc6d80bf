"""Coverage of an interval: each instant in one state, as of a size; of runs, of several clocks, of archives."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.clock import utc_text
from ledger.core.errors import NotFound, SchemaViolation
from ledger.core.record import Interval
from ledger.core.run import Gap
from ledger.sources.coverage import Coverage
from ledger.sources.covering import Covered, Stretch, _Runs, _Said, _stretches, cover
from tests.support.ledgers import AUTHORITY, RECORDS, SOURCE, START_US, Ledger
from tests.unit.sources.test_imports import OLD, begin, imports, rows, submit

S = 1_000_000


def at(second: float) -> int:
    return START_US + int(second * S)


def between(low: float, high: float) -> Interval:
    return Interval(after=utc_text(at(low)), before=utc_text(at(high)))


def gap(low: float, high: float) -> Gap:
    return Gap(subject="buffer", reason="overwritten", between=between(low, high))


def ran(ledger: Ledger, low: float, high: float, **more: Any) -> int:
    """A run from one second to another; its entry."""
    last = ledger.service.ingest.state(SOURCE).cursor
    cursor = str(int(last or 0) + 1)
    times = {"started_at": utc_text(at(low)), "ended_at": utc_text(at(high))}
    return ledger.submit([], cursor_to=cursor, **times, **more).run


def size(ledger: Ledger) -> int:
    with ledger.store.reader(RECORDS) as reader:
        return reader.head().size


def covered(ledger: Ledger, low: float, high: float, as_of: int | None = None, source: str = SOURCE) -> Covered:
    with ledger.store.reading() as connection:
        chosen = size(ledger) if as_of is None else as_of
        return cover(connection, ledger.store.kinds, RECORDS, chosen, source, at(low), at(high))


def states(found: Covered) -> list[tuple[float, float, str]]:
    return [((one.low_us - START_US) / S, (one.high_us - START_US) / S, one.state.value) for one in found.stretches]


@pytest.mark.requirement("C08")
def test_what_runs_say_of_an_interval_as_of_any_size(ledger: Ledger) -> None:
    assert states(covered(ledger, 0, 10)) == [(0, 10, "before")]
    first = ran(ledger, 100, 110)
    second = ran(ledger, 200, 210, unreachable=(between(150, 160), between(155, 170)), gaps=(gap(165, 180),))
    third = ran(ledger, 300, 310, gaps=(gap(205, 207),))
    found = covered(ledger, 0, 400)
    assert states(found) == [
        (0, 100, "before"),
        (100, 150, "covered"),
        (150, 170, "unreachable"),
        (170, 180, "gap"),
        (180, 205, "covered"),
        (205, 207, "gap"),
        (207, 310, "covered"),
        (310, 400, "not-yet"),
    ]
    assert [one.runs for one in found.stretches] == [
        None, (first, second), (second, second), (second, second), (second, second), (third, third), (second, third),
        None,
    ]  # fmt: skip
    assert found.stretches[2].reason == "the source could not be reached"
    assert found.stretches[5].reason == "buffer: overwritten"
    assert (found.runs, found.watermark_us, found.whole) == (3, at(310), False)
    assert found.lengths[Coverage.UNREACHABLE] == 20 * S
    assert states(covered(ledger, 155, 156)) == [(155, 156, "unreachable")]
    assert covered(ledger, 110, 150).whole
    before = covered(ledger, 0, 400, as_of=third)
    assert states(before)[4:] == [(180, 210, "covered"), (210, 400, "not-yet")], "nothing of what came later"
    assert (before.runs, before.watermark_us) == (2, at(210))


def test_a_run_that_ends_before_the_one_before_by_another_clock_takes_nothing_back(ledger: Ledger) -> None:
    first = ran(ledger, 100, 200)
    ran(ledger, 140, 150)
    third = ran(ledger, 160, 300)
    found = covered(ledger, 90, 310)
    assert states(found) == [(90, 100, "before"), (100, 300, "covered"), (300, 310, "not-yet")]
    assert found.stretches[1].runs == (first, third)


def test_a_source_of_an_archive_is_known_as_far_as_its_imports_agree(sqlite_ledger: Ledger) -> None:
    ledger = sqlite_ledger
    begun = begin(ledger, rows=3)
    submit(ledger, rows(1, 2, 4))
    day = 86_400
    asked = (-402 * day, -390 * day, None, OLD)
    assert states(covered(ledger, *asked)) == [(-402 * day, -390 * day, "before")]
    finished = imports(ledger).finish(begun.last.id, "all read", AUTHORITY)
    assert states(covered(ledger, *asked)) == [
        (-402 * day, -399 * day, "before"),
        (-399 * day, -396 * day, "covered"),
        (-396 * day, -390 * day, "not-yet"),
    ]
    assert states(covered(ledger, -402 * day, -390 * day, finished.entry, OLD)) == [(-402 * day, -390 * day, "before")]


def test_an_interval_that_is_none_and_a_source_that_is_none_yet_are_told(sqlite_ledger: Ledger) -> None:
    with pytest.raises(SchemaViolation, match="ends before"):
        covered(sqlite_ledger, 10, 10)
    registered = sqlite_ledger.register("dcs")
    with pytest.raises(NotFound, match="dcs"):
        covered(sqlite_ledger, 0, 10, registered, "dcs")
    assert states(covered(sqlite_ledger, 0, 10, registered + 1, "dcs")) == [(0, 10, "before")]


HOLES = st.lists(
    st.builds(
        _Said,
        st.integers(0, 40),
        st.integers(0, 40),
        st.sampled_from([Coverage.GAP, Coverage.UNREACHABLE]),
        st.integers(0, 9),
        st.sampled_from(["a", "b"]),
    ),
    max_size=8,
)
KNOWN = st.one_of(st.just((None, None)), st.tuples(st.integers(0, 40), st.integers(0, 40)))


def naive(holes: list[_Said], began: int | None, ended: int | None, instant: int) -> Coverage:
    if began is None or ended is None or instant < began:
        return Coverage.BEFORE
    if instant >= ended:
        return Coverage.NOT_YET
    named = {one.state for one in holes if one.low_us <= instant < one.high_us}
    return next((one for one in (Coverage.UNREACHABLE, Coverage.GAP) if one in named), Coverage.COVERED)


@given(HOLES, KNOWN, st.integers(0, 39), st.integers(1, 40))
def test_stretches_hold_each_instant_of_an_interval_once(
    holes: list[_Said], known: tuple[int | None, int | None], low: int, length: int
) -> None:
    found: list[Stretch] = list(_stretches(holes, *known, _Runs([], []), low, low + length))
    assert (found[0].low_us, found[-1].high_us) == (low, low + length)
    assert all(one.high_us == other.low_us and one.state is not other.state for one, other in pairwise(found))
    told = [one.state for one in found for _ in range(one.low_us, one.high_us)]
    assert told == [naive(holes, *known, instant) for instant in range(low, low + length)]
