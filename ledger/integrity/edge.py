"""The right edge of a log while it is verified: recomputed hashes grow it, and every tile that fills up is compared."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from ledger.core.entry import decode_leaf
from ledger.core.errors import IntegrityError
from ledger.core.hashing import HASH_SIZE, ZERO_HASH, leaf_hash
from ledger.core.merkle import Frontier, complete_root
from ledger.store.bulk import Bulk
from ledger.store.reading import LogReader
from ledger.store.right_edge import TILE, tile_hashes


class Edge(msgspec.Struct, frozen=True, kw_only=True):
    """All that verification carries from one range of entries to the next.

    `logged_at` is the last entry's (empty before the first), `partial` for each tile level the hashes after its last
    full tile. Two edges that are equal stand for the same log up to `size`.
    """

    size: int
    leaf_hash: bytes
    logged_at: bytes
    partial: tuple[tuple[bytes, ...], ...]

    def frontier(self) -> Frontier:
        """The tree so far: a level's digits of `size`, in binary, are the complete subtrees among its hashes."""
        hashes: list[bytes] = []
        for level in reversed(self.partial):
            part = Frontier()
            part.extend(level)
            hashes += part.hashes
        return Frontier(self.size, hashes)


START = Edge(size=0, leaf_hash=ZERO_HASH, logged_at=b"", partial=())
"""The edge before entry 0."""


def read_edge(connection: Connection, log: int, size: int) -> Edge:
    """The edge at a size, read off the leaves and tiles below; nothing of it is verified yet.

    Raises IntegrityError or NotCanonical where they do not hold together.
    """
    if size == 0:
        return START
    last = LogReader(connection, log).entry(size - 1).leaf
    partial = []
    level, width = 0, size
    while width:
        partial.append(tuple(tile_hashes(connection, log, level, width // TILE, width % TILE)))
        level, width = level + 1, width // TILE
    logged_at = decode_leaf(last).logged_at.encode()
    return Edge(size=size, leaf_hash=leaf_hash(last), logged_at=logged_at, partial=tuple(partial))


class TileDiffers(IntegrityError):
    """A stored tile is missing or not the recomputed one; `at` is the first hash of it that differs."""

    def __init__(self, level: int, n: int, at: int, missing: bool) -> None:
        super().__init__(f"tile {level}/{n} is {'missing' if missing else 'not what the entries below it give'}")
        self.index = (n * TILE + at) * TILE**level


class Tree:
    """Grows from an edge by leaf hashes, and compares each tile that fills up with the stored one."""

    def __init__(self, connection: Connection, log: int, edge: Edge) -> None:
        self._bulk = Bulk(connection)
        self._log = log
        self._partial = [list(level) for level in edge.partial]
        self._tiles = [(edge.size // TILE ** (level + 1)) for level in range(len(self._partial))]

    def add(self, hashes: Sequence[bytes], level: int = 0, stored: Mapping[int, Any] | None = None) -> None:
        """Adds hashes in order; raises TileDiffers at the first tile that is not stored as recomputed.

        `stored`: the tiles of this level that were read already, by number; otherwise each is read as it fills up.
        """
        if level == len(self._partial):
            self._partial.append([])
            self._tiles.append(0)
        row = self._partial[level]
        row.extend(hashes)
        while len(row) >= TILE:
            full = b"".join(row[:TILE])
            del row[:TILE]
            n = self._tiles[level]
            self._compare(level, n, full, self._read(level, n) if stored is None else stored.get(n))
            self._tiles[level] += 1
            self.add((complete_root(full),), level + 1)

    def partial(self) -> tuple[tuple[bytes, ...], ...]:
        """For each level the hashes after its last full tile."""
        return tuple(tuple(level) for level in self._partial)

    def _read(self, level: int, n: int) -> Any:
        rows = self._bulk.all("SELECT hashes FROM tile WHERE log = ? AND level = ? AND n = ?", (self._log, level, n))
        return rows[0][0] if rows else None

    def _compare(self, level: int, n: int, full: bytes, found: Any) -> None:
        if found == full:
            return
        stored = found if isinstance(found, bytes) else b""
        places = range(0, len(full), HASH_SIZE)
        differ = [stored[at : at + HASH_SIZE] != full[at : at + HASH_SIZE] for at in places]
        at = differ.index(True) if True in differ else 0
        raise TileDiffers(level, n, at, missing=found is None)
