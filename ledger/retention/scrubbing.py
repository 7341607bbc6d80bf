"""What is left of removed rows in the database's own files, and how it goes.

SQLite: rows are overwritten as they go (`secure_delete`), then the write-ahead log is emptied; pages that were split
long ago may hold copies, and the full-text index marks words as gone before it drops them: `scrub` rewrites both.
PostgreSQL: `scrub` rewrites the tables, and the statistics that were taken of them. Its write-ahead log, archives,
replicas and backups keep what they have until they expire.
"""

from typing import Any, Final

from sqlalchemy import create_engine
from sqlalchemy.engine import URL

from ledger.core.errors import Conflict
from ledger.store.append_only import SEARCHED
from ledger.store.engine import is_sqlite
from ledger.store.store import Store

VAULT: Final = ("body", "original", "sealed_value")


def empty_log(store: Store) -> bool:
    """SQLite: empties the write-ahead log; whether nothing is left in it. Readers that began before hinder it."""
    if not is_sqlite(store.writer):
        return True
    with store.writer.connect() as connection:
        raw: Any = connection.connection.cursor()
        busy, _, _ = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        raw.close()
    return not busy


def scrub(store: Store, owner: URL) -> None:
    """Rewrites the files that rows went from, so that nothing of them stays in free space. Takes a while.

    `owner`: the URL of the database's owner. Raises Conflict where readers kept the write-ahead log from being emptied.
    """
    sqlite = owner.get_backend_name() == "sqlite"
    engine = create_engine(
        owner if sqlite else owner.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT"
    )
    try:
        with engine.connect() as connection:
            if sqlite:
                connection.exec_driver_sql("PRAGMA secure_delete = ON").close()
                connection.exec_driver_sql("INSERT INTO record_fts(record_fts) VALUES ('optimize')")
                connection.exec_driver_sql("VACUUM")
            else:
                connection.exec_driver_sql(f"VACUUM (FULL, ANALYZE) {', '.join((*VAULT, *SEARCHED))}")
                connection.exec_driver_sql("VACUUM FULL pg_catalog.pg_statistic")
    finally:
        engine.dispose()
    if not empty_log(store):
        raise Conflict(
            "the write-ahead log could not be emptied: somebody reads since before",
            advice="Run it again when no verification or export runs.",
        )
