"""Tree and tiles are those of the definition at every size, whoever appends, and as of every size that once was."""

import pytest

from ledger.core.entry import draft
from ledger.core.errors import NotFound, ProofInvalid
from ledger.core.hashing import leaf_hash
from ledger.core.merkle import verify_consistency, verify_inclusion
from ledger.core.tiles import ENTRIES, Tile, bundles_for_size, decode_bundle, tiles_for_size
from ledger.findings.kinds import Incident
from ledger.store.append import Batch
from ledger.store.reading import LogReader
from ledger.store.store import Store
from tests.support.checking import assert_log_holds, naive_root
from tests.support.ledgers import RECORDS, Ledger

EDGES = (255, 256, 257, 511, 512, 513)


def grow_to(store: Store, size: int) -> None:
    """Appends in one batch until the record log has that size."""
    with store.reader(RECORDS) as reader:
        missing = size - reader.head().size
    notes = [draft(Incident(code="test", detail="a note", stopped="nothing")) for _ in range(missing)]
    store.append(RECORDS, Batch(notes))


def hashes_of(reader: LogReader, size: int) -> list[bytes]:
    return [leaf_hash(entry.leaf) for entry in reader.entries(0, size)]


def level(hashes: list[bytes], number: int) -> list[bytes]:
    """All hashes of a tile level that a tree over these leaves has."""
    for _ in range(number):
        hashes = [naive_root(hashes[at : at + 256]) for at in range(0, len(hashes) // 256 * 256, 256)]
    return hashes


def test_the_tree_holds_at_every_edge_whoever_appends(ledger: Ledger) -> None:
    """Two processes' stores take turns, so that each finds a right edge that it did not make itself."""
    stores = [ledger.store, ledger.open().store]
    for turn, size in enumerate(EDGES):
        grow_to(stores[turn % 2], size)
        assert assert_log_holds(ledger.store, RECORDS) == size


def test_every_tile_full_or_partial_is_as_defined_for_each_size_that_once_was(ledger: Ledger) -> None:
    grow_to(ledger.store, EDGES[-1])
    with ledger.store.reader(RECORDS) as reader:
        hashes = hashes_of(reader, EDGES[-1])
        for size in (1, 7, *EDGES):
            for tile in tiles_for_size(size):
                first = tile.n * 256
                expected = level(hashes[:size], tile.level)[first : first + tile.width]
                assert reader.tile(tile.level, tile.n, tile.width) == b"".join(expected)
            bundles = [
                (bundle.n, decode_bundle(reader.published(bundle), bundle.width)) for bundle in bundles_for_size(size)
            ]
            leaves = [leaf for _, found in bundles for leaf in found]
            assert [leaf_hash(leaf) for leaf in leaves] == hashes[:size]


def test_what_the_log_does_not_reach_is_not_found(ledger: Ledger) -> None:
    grow_to(ledger.store, 257)
    with ledger.store.reader(RECORDS) as reader:
        for tile in (
            Tile(level=0, n=1),
            Tile(level=0, n=1, width=2),
            Tile(level=1, n=0, width=2),
            Tile(level=2, n=0, width=1),
        ):
            with pytest.raises(NotFound):
                reader.tile(tile.level, tile.n, tile.width)
        for bundle in (Tile(level=ENTRIES, n=1), Tile(level=ENTRIES, n=2, width=1)):
            with pytest.raises(NotFound):
                reader.published(bundle)
        with pytest.raises(NotFound):
            reader.entry(257)
        with pytest.raises(ProofInvalid):
            reader.inclusion(257, 257)


def test_every_proof_of_every_pair_of_edges_verifies(sqlite_ledger: Ledger) -> None:
    grow_to(sqlite_ledger.store, EDGES[-1])
    with sqlite_ledger.store.reader(RECORDS) as reader:
        hashes = hashes_of(reader, EDGES[-1])
        roots = {size: naive_root(hashes[:size]) for size in (1, 2, 254, *EDGES)}
        for size, root in roots.items():
            assert reader.root(size) == root
            for index in range(0, size, 17):
                verify_inclusion(index, size, hashes[index], reader.inclusion(index, size), root)
            for old in roots:
                if old <= size:
                    verify_consistency(old, size, roots[old], root, reader.consistency(old, size))


def test_a_read_in_one_snapshot_does_not_see_later_entries(ledger: Ledger) -> None:
    grow_to(ledger.store, 20)
    with ledger.store.reader(RECORDS) as reader:
        head = reader.head()
        grow_to(ledger.open().store, 300)
        assert reader.head() == head
        assert reader.root(20) == head.root()
        assert len(list(reader.entries(0, 1000))) == 20
    with ledger.store.reader(RECORDS) as reader:
        assert reader.root(20) == head.root(), "an answer as of a size is the same for ever"


def test_a_third_level_of_tiles_begins_at_65536_entries(sqlite_ledger: Ledger) -> None:
    for size in (30_000, 65_535):
        grow_to(sqlite_ledger.store, size)
    other = sqlite_ledger.open().store
    for size in (65_536, 65_537):
        grow_to(other, size)
        with other.reader(RECORDS) as reader:
            assert reader.head().root() == reader.root(size)
    assert assert_log_holds(other, RECORDS) == 65_537
    with other.reader(RECORDS) as reader:
        hashes = hashes_of(reader, 65_537)
        assert reader.tile(2, 0, 1) == naive_root(hashes[:65_536])
        assert reader.tile(1, 0, 256) == b"".join(level(hashes, 1))
