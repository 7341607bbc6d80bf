"""Every row of the requirements is a clause of the regulation map, and every test that the map names bears its row."""

import re

import pytest

from ledger.regulation.clauses import Standing
from ledger.regulation.reading import clauses
from tests.shared import shared_path
from tests.support.named_tests import named


def rows() -> set[str]:
    return set(re.findall(r"^\| ([RC]\d\d) \|", shared_path("requirements.md").read_text(encoding="utf-8"), re.M))


def test_each_row_of_the_list_is_a_clause_of_the_map_and_the_other_way_round() -> None:
    assert len(rows()) > 70
    assert {one.id for one in clauses() if re.fullmatch(r"[RC]\d\d", one.id)} == rows()
    assert {row for one in clauses() for row in one.rows} - rows() == set()


def test_each_row_that_a_test_names_is_one_of_the_list() -> None:
    assert {f"{row} of {test}" for row, test in named() if row not in rows()} == set()


def test_a_row_that_a_test_shows_is_not_called_unmet() -> None:
    """Who builds what a clause asks for says so in the map, in the folder `ledger/regulation/documents`."""
    unmet = {one.id for one in clauses() if one.standing is Standing.NOT_YET}
    assert {f"{row} of {test}" for row, test in named() if row in unmet} == set()


@pytest.mark.requirement("R02")
def test_each_test_that_a_clause_names_exists_and_bears_one_of_its_rows() -> None:
    bears = set(named())
    wrong = {
        f"{one.id}: {test}"
        for one in clauses()
        for test in one.tests
        if not any((row, test) in bears for row in one.rows)
    }
    assert wrong == set()
