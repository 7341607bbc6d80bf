"""Inserts many rows into one table by the fastest way that each driver has, inside SQLAlchemy's transaction.

SQLite: the driver's `executemany`, and many rows a statement where full text is indexed. PostgreSQL: binary COPY, and
plain INSERT where there are few rows.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import chain, islice
from typing import Any

from sqlalchemy import BigInteger, Connection, Integer, LargeBinary, SmallInteger, Table, Text

from ledger.store.engine import is_sqlite
from ledger.store.schema import Tokens, has_tokens

FEW_ROWS = 4
"""Up to so many rows PostgreSQL takes single INSERTs faster than a COPY."""
ROWS_A_STATEMENT = 128
"""Rows that one INSERT gives SQLite's full-text index at most."""


class Bulk:
    """Rows go into `table` in column order; one transaction's connection."""

    def __init__(self, connection: Connection) -> None:
        # The driver's connection itself: SQLAlchemy's cursor layer costs more than SQLite's own insert of a row.
        self._raw: Any = connection.connection.driver_connection
        self._sqlite = is_sqlite(connection)
        self._waiting: list[tuple[str, tuple[Any, ...]]] | None = None

    @contextmanager
    def at_once(self, few: bool) -> Iterator[None]:
        """PostgreSQL: what is written inside goes out as one statement at the end, where it is only a few rows."""
        if not few or self._sqlite:
            yield
            return
        self._waiting = []
        yield
        waiting, self._waiting = self._waiting, None
        parts = [sql for sql, _ in waiting]
        # One statement of data-modifying CTEs: one round trip, and one pass through the driver.
        heads = ", ".join(f"s{at} AS ({sql})" for at, sql in enumerate(parts[:-1]))
        self.run(f"WITH {heads} {parts[-1]}" if heads else parts[-1], tuple(v for _, values in waiting for v in values))

    def insert(self, table: Table, rows: Iterable[tuple[Any, ...]], count: int) -> None:
        """Inserts the rows, `count` of them or about, or raises the driver's error: then the transaction is void."""
        if self._sqlite and has_tokens(table):
            self._insert_together(table, rows)
        elif self._sqlite:
            self._raw.executemany(_insert(table), rows)
        elif self._waiting is not None or count <= FEW_ROWS:
            for row in rows:
                self.run(_insert(table), row)
        else:
            with self._raw.cursor() as cursor, cursor.copy(_copy(table)) as copy:
                copy.set_types(_types(table))
                for row in rows:
                    copy.write_row(row)

    def _insert_together(self, table: Table, rows: Iterable[tuple[Any, ...]]) -> None:
        """Few statements: FTS5 writes a segment of its index at the start of every statement whose trigger feeds it."""
        source = iter(rows)
        while chosen := list(islice(source, ROWS_A_STATEMENT)):
            self.run(_insert(table, len(chosen)), tuple(chain.from_iterable(chosen)))

    def run(self, sql: str, values: tuple[Any, ...]) -> None:
        """Runs one statement; `?` marks a value on either database."""
        if self._sqlite:
            self._raw.execute(sql, values).close()
        elif self._waiting is not None:
            self._waiting.append((sql, values))
        else:
            self._raw.execute(_percent(sql), values, prepare=True, binary=True)

    def all(self, sql: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """All rows of a query, as the driver gives them."""
        # fetchall, not iteration: psycopg makes all rows in one call of C, but iterates in Python.
        if self._sqlite:
            found: list[tuple[Any, ...]] = self._raw.execute(sql, values).fetchall()
        else:
            found = self._raw.execute(_percent(sql), values, prepare=True, binary=True).fetchall()
        return found

    def one(self, sql: str, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """The one row of a query that has exactly one."""
        (row,) = self.all(sql, values)
        return row


@cache
def _percent(sql: str) -> str:
    return sql.replace("?", "%b")


@cache
def _insert(table: Table, rows: int = 1) -> str:
    row = f"({','.join('?' * len(table.columns))})"
    return f"INSERT INTO {table.name} VALUES {','.join([row] * rows)}"


@cache
def _copy(table: Table) -> str:
    return f"COPY {table.name} FROM STDIN (FORMAT BINARY)"


_POSTGRES_TYPES: tuple[tuple[type[Any], str], ...] = (
    (BigInteger, "int8"),
    (SmallInteger, "int2"),
    (Integer, "int4"),
    (LargeBinary, "bytea"),
    (Tokens, "text[]"),
    (Text, "text"),
)


@cache
def _types(table: Table) -> tuple[str, ...]:
    return tuple(
        next(name for type_, name in _POSTGRES_TYPES if isinstance(column.type, type_)) for column in table.columns
    )
