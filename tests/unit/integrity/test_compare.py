"""Stored and derived rows are compared as sets, and the first difference is named by entry and column."""

import pytest

from ledger.integrity.compare import Difference, first_difference

COLUMNS = ("pos", "source", "words")
ROWS = [(1, "erp", ["a"]), (2, "erp", ["b"]), (2, "dcs", ["c"]), (5, "erp", ["d"])]


def test_the_same_rows_in_another_order_do_not_differ() -> None:
    assert first_difference(COLUMNS, "pos", ROWS, list(reversed(ROWS))) is None


@pytest.mark.parametrize(
    ("stored", "pos", "column"),
    [
        ([*ROWS[:3], (5, "erp", ["x"])], 5, "words"),
        ([ROWS[0], ROWS[1], (2, "hist", ["c"]), ROWS[3]], 2, "source"),
        (ROWS[1:], 1, ""),
        ([*ROWS, (3, "erp", [])], 3, ""),
        ([*ROWS, ROWS[0]], 1, ""),
        ([(1, "erp", ["b"]), (2, "erp", ["a"]), *ROWS[2:]], 1, "words"),
    ],
)
def test_the_first_difference_is_named(stored: list[tuple[int, str, list[str]]], pos: int, column: str) -> None:
    found = first_difference(COLUMNS, "pos", ROWS, stored)
    assert isinstance(found, Difference)
    assert (found.pos, found.column) == (pos, column)
