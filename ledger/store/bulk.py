"""Inserts many rows into one table by the fastest way that each driver has, inside SQLAlchemy's transaction.

SQLite: the driver's `executemany`. PostgreSQL: binary COPY, and plain INSERT where there are few rows.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Connection, Integer, LargeBinary, SmallInteger, Table, Text

from ledger.store.engine import is_sqlite
from ledger.store.schema import Tokens

FEW_ROWS = 4
"""Up to so many rows PostgreSQL takes single INSERTs faster than a COPY."""

Insert = Callable[[Sequence[tuple[Any, ...]]], None]


class Bulk:
    """Rows go into `table` in column order; one transaction's connection."""

    def __init__(self, connection: Connection) -> None:
        # The driver's connection itself: SQLAlchemy's cursor layer costs more than SQLite's own insert of a row.
        self._raw: Any = connection.connection.driver_connection
        self._sqlite = is_sqlite(connection)

    def insert(self, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
        """Inserts the rows, or raises the driver's error; the transaction is then to be rolled back."""
        if self._sqlite:
            self._raw.executemany(_insert_sqlite(table), rows)
        elif len(rows) <= FEW_ROWS:
            with self._raw.cursor() as cursor:
                for row in rows:
                    cursor.execute(_insert_postgres(table), row, prepare=True)
        else:
            with self._raw.cursor() as cursor, cursor.copy(_copy(table)) as copy:
                copy.set_types(_types(table))
                for row in rows:
                    copy.write_row(row)

    def run(self, sql: str, values: tuple[Any, ...]) -> None:
        """Runs one statement; `?` marks a value on either database."""
        if self._sqlite:
            self._raw.execute(sql, values).close()
        else:
            self._raw.execute(_percent(sql), values, prepare=True, binary=True)

    def all(self, sql: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """All rows of a query, as the driver gives them."""
        if self._sqlite:
            return list(self._raw.execute(sql, values))
        return list(self._raw.execute(_percent(sql), values, prepare=True, binary=True))

    def one(self, sql: str, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """The one row of a query that has exactly one."""
        (row,) = self.all(sql, values)
        return row


@cache
def _percent(sql: str) -> str:
    return sql.replace("?", "%b")


@cache
def _insert_sqlite(table: Table) -> str:
    return f"INSERT INTO {table.name} VALUES ({','.join('?' * len(table.columns))})"


@cache
def _insert_postgres(table: Table) -> str:
    return f"INSERT INTO {table.name} VALUES ({','.join(['%b'] * len(table.columns))})"


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
