"""A source's own numbering, cut into series and number, and where it begins again."""

import pytest

from ledger.core.sequences import Numbered, cut, doubled_of, late_of, missing_of, stretches


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (None, (None, None)),
        ("", (None, None)),
        ("none at the end-", (None, None)),
        ("42", ("", 42)),
        ("00042", ("", 42)),
        ("2026/A-00042", ("2026/A-", 42)),
        ("a\nb7", ("a\nb", 7)),
        ("9" * 18, ("", 10**18 - 1)),
        ("7" + "9" * 18, ("7", 10**18 - 1)),
        ("٤٢", (None, None)),
    ],
)
def test_a_sequence_is_cut_into_series_and_number(text: str | None, wanted: tuple[str | None, int | None]) -> None:
    assert cut(text) == wanted
    assert wanted[1] is None or wanted[1] < 1 << 63


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        ([], []),
        ([5, 6, 8], [[5, 6, 8]]),
        ([*range(1, 9), *range(1, 5)], [[*range(1, 9)], [1, 2, 3, 4]]),
        ([1, 2, 3, 1, 2, 3, 4, 5, 1, 2], [[1, 2, 3], [1, 2, 3, 4, 5], [1, 2]]),
        ([50, 51, 53, 1, 2], [[50, 51, 53], [1, 2]]),
        ([50, 51, 1], [[50, 51], [1]]),
        ([2, 3, 1, 2], [[2, 3], [1, 2]]),
        ([2, 3, 1], [[2, 3, 1]]),
        ([5, 7, 6, 8], [[5, 7, 6, 8]]),
        ([5, 6, 4, 7, 8], [[5, 6, 4, 7, 8]]),
        ([5, 6, 5, 7], [[5, 6, 5, 7]]),
        ([1, 2, 3, 1], [[1, 2, 3, 1]]),
        ([*range(1, 90), 40, 41, 90, 91], [[*range(1, 90), 40, 41, 90, 91]]),
        ([1, 2, 2, 3], [[1, 2, 2, 3]]),
    ],
    ids=[
        "nothing", "only grows", "shorter", "three times", "below the first", "one below the first",
        "just below the first", "the last, just below the first", "late in time", "late, below the first",
        "given twice", "the last, given twice", "two given again", "twice at once",
    ],
)  # fmt: skip
def test_a_series_is_cut_where_its_numbering_began_again(told: list[int], wanted: list[list[int]]) -> None:
    found = stretches([Numbered(number, at, at) for at, number in enumerate(told)])
    assert [[one.number for one in part] for part in found] == wanted


def test_of_a_stretch_it_is_told_what_lacks_came_twice_or_late() -> None:
    part = [Numbered(2, 1, 10), Numbered(3, 2, 14), Numbered(3, 3, 12), Numbered(7, 4, 13), Numbered(4, 5, 15)]
    assert (missing_of(part), doubled_of(part), late_of(part)) == ([(5, 6)], [3], 2)
