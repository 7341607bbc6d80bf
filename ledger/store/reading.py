"""Reads of one log as of a size: leaves, bodies, tiles and proofs; nothing here writes.

A read names the size it was made at. Entries are never changed, so a read at a size gives the same answer for ever.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, select

from ledger.core.errors import IntegrityError, InvalidEntry, NotFound
from ledger.core.hashing import HASH_SIZE
from ledger.core.kinds import Kind
from ledger.core.merkle import Frontier, consistency_proof, inclusion_proof, size_root
from ledger.core.tiles import ENTRIES, TILE_BITS, Subtrees, Tile, TileReader, encode_bundle
from ledger.core.vault import Kept
from ledger.store import schema
from ledger.store.bulk import Bulk
from ledger.store.engine import is_sqlite
from ledger.store.position import MAX_INDEX, index_of, pos_of
from ledger.store.right_edge import TILE, tile_hashes

Body = TypeVar("Body", bound=msgspec.Struct)
RANGE = 4096
"""Entries fetched at once by a walk over a log: memory stays flat however long the log."""
CHOSEN = 256
"""Entries fetched at once of those that somebody chose."""


class StoredEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry's bytes as they stand in the database; body and salt are None once disposed of (`store.disposed`)."""

    index: int
    leaf: bytes
    salt: bytes | None
    body: bytes | None


def body_of(stored: StoredEntry, kind: Kind, sort: type[Body]) -> Body:
    """The body of an entry that a table says is of this kind and sort; raises IntegrityError where it is not."""
    try:
        body = None if stored.body is None else kind.decode(stored.body)
    except InvalidEntry:
        body = None
    if not isinstance(body, sort):
        raise IntegrityError(
            f"entry {stored.index} is no {kind.name}, and the tables say that it is", advice="Verify the ledger."
        )
    return body


class HeadRow(msgspec.Struct, frozen=True, kw_only=True):
    """The head of a log as the head table says."""

    size: int
    leaf_hash: bytes
    logged_us: int
    frontier: bytes

    def root(self) -> bytes:
        """Root hash of the whole log, from the stored right edge."""
        hashes = [self.frontier[at : at + HASH_SIZE] for at in range(0, len(self.frontier), HASH_SIZE)]
        return Frontier(self.size, hashes).root()


class LogReader:
    """Reads one log over one connection (and so in one snapshot, where the connection is in a transaction)."""

    def __init__(self, connection: Connection, log: int, subtrees: Subtrees | None = None) -> None:
        """`subtrees`: what inclusion proofs remember of the log; nothing else goes by it."""
        self.connection = connection
        self.log = log
        self._subtrees = subtrees

    def head(self) -> HeadRow:
        """The log's head now; raises IntegrityError if the log has no head row."""
        row = self.connection.execute(select(schema.head).where(schema.head.c.log == self.log)).one_or_none()
        if row is None:
            raise IntegrityError(f"log {self.log} has no head row")
        return HeadRow(
            size=row.size, leaf_hash=bytes(row.leaf_hash), logged_us=row.logged_us, frontier=bytes(row.frontier)
        )

    def entry(self, index: int) -> StoredEntry:
        """One entry; raises NotFound if the log doesn't reach so far."""
        if 0 <= index <= MAX_INDEX:
            for found in self.entries(index, index + 1):
                return found
        raise NotFound(f"log {self.log} has no entry {index}")

    def entries(self, low: int, high: int) -> Iterator[StoredEntry]:
        """The entries that are stored with `low` ≤ index < `high`, in index order, a range at a time."""
        for at in range(low, high, RANGE):
            for pos, leaf, salt, body in self.rows(at, min(high, at + RANGE)):
                yield StoredEntry(index=index_of(pos), leaf=leaf, salt=salt, body=body)

    def rows(self, low: int, high: int) -> list[tuple[int, bytes, bytes | None, bytes | None]]:
        """`(pos, leaf, salt, body)` of a range, by the driver: the hot path of verification."""
        return Bulk(self.connection).all(
            "SELECT leaf.pos, leaf.data, body.salt, body.body FROM leaf LEFT JOIN body ON body.pos = leaf.pos"
            " WHERE leaf.pos >= ? AND leaf.pos < ? ORDER BY leaf.pos",
            (pos_of(self.log, low), pos_of(self.log, high)),
        )

    def chosen(self, indices: Iterable[int]) -> Iterator[StoredEntry]:
        """These entries, in the order given, some at a time; raises NotFound for one that is not stored."""
        columns = "leaf.data, body.salt, body.body FROM leaf LEFT JOIN body ON body.pos = leaf.pos"
        for index, (leaf, salt, body) in self._chosen(indices, columns):
            yield StoredEntry(index=index, leaf=leaf, salt=salt, body=body)

    def leaves(self, indices: Iterable[int]) -> Iterator[bytes]:
        """The leaf data of these entries, in the order given; raises NotFound for one that is not stored."""
        for _, (leaf,) in self._chosen(indices, "leaf.data FROM leaf"):
            yield leaf

    def _chosen(self, indices: Iterable[int], columns: str) -> Iterator[tuple[int, tuple[Any, ...]]]:
        source, bulk = iter(indices), Bulk(self.connection)
        while wanted := list(islice(source, CHOSEN)):
            places = [pos_of(self.log, one) if 0 <= one <= MAX_INDEX else -1 for one in wanted]
            rows = bulk.all(*self._at(places, f"SELECT leaf.pos, {columns} WHERE leaf.pos"))
            found = {index_of(row[0]): row[1:] for row in rows}
            for index in wanted:
                if index not in found:
                    raise NotFound(f"log {self.log} has no entry {index}")
                yield index, found[index]

    def _at(self, places: list[int], sql: str) -> tuple[str, tuple[Any, ...]]:
        """The statement and its values: of one text however many places there are, so that it is prepared once."""
        if not is_sqlite(self.connection):
            return f"{sql} = ANY(?::bigint[])", (places,)
        places += places[-1:] * (CHOSEN - len(places) if len(places) > 1 else 0)
        return f"{sql} IN ({', '.join('?' * len(places))})", tuple(places)

    def tile(self, level: int, n: int, width: int) -> bytes:
        """The first `width` hashes (at most 256) of a tile, as C2SP tlog-tiles serves them.

        A full tile is the stored row; a partial one is computed from the leaves or tiles below it. Raises NotFound.
        """
        if width == TILE:
            found = Bulk(self.connection).all(
                "SELECT hashes FROM tile WHERE log = ? AND level = ? AND n = ?", (self.log, level, n)
            )
            if not found:
                raise NotFound(f"log {self.log} has no full tile {level}/{n}")
            return bytes(found[0][0])
        try:
            return b"".join(tile_hashes(self.connection, self.log, level, n, width))
        except IntegrityError:
            raise NotFound(f"log {self.log} has no tile {level}/{n} of width {width}") from None

    def published(self, tile: Tile) -> bytes:
        """A tile or an entry bundle (leaf data only) as C2SP tlog-tiles serves it; raises NotFound."""
        if tile.level != ENTRIES:
            return self.tile(tile.level, tile.n, tile.width)
        first = tile.n * TILE
        leaves = [leaf for _, leaf, _, _ in self.rows(first, first + tile.width)]
        if len(leaves) != tile.width:
            raise NotFound(f"log {self.log} has no entry bundle {tile.n} of width {tile.width}")
        return encode_bundle(leaves)

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """The inclusion proof of an entry in the tree of `size` (RFC 9162 2.1.3.1)."""
        return inclusion_proof(index, size, TileReader(size, self._remembered, self._subtrees))

    def consistency(self, old: int, new: int) -> list[bytes]:
        """The consistency proof between two sizes (RFC 9162 2.1.4.1)."""
        return consistency_proof(old, new, self.hashes(new))

    def root(self, size: int, within: TileReader | None = None) -> bytes:
        """Root hash of the tree of `size`, from the tiles; `within` has read some of them, in a tree no smaller."""
        return size_root(size, within or self.hashes(size))

    def _remembered(self, level: int, n: int, width: int) -> bytes:
        """A tile; one that is not full is put together from what is remembered of those below it."""
        if width == TILE or not level or self._subtrees is None:
            return self.tile(level, n, width)
        places = [(TILE_BITS * level, n * TILE + at) for at in range(width)]
        known = [self._subtrees.get(place) for place in places]
        if None not in known:
            return b"".join(filter(None, known))
        hashes = tile_hashes(self.connection, self.log, level, n, width)
        self._subtrees.update(zip(places, hashes, strict=True))
        return b"".join(hashes)

    def hashes(self, size: int) -> TileReader:
        """Subtree hashes of the tree of `size`, read off the tiles; keeps the tiles it has read."""
        return TileReader(size, self.tile)


class VaultReader:
    """Reads what stands beside entries (`core.vault.Vault`)."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def original(self, log: int, index: int) -> Kept | None:
        """The exact bytes that the source gave for an entry; None where it has none or no longer has."""
        row = self._connection.execute(
            select(schema.original).where(schema.original.c.pos == pos_of(log, index))
        ).one_or_none()
        return None if row is None else Kept(ordinal=0, salt=bytes(row.salt), value=bytes(row.data), meta="")

    def sealed(self, log: int, index: int) -> tuple[Kept, ...]:
        """The sealed values of an entry, in order; `meta` is the member that each belongs to."""
        table = schema.sealed_value
        rows = self._connection.execute(
            select(table).where(table.c.pos == pos_of(log, index)).order_by(table.c.ordinal)
        )
        return tuple(
            Kept(ordinal=row.ordinal, salt=bytes(row.salt), value=bytes(row.value), meta=row.member) for row in rows
        )
