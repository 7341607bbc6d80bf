"""Which requirements the tests name in their own decorators."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

TESTS: Final = Path(__file__).resolve().parents[1]


@cache
def named() -> tuple[tuple[str, str], ...]:
    """Each row with a test that names it, as `tests/…/test_x.py::test_y`: a mark of a whole module names none."""
    return tuple(_named())


def _named() -> Iterator[tuple[str, str]]:
    for path in sorted(TESTS.rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        if "mark.requirement" not in text:
            continue
        place = path.relative_to(TESTS.parent).as_posix()
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or not node.name.startswith("test_"):
                continue
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.requirement":
                    yield from ((ast.literal_eval(one), f"{place}::{node.name}") for one in mark.args)
