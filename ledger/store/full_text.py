"""What SQLite's full-text index finds the records of a question by: words, and tokens of whole values.

An index of its own for each of these would make every record of a batch change a page of its own. Of tokens that must
all be there the index goes from one to the next place that can have them: also where each is of very many records, and
none has all of them, that takes a hundredth of what it takes to read them.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from sqlalchemy import Connection

from ledger.core.tokens import exact, mark
from ledger.store.combinations import MEMBERS, combinations
from ledger.store.engine import is_sqlite
from ledger.store.projections import read_versions

EXACT: Final = ("actor", "object_id", "workstation")
"""Columns of `record` that have a token of the whole value (`core.tokens.exact`)."""
MARKED: Final = ("role", "attribute")
"""Members that have a shorter one (`core.tokens.mark`): many records have the same value, some hardly any."""
MARKED_SINCE: Final = 5
"""The version of the projector of records from which on they have these, and the token of `shape`."""
_EXACT_SINCE: Final = 2
_SHAPES: Final = 200
"""Combinations that are asked for at once."""


def shape(source: str, action: str, outcome: str, object_type: str, reasoned: int) -> str:
    """The token of a record's combination of `MEMBERS`, and whether it has a reason."""
    return mark("shape", f"{source}\x00{action}\x00{outcome}\x00{object_type}\x00{reasoned}")


def has_shapes(connection: Connection) -> bool:
    """Whether records of this database have the tokens of version 5."""
    return is_sqlite(connection) and read_versions(connection).get("record", 0) >= MARKED_SINCE


def found_by(
    connection: Connection,
    asked: Mapping[str, Any],
    words: Iterable[str],
    held: Iterable[tuple[str, Iterable[str]]],
    *,
    few: bool,
) -> list[str] | None:
    """What each record of the answer has, as parts of an FTS5 query; None: there is no such record.

    `asked`: the members of the question; `held`: members of which each record has one of these values. `few`: only by
    what leads to few records. Combinations are a part only beside another one, or where it is asked for reasons.
    """
    version = read_versions(connection).get("record", 0)
    parts = [f'"{word}"' for word in words]
    if version >= _EXACT_SINCE:
        parts += [f'"{exact(name, value)}"' for name in EXACT if (value := asked[name]) is not None]
    parts += [_any_of(exact(name, value) for value in values) for name, values in held]
    if few or version < MARKED_SINCE:
        return parts
    parts += [f'"{mark(name, value)}"' for name in MARKED if (value := asked[name]) is not None]
    wanted = [None if (value := asked[name]) is None else str(value) for name in MEMBERS]
    narrows = any(wanted) and (parts or asked["links"] or asked["link_kind"]) and asked["object_id"] is None
    if asked["reasoned"] is None and not narrows:
        return parts
    there = combinations(connection, wanted)
    if not there:
        return None
    if len(there) <= _SHAPES:
        told = (0, 1) if asked["reasoned"] is None else (int(asked["reasoned"]),)
        parts.append(_any_of(shape(*one, reasoned) for one in there for reasoned in told))
    return parts


def _any_of(tokens: Iterable[str]) -> str:
    """A part of an FTS5 query that one of these tokens is enough for."""
    # Tokens hold no quote (core.tokens), so each is a literal of the query language.
    return "(" + " OR ".join([f'"{token}"' for token in tokens]) + ")"
