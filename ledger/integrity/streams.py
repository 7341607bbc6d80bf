"""Rows of a span of entries, sorted by entry and read a few at a time: memory stays flat however many there are."""

import itertools
import sqlite3
from typing import Any, Final

import psycopg
from sqlalchemy import Connection

from ledger.store.engine import is_sqlite

DRIVER_ERRORS: Final = (sqlite3.Error, psycopg.Error, UnicodeError)
"""What a driver raises where a stored value can't be read at all (SQLite: text that is not UTF-8)."""

_names = itertools.count()


class Stream:
    """A query's rows, in order; PostgreSQL: by a cursor of the server's, so that the client holds what it takes."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor
        self._back: list[tuple[Any, ...]] = []
        self.taken: list[tuple[Any, ...]] = []
        """What was taken last."""

    def take(self, count: int) -> list[tuple[Any, ...]]:
        """The next rows, at most `count`; fewer only at the end."""
        rows, self._back = self._back[:count], self._back[count:]
        more = count - len(rows)
        self.taken = rows + self._cursor.fetchmany(more) if more else rows
        return self.taken

    def give_back(self, rows: list[tuple[Any, ...]]) -> None:
        """Puts rows that were taken last in front again."""
        self._back = rows + self._back

    def close(self) -> None:
        """Gives the cursor back."""
        self._cursor.close()


def stream(connection: Connection, select: str, span: tuple[int, int]) -> Stream:
    """The rows of `select` with `pos` in the span, by `pos`; of one `pos` in the order that the caller must not rely on
    beyond speed.
    """
    sql = f"{select} WHERE pos >= %s AND pos < %s ORDER BY pos"
    raw: Any = connection.connection.driver_connection
    if is_sqlite(connection):
        return Stream(raw.execute(sql.replace("%s", "?"), span))
    cursor = raw.cursor(name=f"verify_{next(_names)}", binary=True)
    cursor.execute(sql, span)
    return Stream(cursor)
