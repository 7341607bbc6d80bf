"""Reads the map from the files that come with the product."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec

from ledger.core.errors import ConfigError, NotFound
from ledger.regulation.clauses import Clause, Document

FOLDER: Final = Path(__file__).parent / "documents"
ORDER: Final = ("part-11", "annex-11", "annex-11-draft", "guidance", "alcoa", "part-211", "eu-gmp")
"""The documents in the order in which the map shows them."""
_REMEDY: Final = "Correct the file: it belongs to the program, so a repaired installation has it right too."
_ROW: Final = re.compile(r"[RC][0-9]{2}")


@cache
def documents() -> tuple[Document, ...]:
    """The whole map. Raises ConfigError, which names file, line and clause, for what is wrong in it."""
    found = tuple(read_document(FOLDER / f"{name}.toml") for name in ORDER)
    for name, count in Counter(clause.id for document in found for clause in document.clauses).items():
        if count > 1:
            raise ConfigError(f"clause {name} stands {count} times in the regulation map", advice=_REMEDY)
    return found


def clauses() -> tuple[Clause, ...]:
    """Every clause of every document, in the map's order."""
    return tuple(clause for document in documents() for clause in document.clauses)


def clauses_of(wanted: str) -> tuple[Clause, ...]:
    """The clause of that id, or else all whose number in their document is the one given, as in `11.10(e)`.

    Letters count as the same in either case. Raises NotFound where there is none.
    """
    asked = wanted.strip().casefold()
    by_id = tuple(clause for clause in clauses() if clause.id.casefold() == asked)
    found = by_id or tuple(clause for clause in clauses() if asked in _numbers(clause))
    if not found:
        raise NotFound(
            f"the regulation map has no clause {wanted[:60]!r}",
            advice="`trailseal doctor --regulation` lists all of them with their ids, such as R51 or 211.192.",
        )
    return found


def read_document(path: Path) -> Document:
    """One document's file. Raises ConfigError, which names the file, the line and the clause."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path.name} cannot be read: {error.__class__.__name__}", advice=_REMEDY) from None
    try:
        said = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path.name}: {error}{_inside(text, str(error))}", advice=_REMEDY) from None
    heads = said.pop("document", None)
    listed = said.pop("clause", {})
    if said or not isinstance(heads, dict) or not isinstance(listed, dict):
        raise ConfigError(f"{path.name} consists of [document] and [clause.ID] tables alone", advice=_REMEDY)
    found = tuple(_clause(path, text, name, members) for name, members in listed.items())
    try:
        return msgspec.convert({**heads, "id": path.stem, "clauses": found}, Document)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path.name}, [document]: {error}", advice=_REMEDY) from None


def _clause(path: Path, text: str, name: str, members: Any) -> Clause:
    try:
        if not isinstance(members, dict):
            raise msgspec.ValidationError("it is a table")
        rows = {"rows": [name]} if _ROW.fullmatch(name) else {}
        return msgspec.convert({**rows, **members, "id": name, "document": path.stem}, Clause)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path.name}, line {_line(text, name)}, clause {name}: {error}", advice=_REMEDY) from None


def _numbers(clause: Clause) -> set[str]:
    return {clause.clause.casefold(), *(part.strip().casefold() for part in clause.clause.split(","))}


def _heads(text: str) -> Iterable[tuple[int, str]]:
    """Each [clause.ID] of a file with its line; the first line is 1."""
    for number, line in enumerate(text.splitlines(), 1):
        head = re.match(r"""\[clause\.["']?([^"'\]]+)["']?\]""", line)
        if head:
            yield number, head[1]


def _line(text: str, name: str) -> int:
    return next((number for number, found in _heads(text) if found == name), 1)


def _inside(text: str, said: str) -> str:
    """In which clause the line lies that a syntax error names."""
    at = re.search(r"line ([0-9]+)", said)
    before = [name for number, name in _heads(text) if at is None or number <= int(at[1])]
    return f", clause {before[-1]}" if before else ""
