"""Search over records: the same question gives the same answer, in the same order, on either database.

Order is by index, newest first; a page ends with the index to go on before (keyset paging). A search is made as of a
size: entries logged later are not in it.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import msgspec
from sqlalchemy import Column, Connection, func

from ledger.store.combinations import has_combined, of_each
from ledger.store.engine import planned_anew
from ledger.store.matching import by_combination, matching, together
from ledger.store.position import index_of
from ledger.store.question import Narrowed, Query, Question

MAX_PAGE = 500


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Indices found, newest first. `next_before` is the keyset of the next page; None: this was the last."""

    indices: tuple[int, ...]
    size: int
    next_before: int | None


def search(
    connection: Connection, log: int, size: int, query: Question, before: int | None = None, limit: int = 50
) -> Page:
    """One page of the records that match, as of `size`."""
    limit = max(1, min(limit, MAX_PAGE))
    found = newest(connection, log, size, query, before, limit + 1)
    indices = tuple(found[:limit])
    return Page(indices=indices, size=size, next_before=indices[-1] if len(found) > limit else None)


def newest(connection: Connection, log: int, size: int, query: Question, before: int | None, limit: int) -> list[int]:
    """The last of the records that match, newest first, before an index or as of `size`."""
    high = size if before is None else min(before, size)
    return [index_of(row[0]) for row in rows(connection, log, 0, high, query, (), limit, newest=True)]


def oldest(connection: Connection, log: int, size: int, query: Question, low: int, limit: int) -> list[int]:
    """The first of the records that match, from index `low` on, as of `size`."""
    return [index_of(row[0]) for row in rows(connection, log, low, size, query, (), limit, newest=False)]


def rows(
    connection: Connection,
    log: int,
    low: int,
    high: int,
    query: Question,
    columns: Sequence[Column[Any]],
    limit: int,
    *,
    newest: bool | None = None,
) -> list[tuple[Any, ...]]:
    """Position and columns of the first records that match: from the newest, the oldest, or any (`matching`)."""
    combined = has_combined(connection)
    wanted = by_combination(connection, query, combined=combined)
    # What the combinations of PostgreSQL say needs no condition beside them.
    others = query if wanted is None or not combined else Query()
    place, chosen = matching(connection, log, low, high, others)
    chosen = chosen.with_only_columns(place, *columns)
    anew = together(query.query if isinstance(query, Narrowed) else query)
    # The records of an object are in order by its index: planned anew, many of them would be walked down to.
    with planned_anew(connection) if anew else nullcontext():
        if wanted is not None:
            return of_each(connection, log, high, chosen, wanted, place, limit, newest, combined=combined)
        ordered = chosen if newest is None else chosen.order_by(place.desc() if newest else place)
        # The driver's own tuples: what SQLAlchemy makes of them would be a third of reading a row.
        return list(connection.execute(ordered.limit(limit)).cursor.fetchall())


def count(connection: Connection, log: int, size: int, query: Question) -> int:
    """How many records match, as of `size`."""
    _, chosen = matching(connection, log, 0, size, query)
    return connection.scalar(chosen.with_only_columns(func.count())) or 0
