"""The right edge of a log, as the next append continues it: its head, and the hashes after its last full tiles."""

from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, select

from ledger.core.errors import IntegrityError
from ledger.core.hashing import HASH_SIZE, leaf_hash
from ledger.core.merkle import Frontier, complete_root, root_of
from ledger.store import schema
from ledger.store.position import pos_of

TILE = 256
FullTile = tuple[int, int, bytes]
"""Level, number and hashes of a tile that became full."""


class Mark(NamedTuple):
    """A head: what was known of a log there holds as long as it stands there."""

    size: int
    leaf_hash: bytes


class Head(msgspec.Struct):
    """The right edge of a log, as the next append continues it."""

    size: int
    leaf_hash: bytes
    logged_us: int
    frontier: Frontier
    partial: list[list[bytes]]
    """For each tile level the hashes after the last full tile."""

    @property
    def mark(self) -> Mark:
        return Mark(self.size, self.leaf_hash)

    def advanced(self, hashes: Sequence[bytes], logged_us: int) -> tuple["Head", list[FullTile]]:
        """The head after these leaf hashes, and the tiles that became full."""
        frontier = self.frontier.copy()
        frontier.extend(hashes)
        partial = [level.copy() for level in self.partial]
        tiles = _fill(partial, self.size, hashes)
        return Head(self.size + len(hashes), hashes[-1], logged_us, frontier, partial), tiles


def _fill(partial: list[list[bytes]], first: int, hashes: Sequence[bytes]) -> list[FullTile]:
    """Adds leaf hashes to the right edge; every tile that becomes full is a row, its root goes one level up."""
    tiles = []
    level = 0
    while hashes:
        if level == len(partial):
            partial.append([])
        row = partial[level]
        n = (first - len(row)) // TILE
        row.extend(hashes)
        roots = []
        while len(row) >= TILE:
            full, partial[level] = row[:TILE], row[TILE:]
            row = partial[level]
            tiles.append((level, n, b"".join(full)))
            roots.append(root_of(full))
            n += 1
        hashes, first, level = roots, first // TILE, level + 1
    return tiles


HEAD_SQLITE = (
    "SELECT size, leaf_hash, logged_us, frontier,"
    " (SELECT group_concat(name || '/' || version) FROM projection_version), EXISTS (SELECT 1 FROM disposed_entry)"
    " FROM head WHERE log = ?"
)
HEAD_POSTGRES = (
    "SELECT size, leaf_hash, logged_us, frontier,"
    " (SELECT string_agg(name || '/' || version, ',') FROM projection_version), EXISTS (SELECT 1 FROM disposed_entry)"
    " FROM head WHERE log = ? FOR UPDATE OF head"
)


def read_head(connection: Connection, log: int, size: int, leaf: bytes, logged_us: int, frontier: bytes) -> Head:
    """The head of a log with the hashes after its last full tiles, read off the leaves and the tiles below."""
    hashes = [frontier[at : at + HASH_SIZE] for at in range(0, len(frontier), HASH_SIZE)]
    partial = []
    level, width = 0, size
    while width:
        partial.append(tile_hashes(connection, log, level, width // TILE, width % TILE))
        level, width = level + 1, width // TILE
    return Head(size, leaf, logged_us, Frontier(size, hashes), partial)


_TILE_ROOTS = 16_384
"""Roots of full tiles that are remembered at most."""
_tile_roots: dict[bytes, bytes] = {}


def tile_root(full: bytes) -> bytes:
    """Root of a full tile, remembered by its content: tiles never change, and proofs need the same ones again."""
    key = sha256(full).digest()
    root = _tile_roots.get(key)
    if root is None:
        if len(_tile_roots) >= _TILE_ROOTS:
            _tile_roots.clear()
        root = _tile_roots[key] = complete_root(full)
    return root


def tile_hashes(connection: Connection, log: int, level: int, n: int, width: int) -> list[bytes]:
    """The first `width` hashes of tile `n` of a level, computed from what lies below it, never from itself."""
    if not width:
        return []
    first = n * TILE
    if level == 0:
        low = pos_of(log, first)
        rows = connection.execute(
            select(schema.leaf.c.data)
            .where(schema.leaf.c.pos >= low, schema.leaf.c.pos < low + width)
            .order_by(schema.leaf.c.pos)
        )
        hashes = [leaf_hash(data) for (data,) in rows]
    else:
        tile = schema.tile.c
        rows = connection.execute(
            select(tile.hashes)
            .where(tile.log == log, tile.level == level - 1, tile.n >= first, tile.n < first + width)
            .order_by(tile.n)
        )
        hashes = [tile_root(bytes(full)) for (full,) in rows]
    if len(hashes) != width:
        raise IntegrityError(f"log {log} lacks {width - len(hashes)} of the hashes of tile {level}/{n}")
    return hashes
