"""The text of a set: one for each set, and none that is not a set; what bisection answers is what the list would."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.errors import SchemaViolation
from ledger.core.members import Members, Spans

indices = st.sets(st.integers(0, 80), max_size=60).map(sorted)


def test_a_set_is_written_as_distances_and_as_how_many_follow() -> None:
    assert Members.of([4, 5, 6, 16]).text == "4+2,10"
    assert Members.of([0]).text == "0"
    assert Members.of(range(100_000)).text == "0+99999"
    assert Members().text == ""


@given(indices)
def test_reading_what_was_written_gives_the_set_again(chosen: list[int]) -> None:
    made = Members.of(chosen)
    again = Members.read(made.text)
    assert again == made
    assert list(again) == chosen
    assert len(again) == len(chosen)


@given(indices, st.integers(0, 90), st.integers(0, 90))
def test_what_is_asked_of_a_set_is_what_its_list_would_say(chosen: list[int], low: int, high: int) -> None:
    made = Members.of(chosen)
    assert (low in made) == (low in chosen)
    assert made.rank(low) == sum(one < low for one in chosen)
    assert list(made.since(low)) == [one for one in chosen if one >= low]
    high = max(low, high)
    assert made.between(low, high) == sum(low <= one <= high for one in chosen)
    assert [made.at(rank) for rank in range(len(chosen))] == chosen
    if chosen:
        assert (made.first, made.last) == (chosen[0], chosen[-1])


@given(indices, st.lists(st.tuples(st.integers(0, 80), st.integers(0, 9))))
def test_what_was_not_seen_is_what_no_stretch_covers(chosen: list[int], stretches: list[tuple[int, int]]) -> None:
    members, seen, covered = Members.of(chosen), Spans(), set()
    for low, more in stretches:
        seen.add(low, low + more)
        covered |= set(range(low, low + more + 1))
    left = [one for one in chosen if one not in covered]
    assert list(seen.unseen(members)) == left
    assert seen.missing(members) == len(left)
    assert {one for one in range(95) if one in seen} == covered


@pytest.mark.parametrize(
    "text",
    [
        "4+2,",
        ",4",
        "4,,5",
        "04",
        "4+0",
        "4+02",
        "-1",
        "4+2,1",
        "4,0",
        "4 ",
        "4+",
        "+4",
        "٤",
        "4\n",
        "9" * 17,
        f"{2**53}",
    ],
)
def test_a_text_that_is_not_the_one_of_a_set_is_refused(text: str) -> None:
    """`4+2,1` would tell 4 5 6 7, whose text is `4+3`."""
    with pytest.raises(SchemaViolation):
        Members.read(text)


@pytest.mark.parametrize("chosen", [[2, 1], [1, 1], [-1], [2**53]])
def test_indices_out_of_order_are_no_set(chosen: list[int]) -> None:
    with pytest.raises(SchemaViolation):
        Members.of(chosen)
