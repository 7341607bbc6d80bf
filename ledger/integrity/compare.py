"""Compares stored rows with derived ones, as sets, and names the first entry whose rows differ."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

Row = tuple[Any, ...]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """The first position (`pos`) whose rows differ, in which column, and how."""

    pos: int
    column: str
    what: str


def first_difference(
    columns: Sequence[str], position: str, expected: Iterable[Row], stored: Iterable[Row]
) -> Difference | None:
    """The first difference by the column `position`; None when both hold the same rows, in whatever order."""
    at = columns.index(position)
    wanted, found = Counter(map(_hashable, expected)), Counter(map(_hashable, stored))
    missing, extra = list((wanted - found).elements()), list((found - wanted).elements())
    if not missing and not extra:
        return None
    pos = min((row[at] for row in (*missing, *extra) if isinstance(row[at], int)), default=0)
    lost = [row for row in missing if row[at] == pos]
    strange = [row for row in extra if row[at] == pos]
    if lost and strange:
        # Of several rows of one entry, the two that are most alike are taken for before and after.
        pairs = [(sum(map(_differ, one, other)), one, other) for one in lost for other in strange]
        _, one, other = min(pairs, key=lambda pair: pair[0])
        names = [name for name, a, b in zip(columns, one, other, strict=True) if _differ(a, b)]
        return Difference(pos=pos, column=names[0], what="differs from what the entry gives")
    if lost:
        return Difference(pos=pos, column="", what="the row that the entry gives is missing")
    return Difference(pos=pos, column="", what="there is a row that no entry gives")


def _differ(one: object, other: object) -> bool:
    return type(one) is not type(other) or one != other


def _hashable(row: Row) -> Row:
    """The row with its lists (PostgreSQL's arrays) as tuples."""
    return tuple(tuple(value) if isinstance(value, list) else value for value in row)
