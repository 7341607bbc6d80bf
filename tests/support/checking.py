"""Checks a stored log from its bytes alone: the definitions, written out, without what the store keeps to be fast."""

from hashlib import sha256

from sqlalchemy import Connection, func, select

from ledger.core.entry import LeafData, check_entry, decode_leaf
from ledger.core.hashing import ZERO_HASH
from ledger.core.merkle import verify_consistency, verify_inclusion
from ledger.store import schema
from ledger.store.position import pos_of
from ledger.store.reading import LogReader
from ledger.store.store import Store


def naive_root(hashes: list[bytes]) -> bytes:
    """MTH of RFC 6962 2.1, by its definition."""
    if not hashes:
        return sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    half = 1 << (len(hashes) - 1).bit_length() - 1
    return sha256(b"\x01" + naive_root(hashes[:half]) + naive_root(hashes[half:])).digest()


def leaves(reader: LogReader) -> list[LeafData]:
    """All leaf data of a log, in order."""
    return [decode_leaf(entry.leaf) for entry in reader.entries(0, reader.head().size)]


def assert_log_holds(store: Store, log: int) -> int:
    """Chain, bodies, tree, head, tiles and some proofs of a log hold; returns how many entries it has."""
    with store.reader(log) as reader:
        head = reader.head()
        hashes, previous = [], ZERO_HASH
        for at, entry in enumerate(reader.entries(0, head.size)):
            previous = check_entry(at, previous, entry.leaf, entry.salt, entry.body)
            hashes.append(previous)
        assert len(hashes) == head.size
        assert head.leaf_hash == previous
        root = naive_root(hashes)
        assert head.root() == reader.root(head.size) == root
        assert tiles(reader.connection, log) == expected_tiles(hashes)
        for index in sorted({0, head.size // 3, head.size - 1}):
            verify_inclusion(index, head.size, hashes[index], reader.inclusion(index, head.size), root)
        old = max(1, head.size // 2)
        verify_consistency(old, head.size, naive_root(hashes[:old]), root, reader.consistency(old, head.size))
        assert count(reader.connection, log, "leaf") == count(reader.connection, log, "body") == head.size
    return head.size


def expected_tiles(hashes: list[bytes]) -> dict[tuple[int, int], bytes]:
    """Every full tile of the tree over these leaf hashes (C2SP tlog-tiles)."""
    found = {}
    level = 0
    while len(hashes) >= 256:
        whole = [hashes[at : at + 256] for at in range(0, len(hashes) // 256 * 256, 256)]
        found.update({(level, n): b"".join(tile) for n, tile in enumerate(whole)})
        hashes, level = [naive_root(tile) for tile in whole], level + 1
    return found


def tiles(connection: Connection, log: int) -> dict[tuple[int, int], bytes]:
    """The stored tiles of a log."""
    rows = connection.execute(select(schema.tile).where(schema.tile.c.log == log))
    return {(row.level, row.n): bytes(row.hashes) for row in rows}


def count(connection: Connection, log: int, table: str) -> int:
    """How many rows of a table belong to entries of a log."""
    pos = schema.metadata.tables[table].c.pos
    return connection.scalar(select(func.count()).where(pos >= pos_of(log, 0), pos < pos_of(log + 1, 0))) or 0
