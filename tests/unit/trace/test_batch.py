"""A record belongs to a batch because it says so, or because it happened while the batch had the equipment."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.core.record import Action, LinkKind, Outcome
from ledger.core.times import Precision
from ledger.trace.selection import Basis, ByBatch, Chosen
from tests.unit.trace.small import Small, clock, said, small

START, STOP = Action.START, Action.STOP


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Small]:
    with small(tmp_path / "ledger") as made:
        yield made


def chosen(ledger: Small, size: int | None = None, id_: str = "B") -> tuple[Chosen, dict[int, tuple[Basis, bool]]]:
    """The answer for batch B: by number of record its basis and whether that is certain."""
    numbers = {index: number for number, index in ledger.index.items()}
    with ledger.service.store.reading() as connection:
        answer = Chosen(connection, ledger.log.number, size or ledger.size, ByBatch(kind=LinkKind.BATCH, id=id_))
        found = list(answer)
    assert [one.index for one in found] == sorted({one.index for one in found})
    return answer, {numbers[one.index]: (one.basis, one.why is None or one.why.certain) for one in found}


@pytest.mark.requirement("R71")
def test_what_happens_between_start_and_stop_is_derived_and_what_names_the_batch_is_read(ledger: Small) -> None:
    ledger.collect(
        [
            said(1, 9), said(2, 10, START, batch="B"), said(3, 11), said(4, 12, batch="B"),
            said(5, 13, equipment="R-2"), said(6, 14, batch="OTHER"), said(7, 20, STOP, batch="B"), said(8, 21),
            said(9, 99, batch="B", equipment=None),
        ]
    )  # fmt: skip
    _, found = chosen(ledger)
    read, derived = (Basis.READ, True), (Basis.DERIVED, True)
    assert found == {2: read, 3: derived, 4: read, 6: derived, 7: read, 9: read}


def test_each_derived_record_names_the_interval_and_the_two_entries_that_bound_it(ledger: Small) -> None:
    ledger.collect([said(1, 10, START, batch="B"), said(2, 11), said(3, 20, STOP, batch="B")])
    with ledger.service.store.reading() as connection:
        why = [
            one.why
            for one in Chosen(connection, 1, ledger.size, ByBatch(kind=LinkKind.BATCH, id="B"))
            if one.why is not None
        ]
    assert len(why) == 1
    assert (why[0].equipment, why[0].started_by, why[0].stopped_by) == ("R-1", ledger.index[1], ledger.index[3])
    assert (why[0].after, why[0].before) == ("2025-11-25T07:00:10.000000Z", "2025-11-25T07:00:20.000000Z")


def test_an_occupation_without_an_end_is_open_to_the_size_that_is_read(ledger: Small) -> None:
    ledger.collect([said(1, 10, START, batch="B"), said(2, 500)])
    size = ledger.size
    ledger.collect([said(3, 600, STOP, batch="B"), said(4, 700), said(5, 550)])
    answer, found = chosen(ledger, size)
    assert set(found) == {1, 2}
    assert answer.occupations.intervals[0].stop is None
    assert answer.bounds_us()[1] is None
    _, found = chosen(ledger)
    assert set(found) == {1, 2, 3, 5}


def test_two_occupations_of_one_equipment_leave_out_what_is_between(ledger: Small) -> None:
    ledger.collect(
        [
            said(1, 10, START, batch="B"), said(2, 20, STOP, batch="B"), said(3, 25), said(4, 30, START, batch="B"),
            said(5, 35), said(6, 36, START, batch="B"), said(7, 40, STOP, batch="B"), said(8, 15),
        ]
    )  # fmt: skip
    answer, found = chosen(ledger)
    assert set(found) == {1, 2, 4, 5, 6, 7, 8}
    assert len(answer.occupations.intervals) == 2


def test_clock_offsets_move_and_uncertainties_widen_the_edges_and_what_lies_in_them_is_marked(ledger: Small) -> None:
    ahead, vague = clock(60_000_000, 0), clock(0, 3_000_000)
    ledger.collect(
        [
            said(1, 70, START, batch="B", source_clock=ahead), said(2, 80, STOP, batch="B", source_clock=ahead),
            said(3, 15), said(4, 75), said(5, 75, source_clock=ahead), said(6, 8, source_clock=vague),
            said(7, 6, source_clock=vague), said(8, 22, source_clock=vague), said(9, 24, source_clock=vague),
            said(10, 15, source_clock=vague), said(11, 9, precision=Precision.MINUTE),
        ]
    )  # fmt: skip
    _, found = chosen(ledger)
    assert set(found) == {1, 2, 3, 5, 6, 8, 10, 11}
    assert {number for number, (_, certain) in found.items() if not certain} == {6, 8, 11}


def test_a_clock_that_was_never_measured_makes_no_derivation_certain(ledger: Small) -> None:
    ledger.collect([said(1, 10, START, batch="B"), said(2, 15, source_clock=None), said(3, 20, STOP, batch="B")])
    assert chosen(ledger)[1][2] == (Basis.DERIVED, False)


def test_what_cannot_be_placed_is_counted_and_never_guessed(ledger: Small) -> None:
    ledger.collect(
        [
            said(1, 5, STOP, batch="B"), said(2, 10, START, batch="B"), said(3, None), said(4, None, START, batch="B"),
            said(5, 20, STOP, batch="B"), said(6, 7, START, batch="B", outcome=Outcome.DENIED), said(7, 8),
        ]
    )  # fmt: skip
    answer, found = chosen(ledger)
    assert set(found) == {1, 2, 4, 5, 6}
    assert answer.undated == 2
    assert answer.occupations.unmatched == (ledger.index[1], ledger.index[4])


def test_a_batch_longer_than_a_page_is_complete_and_in_order(ledger: Small) -> None:
    between = [said(n, 10 + n / 1000, batch="B" if n % 4 == 0 else None) for n in range(1, 1200)]
    ledger.collect([said(0, 10, START, batch="B"), *between, said(5000, 20, STOP, batch="B")])
    _, found = chosen(ledger)
    assert set(found) == {0, *range(1, 1200), 5000}
    assert sum(basis is Basis.DERIVED for basis, _ in found.values()) == 900
