"""All records that match, in the order of a search, some at a time: each time in a snapshot of its own.

It is as of one size, so that what is appended meanwhile changes nothing. Between two times nothing is held in the
database: however long the walk, no reader keeps a snapshot.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, Connection, select

from ledger.store import schema
from ledger.store.by_column import Columns, by_column
from ledger.store.matching import matching
from ledger.store.ordering import Place, Sort, SortKey, first, followed, in_order, listed
from ledger.store.position import index_of, pos_of
from ledger.store.question import Question


class Walk:
    """One walk, over one log; for one thread at a time.

    It keeps the positions of those that are put in order (at most `ordering.MANY`), of all others only the last one.
    """

    def __init__(self, log: int, size: int, query: Question, sort: Sort) -> None:
        self._log = log
        self._size = size
        self._query = query
        self._sort = sort
        self._begun = False
        self._listed: list[int] | None = None
        self._last: Place | None = None

    def columns(self, connection: Connection, columns: Sequence[Column[Any]], count: int) -> Columns:
        """Of the next records the position, then these columns of `record`. No position at all: the walk is over.

        Raises SchemaViolation, the first time, where too many match for an order that has no index.
        """
        if not self._begun:
            known = listed(connection, self._log, self._size, self._query, self._sort)
            self._listed = None if known is None else in_order(known, self._sort.ascending)[::-1]
            self._begun = True
        if self._listed is not None:
            return self._from_list(self._listed, connection, columns, count)
        if self._sort.by is SortKey.INDEX:
            return self._by_index(connection, columns, count)
        places, values, *found = followed(
            connection, self._log, self._size, self._query, self._sort, self._last, columns, count
        )
        if places:
            self._last = (values[-1], places[-1])
        return [places, *found]

    def _by_index(self, connection: Connection, columns: Sequence[Column[Any]], count: int) -> Columns:
        low, high = 0, self._size
        if self._last is not None and self._sort.ascending:
            low = index_of(self._last[1]) + 1
        elif self._last is not None:
            high = index_of(self._last[1])
        # Along the log itself: by an index of a condition, each stretch would begin with sorting all that match.
        place, chosen = matching(connection, self._log, low, high, self._query, along=schema.record.c.pos)
        found = first(connection, chosen, (place, *columns), (place,), self._sort.ascending, count)
        if found[0]:
            self._last = (None, found[0][-1])
        return found

    def _from_list(
        self, left: list[int], connection: Connection, columns: Sequence[Column[Any]], count: int
    ) -> Columns:
        found: Columns = [[]]
        # Those of a stretch may all be gone by a disposal: the walk is over where the list is.
        while left and not found[0]:
            wanted, left[-count:] = left[-count:][::-1], []
            found = _columns_of(connection, wanted, columns)
        return found


def columns_at(connection: Connection, log: int, indices: Sequence[int], columns: Sequence[Column[Any]]) -> Columns:
    """Of these records the position, then these columns, in the order given; what is not there is left out."""
    return _columns_of(connection, [pos_of(log, index) for index in indices], columns)


def _columns_of(connection: Connection, positions: Sequence[int], columns: Sequence[Column[Any]]) -> Columns:
    pos = schema.record.c.pos
    found = by_column(connection, select(pos).where(pos.in_(positions)), (pos, *columns))
    at = {one: row for row, one in enumerate(found[0])}
    rows = [at[one] for one in positions if one in at]
    return [[column[row] for row in rows] for column in found]
