"""SQLite by `apsw`, as a DB-API driver: as much of `sqlite3` with `isolation_level = None` as the store uses.

`apsw` alone lets a test stand between SQLite and its files; nothing above the driver knows the difference.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import apsw

paramstyle = "qmark"
threadsafety = 1
sqlite_version_info = tuple(int(part) for part in apsw.sqlite_lib_version().split("."))
Error = apsw.Error
IntegrityError = apsw.ConstraintError


def connect(path: str, *, vfs: str, timeout: float, check_same_thread: bool, cached_statements: int) -> "Connection":
    """Opens a database through a VFS."""
    assert not check_same_thread, "an apsw connection can't be bound to a thread"
    raw = apsw.Connection(path, vfs=vfs, statementcachesize=cached_statements)
    raw.set_busy_timeout(int(timeout * 1000))
    return Connection(raw)


class Cursor:
    """The rows of one statement, fetched when it ran."""

    arraysize = 1
    lastrowid: int | None = None

    def __init__(self, raw: apsw.Connection) -> None:
        self._raw = raw
        self._rows: Iterator[Any] = iter(())
        self.description: Sequence[tuple[Any, ...]] | None = None
        self.rowcount = -1

    def execute(self, statement: str, values: Sequence[Any] = ()) -> "Cursor":
        self._run(lambda cursor: cursor.execute(statement, tuple(values)))
        return self

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> "Cursor":
        self._run(lambda cursor: cursor.executemany(statement, rows))
        return self

    def fetchone(self) -> Any:
        return next(self._rows, None)

    def fetchmany(self, size: int = 1) -> list[Any]:
        return [row for _, row in zip(range(size), self._rows, strict=False)]

    def fetchall(self) -> list[Any]:
        return list(self._rows)

    def __iter__(self) -> Iterator[Any]:
        return self._rows

    def close(self) -> None:
        self._rows = iter(())

    def _run(self, statement: Any) -> None:
        cursor = self._raw.cursor()
        self.description = None
        # A statement without rows has no description any more once it has run.
        cursor.exec_trace = self._describe
        before = self._raw.total_changes()
        self._rows = iter(list(statement(cursor)))
        self.rowcount = self._raw.total_changes() - before
        cursor.close()

    def _describe(self, cursor: apsw.Cursor, _statement: str, _values: Any) -> bool:
        columns = cursor.get_description()
        self.description = [(name, None, None, None, None, None, None) for name, *_ in columns] or None
        return True


class Connection:
    """A connection that begins nothing by itself."""

    isolation_level: str | None = None

    def __init__(self, raw: apsw.Connection) -> None:
        self._raw = raw

    def cursor(self) -> Cursor:
        return Cursor(self._raw)

    def execute(self, statement: str, values: Sequence[Any] = ()) -> Cursor:
        return self.cursor().execute(statement, values)

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> Cursor:
        return self.cursor().executemany(statement, rows)

    def commit(self) -> None:
        if self._raw.in_transaction:
            self._raw.execute("COMMIT")

    def rollback(self) -> None:
        if self._raw.in_transaction:
            self._raw.execute("ROLLBACK")

    def close(self) -> None:
        self._raw.close()
