"""Every row of the requirements that people, access and signatures answer for is named by a test."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from tests.shared import shared_path

_TESTS: Final = Path(__file__).resolve().parents[1]
ANSWERED: Final = frozenset(
    {
        # 21 CFR 11.10(d), (f), (g), (i), (j), (k)
        *("R05", "R09", "R10", "R12", "R13", "R14"),
        # 11.50 to 11.300
        *(f"R{number}" for number in range(16, 32)),
        # Annex 11 §12.3, §14, §15
        *("R38", "R39", "R40"),
        # draft Annex 11 §11, §12.5, §13
        *(f"R{number}" for number in range(43, 48)),
        *("R52", "R54", "R55", "R56", "R57"),
        # FDA Q4, Q16
        *("R72", "R76"),
    }
)


@cache
def named() -> tuple[tuple[str, str], ...]:
    """Each row with a test that names it in its own decorator: a mark of a whole module names none in particular."""
    return tuple(_named())


def _named() -> Iterator[tuple[str, str]]:
    for path in sorted(_TESTS.rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        if "mark.requirement" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or not node.name.startswith("test_"):
                continue
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.requirement":
                    yield from ((ast.literal_eval(one), f"{path.name}::{node.name}") for one in mark.args)


def test_each_row_is_named_by_a_test() -> None:
    assert ANSWERED - {row for row, _ in named()} == set()


def test_each_row_that_a_test_names_is_one_of_the_list() -> None:
    rows = set(re.findall(r"^\| ([RC]\d\d) \|", shared_path("requirements.md").read_text(encoding="utf-8"), re.M))
    assert len(rows) > 70
    assert {f"{row} of {test}" for row, test in named() if row not in rows} == set()
