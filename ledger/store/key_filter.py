"""A Bloom filter of the record keys that a log on SQLite holds, so that a new record asks nothing of the disk.

What the filter does not know is not in the log: it holds the key of every record before the head at which it stands,
and is asked at no other. What it knows may be there: one in a thousand is not. It is filled from the full-text index
itself, by a thread of its own and once it pays; until then each record is looked up there (`store.key_index`).
"""

import sqlite3
import threading
from collections.abc import Collection, Iterable
from typing import Any, Final

import structlog
from rbloom import Bloom
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from ledger.core.hashing import leaf_hash
from ledger.core.tokens import KEY_MARK, KEY_TOKEN
from ledger.store.bulk import Bulk
from ledger.store.key_index import INDEX
from ledger.store.position import pos_of
from ledger.store.right_edge import Mark
from ledger.store.vocabulary import vocabulary

_LOG = structlog.get_logger(__name__)

ONE_IN: Final = 0.001
"""How many of the keys that are not there are taken for known, so 14 bits of memory a key."""
LEAST: Final = 1 << 20
"""Keys that the first filter takes; each further one takes as many as all before it."""
WORTH: Final = 100
"""To look up one key takes as long as to fill the filter with so many: then it is filled once that much was spent."""
SOME: Final = 2_000
"""Keys that are looked up in any case before: what appends only little fills nothing."""
FEW: Final = 10_000
"""Entries of other processes that are read under the head's lock, in some 20 ms, at most."""
SLICE: Final = 2_000
"""Rows that the thread reads at once."""
_PREFIXES: Final = 256
"""Parts in which the index is read, each in a transaction of its own, so that the write-ahead log is copied between."""


class Keys:
    """Tokens of keys, in as many filters as they need."""

    def __init__(self, expected: int) -> None:
        self._filters: list[Bloom] = []
        self._held = 0
        self._room = 0
        self._grow(max(LEAST, 2 * expected))

    def _grow(self, capacity: int) -> None:
        self._filters.append(Bloom(capacity, ONE_IN))
        self._room += capacity

    def add(self, tokens: Collection[str]) -> None:
        """From now on these are among the known."""
        if self._held + len(tokens) > self._room:
            self._grow(max(self._room, len(tokens)))
        self._filters[-1].update(tokens)
        self._held += len(tokens)

    def known(self, tokens: Iterable[str]) -> list[str]:
        """Those that may be there."""
        filters = self._filters
        if len(filters) == 1:
            (only,) = filters
            return [token for token in tokens if token in only]
        return [token for token in tokens if any(token in one for one in filters)]


class KeyFilter:
    """The filter of one log, for its appender alone: one thread at a time, beside the one that fills it."""

    def __init__(self, readers: Engine, log: int) -> None:
        self._readers = readers
        self._log = log
        self._keys: Keys | None = None
        self._mark = Mark(0, b"")
        self._structure = 0
        self._spent = 0
        self._filled: tuple[Keys, Mark, int] | None = None
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()

    @property
    def complete(self) -> bool:
        """Whether it is in use, and has to be told of what is appended."""
        return self._keys is not None

    def known(self, connection: Connection, head: Mark, tokens: Collection[str]) -> Collection[str]:
        """Those of these tokens that the log may hold at this head: all of them while nothing is known of it."""
        if self._keys is None:
            self._take()
        if self._keys is not None:
            self._follow(connection, head)
        if self._keys is not None:
            return self._keys.known(tokens)
        self._spent += len(tokens)
        if self._thread is None and self._spent >= max(SOME, head.size // WORTH):
            self._thread = threading.Thread(target=self._fill, name="filter of record keys", daemon=True)
            self._thread.start()
        return tokens

    def committed(self, before: Mark, after: Mark, tokens: Collection[str]) -> None:
        """The entries from one head to another were appended here, with these tokens."""
        if self._keys is not None and self._mark == before:
            self._keys.add(tokens)
            self._mark = after

    def close(self) -> None:
        """Ends the thread that fills it."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join()

    def _take(self) -> None:
        """Takes what the thread has filled, once it has ended."""
        if self._thread is None or self._thread.is_alive():
            return
        self._thread, self._spent = None, 0
        if self._filled is not None:
            (self._keys, self._mark, self._structure), self._filled = self._filled, None

    def _follow(self, connection: Connection, head: Mark) -> None:
        """Brings the filter to this head; drops it where that would take long, or the log before is not the one known.

        A rebuild that put another index in place changed the schema's version.
        """
        same = _structure(connection) == self._structure
        if same and head == self._mark:
            return
        if same and 0 < head.size - self._mark.size <= FEW and _leads_on(connection, self._log, self._mark):
            tokens = _tokens(connection, self._log, self._mark.size, head.size)
            if tokens is not None and self._keys is not None:
                self._keys.add(tokens)
                self._mark = head
                return
        self._keys = None

    def _fill(self) -> None:
        try:
            with self._readers.connect() as connection:
                self._filled = self._read(connection)
        except (sqlite3.Error, DBAPIError) as error:
            # Nothing is lost but time: each record is looked up, and it is tried anew once that much was spent again.
            _LOG.warning("filter of record keys not filled", log=self._log, error=str(error))

    def _read(self, connection: Connection) -> tuple[Keys, Mark, int] | None:
        """The keys of the index, in slices: what is appended meanwhile is read off its rows until little is missing."""
        raw: Any = connection.connection.driver_connection
        structure, mark = _structure(connection), _head(connection, self._log)
        keys = Keys(mark.size)
        with vocabulary(raw, INDEX, "row"):
            for part in range(_PREFIXES):
                low, high = f"{KEY_MARK}{part:02x}", f"{KEY_MARK}{part:02x}g"
                cursor = raw.execute("SELECT term FROM temp.words_row WHERE term >= ? AND term < ?", (low, high))
                while rows := cursor.fetchmany(SLICE):
                    keys.add([term for (term,) in rows])
                    if self._closing.is_set():
                        cursor.close()
                        return None
        while (head := _head(connection, self._log)).size - mark.size > FEW // 2:
            for first in range(mark.size, head.size, SLICE):
                tokens = _tokens(connection, self._log, first, min(first + SLICE, head.size))
                if tokens is None or self._closing.is_set():
                    return None
                keys.add(tokens)
            mark = head
        return keys, mark, structure


def _structure(connection: Connection) -> int:
    ((version,),) = Bulk(connection).all("PRAGMA main.schema_version", ())
    return int(version)


def _head(connection: Connection, log: int) -> Mark:
    return Mark(*Bulk(connection).one("SELECT size, leaf_hash FROM head WHERE log = ?", (log,)))


def _leads_on(connection: Connection, log: int, mark: Mark) -> bool:
    """Whether the log has at this size what it had."""
    rows = Bulk(connection).all("SELECT data FROM leaf WHERE pos = ?", (pos_of(log, mark.size - 1),))
    return [leaf_hash(data) for (data,) in rows] == [mark.leaf_hash]


def _tokens(connection: Connection, log: int, low: int, high: int) -> list[str] | None:
    """The tokens of the keys of a range's records, which stand first in their rows; None where one has none."""
    sql = f"SELECT substr(tokens, 1, {KEY_TOKEN}) FROM record WHERE pos >= ? AND pos < ?"
    tokens = [token for (token,) in Bulk(connection).all(sql, (pos_of(log, low), pos_of(log, high)))]
    return tokens if all(token.startswith(KEY_MARK) for token in tokens) else None
