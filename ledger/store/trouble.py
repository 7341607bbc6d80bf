"""What a database says of its disk, as an error that names the thing and what to do."""

import sqlite3
from typing import Final

from sqlalchemy.exc import DBAPIError

from ledger.core.disk import disk_trouble, trouble_with
from ledger.core.errors import StorageDamaged, StorageFull, StorageReadOnly, StorageTrouble

_PRIMARY: Final = 0xFF
"""SQLite's extended codes hold the primary one in their lowest byte."""
_SQLITE: Final[dict[int, type[StorageTrouble]]] = {
    sqlite3.SQLITE_FULL: StorageFull,
    sqlite3.SQLITE_READONLY: StorageReadOnly,
    sqlite3.SQLITE_CORRUPT: StorageDamaged,
    sqlite3.SQLITE_NOTADB: StorageDamaged,
}
_POSTGRES: Final[dict[str, type[StorageTrouble]]] = {
    "53100": StorageFull,
    "25006": StorageReadOnly,
    "XX001": StorageDamaged,
    "XX002": StorageDamaged,
}


def trouble_of(error: BaseException) -> StorageTrouble | None:
    """The trouble with a disk, the database's or another, that is behind an error; None where it has another cause."""
    if isinstance(error, OSError):
        return disk_trouble(error)
    kind = _of_database(error.orig if isinstance(error, DBAPIError) else error)
    # What is asked without SQLAlchemy may be a file beside it, such as that by which a package is put in order.
    what = "the ledger's database" + ("" if isinstance(error, DBAPIError) else " or of a working file")
    return None if kind is None else trouble_with(kind, what)


def _of_database(said: BaseException | None) -> type[StorageTrouble] | None:
    if isinstance(said, sqlite3.Error):
        return _SQLITE.get(getattr(said, "sqlite_errorcode", 0) & _PRIMARY)
    return _POSTGRES.get(getattr(said, "sqlstate", None) or "")
