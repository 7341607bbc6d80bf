"""SQLite's write-ahead log is copied into its file beside the commits, not within one that happens to fill it.

In a large ledger a commit changes pages all over its indexes, so copying costs about as much as committing. A commit
that finds the log grown to `CHECKPOINT_PAGES` leaves the copying to a thread. Where that cannot keep up, the log grows
to `engine.CHECKPOINT_AT_MOST` times that and a commit copies it, as SQLite does by itself.
"""

import threading
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DatabaseError

from ledger.store import engine as settings

_LOG = structlog.get_logger(__name__)
_FRAME: Final = 4096 + 24
"""Bytes of one page in the write-ahead log (SQLite file format, 4.1)."""


class Copier:
    """Copies one database's write-ahead log. Safe to use from any number of threads."""

    def __init__(self, writer: Engine, turn: AbstractContextManager[object]) -> None:
        """`turn`: while it is held, no thread of this process commits."""
        self._writer = writer
        self._turn = turn
        self._file = Path(f"{writer.url.database}-wal")
        self._enough = settings.CHECKPOINT_PAGES * _FRAME
        self._busy = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    def committed(self) -> None:
        """After each commit: begins to copy where there is enough, unless that is being done."""
        try:
            if self._file.stat().st_size < self._enough:
                return
        except FileNotFoundError:
            return
        if not self._closed and self._busy.acquire(blocking=False):
            self._thread = threading.Thread(target=self._copy, name="copy of the write-ahead log", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Waits for what is being copied; nothing is begun afterwards."""
        self._closed = True
        thread = self._thread
        if thread is not None:
            thread.join()

    def _copy(self) -> None:
        try:
            with self._writer.connect() as connection:
                raw = connection.connection.driver_connection
                assert raw is not None
                # PASSIVE neither waits nor makes anyone wait. What was committed meanwhile is little, and copied while
                # nothing is: all copied, the next commit begins the log anew.
                raw.execute("PRAGMA wal_checkpoint(PASSIVE)").close()
                with self._turn:
                    raw.execute("PRAGMA wal_checkpoint(PASSIVE)").close()
        except DatabaseError as error:
            # Nothing is lost: what is not copied stays in the log, and a commit that can't be stored says so itself.
            _LOG.warning("write-ahead log not copied", file=str(self._file), error=str(error.orig))
        finally:
            self._busy.release()
