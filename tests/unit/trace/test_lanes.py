"""One timeline a batch: where each record stands, what cannot be ordered, and what is not known of a system's time."""

from collections.abc import Iterator
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.record import LinkKind
from ledger.sources.coverage import Coverage
from ledger.trace.lanes import Mark, Timeline, _ordered, timeline
from ledger.trace.selection import Basis, ByBatch, Chosen
from tests.unit.trace.small import SECOND, T0, Small, clock, said, small


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Small]:
    with small(tmp_path_factory.mktemp("lanes") / "ledger") as made:
        yield made


def mark(index: int, low: int, high: int, *, between: bool = False) -> Mark:
    return Mark(index=index, low_us=low, high_us=high, between=between, measured=True, basis=Basis.READ, phase=None)


def lanes_of(
    ledger: Small, batch: str, *also: str, within_us: tuple[int, int] | None = None, most: int = 10
) -> Timeline:
    with ledger.service.store.reader(ledger.log.number) as reader:
        chosen = Chosen(
            reader.connection, ledger.log.number, reader.head().size, ByBatch(kind=LinkKind.BATCH, id=batch)
        )
        kinds = ledger.service.store.kinds
        return timeline(
            reader.connection, kinds, ledger.log.number, chosen.size, chosen, also, within_us=within_us, most=most
        )


@pytest.mark.requirement("C08", "R71")
def test_records_stand_where_they_can_have_happened_and_gaps_where_a_system_s_time_is_not_known(ledger: Small) -> None:
    ledger.collect(
        [
            said(1, 50, batch="B"),
            said(2, 10, batch="B", source_clock=clock(2 * SECOND, SECOND)),
            said(3, None, batch="B"),
        ]
    )
    found = lanes_of(ledger, "B", "lims")
    dcs, lims = found.lanes
    first, second = ledger.index[2], ledger.index[1]
    assert (found.order, found.undated, found.cut) == ((first, second), (ledger.index[3],), False)
    assert [(one.low_us, one.high_us) for one in dcs.marks] == [
        (T0 + 7 * SECOND, T0 + 9 * SECOND), (T0 + 50 * SECOND, T0 + 50 * SECOND),
    ]  # fmt: skip
    assert (found.low_us, found.high_us) == (T0 + 7 * SECOND, T0 + 50 * SECOND + 1)
    assert [(one.state, one.low_us, one.high_us) for one in dcs.gaps] == [
        (Coverage.NOT_YET, found.low_us, found.high_us)
    ], "its run ended before all of this"
    (gap,) = lims.gaps
    assert (gap.low_us, gap.high_us, gap.run) == (found.low_us, found.high_us, None)
    assert "lims" in gap.reason, "a source that is not registered is expected all the same"


def test_a_part_of_the_time_and_a_part_of_the_records_are_told_as_such(ledger: Small) -> None:
    ledger.collect([said(11, 100, batch="P"), said(12, 200, batch="P"), said(13, 300, batch="P")])
    part = lanes_of(ledger, "P", within_us=(T0 + 150 * SECOND, T0 + 300 * SECOND))
    assert part.order == (ledger.index[12],)
    assert (part.low_us, part.high_us) == (T0 + 150 * SECOND, T0 + 300 * SECOND)
    few = lanes_of(ledger, "P", most=2)
    assert (few.order, few.cut) == ((ledger.index[11], ledger.index[12]), True)
    assert not lanes_of(ledger, "P", most=3).cut
    nothing = lanes_of(ledger, "nothing")
    assert (nothing.low_us, nothing.high_us, nothing.lanes) == (0, 0, ())


marks_of_sources = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 30), st.integers(0, 8), st.booleans()), max_size=12
)


@given(marks_of_sources)
def test_whatever_overlaps_cannot_be_ordered_and_nothing_else(given_marks: list[tuple[str, int, int, bool]]) -> None:
    """Compared with all pairs; instants of one source are in the order that it says."""
    marks = [
        (source, mark(index, low, low + length, between=between))
        for index, (source, low, length, between) in enumerate(given_marks)
    ]
    unclear = set()
    for (source, one), (other_source, other) in combinations(marks, 2):
        told = source == other_source and not one.between and not other.between
        if not told and one.low_us <= other.high_us and other.low_us <= one.high_us:
            unclear.add(max(one, other, key=lambda it: (it.low_us, it.index)).index)
    found = [one for _, one in _ordered(marks)]
    assert [(one.low_us, one.index) for one in found] == sorted((one.low_us, one.index) for _, one in marks)
    assert {one.index for one in found if one.cannot_order is not None} == unclear
