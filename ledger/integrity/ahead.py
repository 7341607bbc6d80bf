"""Reads of a walk over ranges of entries: PostgreSQL works on the next range while this one is looked at.

All statements of a range go out at once (libpq's pipeline mode), so that no round trip is waited for either. SQLite
runs in this process: there is nothing to overlap, and each statement is simply run.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, Protocol, Self

from sqlalchemy import Connection

from ledger.store.bulk import Bulk
from ledger.store.engine import is_sqlite

Row = tuple[Any, ...]
Span = tuple[int, int]
"""Positions from … to before …: the two values of every statement."""


class Ahead(Protocol):
    """Answers the same statements for one span after the other; use it as a context."""

    def read(self, span: Span, following: Span | None) -> list[list[Row]]:
        """The rows of each statement for `span`; `following` is the span that will be asked for next."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...


def ahead(connection: Connection, statements: Sequence[str]) -> Ahead:
    """The way of this connection's database."""
    return _Direct(connection, statements) if is_sqlite(connection) else _Pipelined(connection, statements)


class _Direct:
    def __init__(self, connection: Connection, statements: Sequence[str]) -> None:
        self._bulk = Bulk(connection)
        self._statements = statements

    def read(self, span: Span, following: Span | None) -> list[list[Row]]:
        return [self._bulk.all(statement, span) for statement in self._statements]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None: ...


class _Pipelined:
    def __init__(self, connection: Connection, statements: Sequence[str]) -> None:
        self._raw: Any = connection.connection.driver_connection
        self._statements = [statement.replace("?", "%b") for statement in statements]
        self._stack = ExitStack()
        self._sent: tuple[Span, list[Any]] | None = None

    def read(self, span: Span, following: Span | None) -> list[list[Row]]:
        if self._sent is None or self._sent[0] != span:
            self._send(span)
        assert self._sent is not None
        _, cursors = self._sent
        self._sent = None
        rows = [cursor.fetchall() for cursor in cursors]
        if following is not None:
            self._send(following)
        return rows

    def __enter__(self) -> Self:
        self._stack.enter_context(self._raw.pipeline())
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def _send(self, span: Span) -> None:
        cursors = [self._cursor(statement, span) for statement in self._statements]
        self._sent = (span, cursors)
        # The server begins now and answers at once; what is asked meanwhile is answered after these.
        self._raw.pgconn.send_flush_request()
        self._raw.pgconn.flush()

    def _cursor(self, statement: str, values: Row) -> Any:
        cursor = self._raw.cursor(binary=True)
        return cursor.execute(statement, values, prepare=True)
