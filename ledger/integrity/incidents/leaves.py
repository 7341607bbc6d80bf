"""Which entries of a log do not hold, all of them: a leaf is held to what its tile and the entry after it say of it.

`verify` stops at the first bad entry; an incident has to know every one. Each leaf hash stands in the log up to three
times (in the leaf itself, in its tile, as `prev` of the next entry), so that one damaged entry does not hide another.
Memory is flat in the length of the log.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection

from ledger.core.clock import parse_utc
from ledger.core.entry import LeafData, decode_leaf
from ledger.core.errors import InvalidEntry, LedgerError
from ledger.core.hashing import HASH_SIZE, ZERO_HASH, b64, body_commitment, leaf_hash, unb64
from ledger.core.kinds import RECORD
from ledger.core.time_epoch import goes_back
from ledger.integrity.fault import Fault
from ledger.store.bulk import Bulk
from ledger.store.gone import Gone
from ledger.store.position import index_of
from ledger.store.reading import LogReader
from ledger.store.right_edge import TILE

_CHANGED = "the leaf is not the one that its tile and the entry after it name"


class Leaves:
    """Walks over one log once. `hashes` yields for each entry the leaf hash that the log vouches for, or None."""

    def __init__(self, connection: Connection, log: int, size: int, last: bytes) -> None:
        """`last`: the leaf hash of the last entry, as the head has it."""
        self._reader = LogReader(connection, log)
        self._connection = connection
        self._bulk = Bulk(connection)
        self._gone = Gone()
        self._log = log
        self._size = size
        self._last = last
        self.faults: list[Fault] = []
        self.logged_at = ""

    def hashes(self) -> Iterator[bytes | None]:
        """The vouched leaf hashes, in order; what does not hold is in `faults` once the entry was passed."""
        before: bytes | None = ZERO_HASH
        for low in range(0, self._size, TILE):
            rows = {
                index_of(row[0]): row
                for row in self._reader.rows(low, min(self._size, low + TILE + 2))
                if _is_bytes(row[1])
            }
            tile = self._tile(low // TILE)
            for index in range(low, min(self._size, low + TILE)):
                at = index % TILE * HASH_SIZE
                tiled = tile[at : at + HASH_SIZE] if tile else None
                before = self._entry(index, rows, tiled, before)
                yield before

    def _entry(self, index: int, rows: dict[int, Any], tiled: bytes | None, before: bytes | None) -> bytes | None:
        row = rows.get(index)
        leaf, own = _leaf(row, index)
        named = self._named(index, rows)
        vouched = self._vouched(index, rows, own, named, tiled)
        if row is None:
            self._fault(index, "leaf", "", "the entry is missing")
        elif leaf is None:
            self._fault(index, "leaf", "data", f"the leaf is not one of entry {index}")
        elif own != vouched:
            self._fault(index, "leaf", "data", _CHANGED)
        elif before is not None and leaf.prev != b64(before):
            self._fault(index, "leaf", "data", "the leaf does not name the entry before it")
        elif leaf.logged_at < self.logged_at and not goes_back(
            leaf.kind, row[3], index, before or b"", self.logged_at, leaf.logged_at
        ):
            self._fault(index, "leaf", "data", "logged before the entry before it")
        else:
            self._body(index, leaf, row)
            self.logged_at = leaf.logged_at
        if tiled is not None and vouched is not None and tiled != vouched:
            self._fault(index, "tile", "hashes", "the tile does not hold the leaf hash of this entry")
        return vouched

    def _vouched(
        self, index: int, rows: dict[int, Any], own: bytes | None, named: bytes | None, tiled: bytes | None
    ) -> bytes | None:
        """Which hash the entry had when it was logged, as two of three say; None if nothing tells."""
        if tiled is not None:
            return own if own is not None and own == named else tiled
        if own is None or named is None:
            return own or named
        if own == named:
            return own
        # One of the two was altered: the one that its own successor does not vouch for.
        _, after = _leaf(rows.get(index + 1), index + 1)
        return named if after is not None and after == self._named(index + 1, rows) else own

    def _named(self, index: int, rows: dict[int, Any]) -> bytes | None:
        """What the entry after this one, or the head, calls its leaf hash."""
        if index + 1 >= self._size:
            return self._last if index + 1 == self._size else None
        leaf, _ = _leaf(rows.get(index + 1), index + 1)
        try:
            return None if leaf is None else unb64(leaf.prev, HASH_SIZE)
        except InvalidEntry:
            return None

    def _body(self, index: int, leaf: LeafData, row: Any) -> None:
        pos, data, salt, body = row
        if body is None and leaf.kind == RECORD.name and self._gone.names(self._connection, pos, leaf_hash(data)):
            return
        if body is None or salt is None:
            self._fault(index, "body", "", "the body is missing, and no entry says that it was disposed of")
        elif not isinstance(salt, bytes) or len(salt) != HASH_SIZE or not isinstance(body, bytes):
            self._fault(index, "body", "salt", "not bytes, or not as many as there should be")
        elif b64(body_commitment(salt, body)) != leaf.body:
            self._fault(index, "body", "body", "body and salt are not those that the leaf commits to")

    def _tile(self, n: int) -> bytes | None:
        """The stored full tile of leaf hashes; None where there is none of that form."""
        rows = self._bulk.all("SELECT hashes FROM tile WHERE log = ? AND level = 0 AND n = ?", (self._log, n))
        found = rows[0][0] if rows else None
        return found if isinstance(found, bytes) and len(found) == TILE * HASH_SIZE else None

    def _fault(self, index: int, table: str, column: str, what: str) -> None:
        self.faults.append(Fault(log=self._log, index=index, table=table, column=column, what=what))


def _is_bytes(value: object) -> bool:
    return isinstance(value, bytes)  # SQLite stores whatever it is given


def _leaf(row: Any, index: int) -> tuple[LeafData | None, bytes | None]:
    """The leaf of a row, if it is one of this entry, and the hash of whatever bytes stand there."""
    if row is None:
        return None, None
    hashed = leaf_hash(row[1])
    try:
        leaf = decode_leaf(row[1])
        parse_utc(leaf.logged_at)
    except LedgerError:
        return None, hashed
    return (leaf if leaf.index == index else None), hashed
