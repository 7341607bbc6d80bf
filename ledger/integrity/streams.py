"""Rows of a span of entries, sorted by entry and read a few at a time: memory stays flat however many there are."""

import itertools
import sqlite3
from typing import Any, Final

import psycopg
from sqlalchemy import Connection

from ledger.store.engine import is_sqlite

DRIVER_ERRORS: Final = (sqlite3.Error, psycopg.Error, UnicodeError)
"""What a driver raises where a stored value can't be read at all (SQLite: text that is not UTF-8)."""

AT_ONCE: Final = 1024
"""Rows fetched at once: few enough to be small, enough to spare PostgreSQL a round trip."""

_names = itertools.count()


class Stream:
    """A query's rows, in order; PostgreSQL: by a cursor of the server's, so that the client holds what it takes."""

    def __init__(self, connection: Connection, query: str, span: tuple[int, int]) -> None:
        raw: Any = connection.connection.driver_connection
        self._raw = raw
        self._waiting: list[tuple[Any, ...]] = []
        self._name = f"verify_{next(_names)}"
        self._cursor: Any = None
        if is_sqlite(connection):
            self._cursor = raw.execute(query, span)
        else:
            raw.execute(f"DECLARE {self._name} NO SCROLL CURSOR FOR {query.replace('?', '%b')}", span)

    def take(self, count: int) -> list[tuple[Any, ...]]:
        """The next rows, at most `count`; fewer only at the end."""
        while len(self._waiting) < count and self._fetch(count - len(self._waiting)):
            pass
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        return taken

    def close(self) -> None:
        """Gives the cursor back."""
        if self._cursor is not None:
            self._cursor.close()
        elif self._raw.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS:
            self._raw.execute(f"CLOSE {self._name}")

    def _fetch(self, count: int) -> list[tuple[Any, ...]]:
        # SQLite has its rows at hand: those that are compared next are still in the processor's cache.
        if self._cursor is not None:
            rows: list[tuple[Any, ...]] = self._cursor.fetchmany(count)
        else:
            statement = f"FETCH FORWARD {max(count, AT_ONCE)} FROM {self._name}"
            rows = self._raw.execute(statement, binary=True).fetchall()
        self._waiting += rows
        return rows


def stream(connection: Connection, select: str, span: tuple[int, int]) -> Stream:
    """The rows of `select` with `pos` in the span, by `pos`; of one `pos` in an order that the caller must not rely
    on beyond speed.
    """
    joint = "AND" if " WHERE " in select else "WHERE"
    return Stream(connection, f"{select} {joint} pos >= ? AND pos < ? ORDER BY pos", span)
