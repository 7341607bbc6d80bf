"""The regulation map holds to the code: every place that it names exists, and what it must speak of is there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from ledger.api.app import make_app
from ledger.api.gate import declared_routes
from ledger.cli.app import app as commands
from ledger.regulation.clauses import Checked, Standing
from ledger.regulation.reading import FOLDER, ORDER, clauses, documents
from ledger.web.handlers import HELP_TOPICS, handlers

ROOT = Path(__file__).parents[3]
ASKED = (
    *(f"R{number:02}" for number in range(1, 78)),
    *(f"C{number:02}" for number in range(1, 14)),
    *("211.22", "211.68(b)", "211.180", "211.188", "211.192", "211.194(a)"),
    *("GMP-1", "GMP-4", "GMP-A1", "GMP-A15", "GMP-A16", "DIR-9"),
    *("A11-1", "A11-2", "A11-3", "A11-4", "A11-13"),
)


def named(sort: str) -> dict[str, set[str]]:
    """Every place of a sort, with the clauses that name it."""
    found: dict[str, set[str]] = {}
    for clause in clauses():
        for place in clause.where:
            if place.startswith(f"{sort}:"):
                found.setdefault(place.partition(":")[2], set()).add(clause.id)
    assert found
    return found


def plain(path: str) -> str:
    """A route as the map writes it: its parameters without their types."""
    return re.sub(r"\{(\w+):\w+\}", r"{\1}", path)


def command_names(command: object, before: tuple[str, ...] = ()) -> Iterator[str]:
    below = getattr(command, "commands", {})
    for name, one in below.items():
        yield from command_names(one, (*before, name))
    if not below:
        yield " ".join(before)


@pytest.mark.requirement("R02")
def test_every_requirement_has_its_clause() -> None:
    assert sorted(one.id for one in clauses()) == sorted(ASKED)


def test_every_file_of_the_map_is_read_and_in_the_map_s_order() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.toml")) == sorted(ORDER)
    assert tuple(one.id for one in documents()) == ORDER


def test_every_route_and_every_page_that_a_clause_names_is_there() -> None:
    there = {plain(path) for path, _ in declared_routes(make_app(handlers()))}
    assert {f"/api/v1{place}" for place in named("api")} - there == set()
    assert named("page").keys() - there == set()


def test_every_command_that_a_clause_names_is_there() -> None:
    assert named("command").keys() - set(command_names(typer.main.get_command(commands))) == set()


def test_every_file_and_help_topic_that_a_clause_names_is_there() -> None:
    assert {place for place in named("module") if not (ROOT / place).exists()} == set()
    assert {place for place in named("handbook") if not (ROOT / "deploy" / "handbook" / place).is_file()} == set()
    assert named("help").keys() - set(HELP_TOPICS) == set()


def test_what_nothing_meets_yet_names_no_place_and_says_what_lacks() -> None:
    unmet = [one for one in clauses() if one.standing is Standing.NOT_YET]
    assert unmet
    assert {one.id for one in unmet if one.where or one.tests} == set()
    assert {one.id for one in unmet if not re.search(r"\b(no|not|Nothing)\b", one.answer)} == set()


def test_a_text_is_called_read_only_with_where_it_was_read() -> None:
    read = [one for one in clauses() if one.checked is Checked.READ]
    assert read
    assert {one.id for one in read if not one.source.startswith("http") or one.checked_at is None} == set()
    assert {one.id for one in clauses() if one.checked is not Checked.READ and (one.source or one.checked_at)} == set()
