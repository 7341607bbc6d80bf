"""The leader lock: of all processes on one ledger, at most one holds it, and a process that dies loses it.

PostgreSQL: an advisory lock of a session of its own, never pooled. SQLite: an OS lock on a file in the ledger's folder.
"""

import fcntl
import os
from pathlib import Path
from typing import Final, Protocol

from sqlalchemy import Connection, Engine, NullPool, create_engine, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

_KEY: Final = 0x7261_696C_5EA1_0001
"""Number of the advisory lock; such locks are per database."""

_FILE: Final = "leader.lock"


class LeaderLock(Protocol):
    """Held by at most one process of a ledger at a time. For use by one thread."""

    def acquire(self) -> bool:
        """Takes the lock if it is free, at once; whether it is held now."""
        ...

    def held(self) -> bool:
        """Whether the lock is still held, asked anew."""
        ...

    def release(self) -> None:
        """Gives the lock back; without effect when it is not held."""
        ...


def leader_lock(url: str | URL, folder: Path) -> LeaderLock:
    """The lock that fits the database; `folder` is the ledger's."""
    if make_url(url).get_backend_name() == "sqlite":
        return FileLock(folder / _FILE)
    return AdvisoryLock(url)


class FileLock:
    """An exclusive `flock` on a file: the kernel gives it back when the process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def acquire(self) -> bool:
        if self._file is not None:
            return True
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        self._file = file
        return self.held()

    def held(self) -> bool:
        """False also when the file at the path is no longer the one that is locked: another could lock the new one."""
        if self._file is None:
            return False
        try:
            same = os.path.samestat(os.fstat(self._file), self._path.stat())
        except FileNotFoundError:
            same = False
        if not same:
            self.release()
        return same

    def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


class AdvisoryLock:
    """A session-level advisory lock: the server gives it back when the session ends."""

    def __init__(self, url: str | URL) -> None:
        parsed = make_url(url).set(drivername="postgresql+psycopg")
        self._engine: Engine = create_engine(parsed, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        self._connection: Connection | None = None

    def acquire(self) -> bool:
        if self._connection is not None:
            return self.held()
        try:
            connection = self._engine.connect()
        except DBAPIError:
            return False
        if not connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({_KEY})").scalar():
            connection.close()
            return False
        self._connection = connection
        return True

    def held(self) -> bool:
        if self._connection is None:
            return False
        try:
            self._connection.exec_driver_sql("SELECT 1")
        except DBAPIError:
            self.release()
            return False
        return True

    def release(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            try:
                connection.close()
            except DBAPIError:
                connection.invalidate()
