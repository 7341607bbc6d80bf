import json

import pytest

from ledger.core.errors import InvalidEntry, MalformedNote, NotFound, ProofInvalid
from ledger.core.hashing import leaf_hash
from ledger.core.merkle import Frontier, consistency_proof, inclusion_proof, verify_consistency, verify_inclusion
from ledger.core.tiles import (
    ENTRIES,
    TILE_WIDTH,
    Tile,
    TileReader,
    bundles_for_size,
    decode_bundle,
    encode_bundle,
    parse_path,
    tiles_for_size,
)
from tests.shared import shared_path


def test_the_published_paths_are_written_and_read() -> None:
    table = json.loads(shared_path("vectors/tlog/paths.json").read_bytes())
    for level, n, width, path in table["tile_paths"]:
        tile = Tile(level=level, n=n, width=width or TILE_WIDTH)
        assert tile.path == path
        assert parse_path(path) == tile
    for index, size, path in table["entries_paths_for_index"]:
        n = index // TILE_WIDTH
        tile = Tile(level=ENTRIES, n=n, width=min(TILE_WIDTH, size - n * TILE_WIDTH))
        assert tile.path == path
        assert parse_path(path) == tile
    for level, rest, parsed_level, n, width in table["parse"]:
        tile = parse_path(f"tile/{level}/{rest}")
        assert tile == Tile(level=parsed_level, n=n, width=width or TILE_WIDTH)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0/1",
        "tile/0/0001",
        "tile/00/001",
        "tile/01/001",
        "tile/64/001",
        "tile/-1/001",
        "tile/x/001",
        "tile/0/x000/001",
        "tile/0/001/001",
        "tile/0/x001/x001",
        "tile/0/001.p/0",
        "tile/0/001.p/256",
        "tile/0/001.p/05",
        "tile/0/001.p/",
        "tile/0/001.p",
        "tile/0/001/",
        "/tile/0/001",
        "tile/0/001\n",
        "tile/0/\u0660\u0660\u0661",
        "tile/data/001",
        "tile/entries/../001",
        "tile/0/x001/x001/x001/x001/x001/x001/x001/001",
    ],
)
def test_a_path_in_another_spelling_is_refused(path: str) -> None:
    with pytest.raises(MalformedNote):
        parse_path(path)


@pytest.mark.parametrize(("level", "n", "width"), [(64, 0, 1), (-2, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257)])
def test_a_tile_outside_the_geometry_is_refused(level: int, n: int, width: int) -> None:
    with pytest.raises(MalformedNote):
        Tile(level=level, n=n, width=width)


def test_a_tree_has_the_tiles_that_its_size_implies() -> None:
    assert list(tiles_for_size(0)) == list(bundles_for_size(0)) == []
    assert [tile.path for tile in tiles_for_size(256)] == ["tile/0/000", "tile/1/000.p/1"]
    assert [tile.path for tile in tiles_for_size(300)] == ["tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1"]
    assert [tile.path for tile in bundles_for_size(300)] == ["tile/entries/000", "tile/entries/001.p/44"]
    shape = [(tile.level, tile.width) for tile in tiles_for_size(70000)]
    assert shape == [(0, 256)] * 273 + [(0, 112), (1, 256), (1, 17), (2, 1)]


def test_a_bundle_gives_back_its_entries() -> None:
    for entries in ([b""], [b"a", b"", b"x" * 65535], [b"y"] * 256):
        assert decode_bundle(encode_bundle(entries), len(entries)) == entries


@pytest.mark.parametrize("entries", [[], [b"x"] * 257, [b"x" * 65536]])
def test_a_bundle_that_cannot_be_is_not_made(entries: list[bytes]) -> None:
    with pytest.raises(InvalidEntry):
        encode_bundle(entries)


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x00\x02a", b"\x00\x01a\x00", b"\x00\x01ab", b"\x00\x01a" * 3])
def test_a_torn_bundle_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedNote):
        decode_bundle(data, 2)


class _Tiles:
    """Tiles of a tree, made level by level from its leaf hashes; counts what is fetched."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.levels = [leaves]
        while len(self.levels[-1]) >= TILE_WIDTH:
            below = self.levels[-1]
            above = []
            for start in range(0, len(below) - TILE_WIDTH + 1, TILE_WIDTH):
                frontier = Frontier()
                frontier.extend(below[start : start + TILE_WIDTH])
                above.append(frontier.root())
            self.levels.append(above)
        self.fetched: list[Tile] = []
        self.gone: set[tuple[int, int, int]] = set()

    def fetch(self, level: int, n: int, width: int) -> bytes:
        self.fetched.append(Tile(level=level, n=n, width=width))
        hashes = self.levels[level][n * TILE_WIDTH : n * TILE_WIDTH + width]
        if len(hashes) != width or (level, n, width) in self.gone:
            raise NotFound(self.fetched[-1].path)
        return b"".join(hashes)


@pytest.fixture(scope="module")
def leaves() -> list[bytes]:
    return [leaf_hash(b"%d" % index) for index in range(66_000)]


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 513, 65_535, 65_536, 65_537, 66_000])
def test_proofs_from_tiles_hold_for_every_kind_of_size(leaves: list[bytes], size: int) -> None:
    tiles = _Tiles(leaves[:size])
    reader = TileReader(size, tiles.fetch)
    frontier = Frontier()
    roots = {}
    olds = {old for old in (1, 2, 100, 256, 300, 65_536, size) if old <= size}
    for old in sorted(olds):
        frontier.extend(leaves[frontier.size : old])
        roots[old] = frontier.root()
    for index in {0, size // 3, size // 2, size - 1}:
        verify_inclusion(index, size, leaves[index], inclusion_proof(index, size, reader), roots[size])
    for old in olds:
        verify_consistency(old, size, roots[old], roots[size], consistency_proof(old, size, reader))
    assert set(tiles.fetched) <= set(tiles_for_size(size))


def test_a_tile_is_fetched_once(leaves: list[bytes]) -> None:
    tiles = _Tiles(leaves[:300])
    reader = TileReader(300, tiles.fetch)
    for _ in range(3):
        inclusion_proof(7, 300, reader)
    assert len(tiles.fetched) == len(set(tiles.fetched))


def test_the_cache_stays_small_over_a_long_log(leaves: list[bytes]) -> None:
    tiles = _Tiles(leaves)
    reader = TileReader(len(leaves), tiles.fetch)
    for index in range(0, len(leaves), TILE_WIDTH):
        assert reader.subtree(0, index) == leaves[index]
    assert len(reader._cache) <= 64


def test_a_partial_tile_that_is_gone_is_read_from_the_full_one(leaves: list[bytes]) -> None:
    tiles = _Tiles(leaves[:600])
    tiles.gone = {(0, 1, 44)}
    reader = TileReader(300, tiles.fetch)
    frontier = Frontier()
    frontier.extend(leaves[:300])
    verify_inclusion(299, 300, leaves[299], inclusion_proof(299, 300, reader), frontier.root())
    with pytest.raises(NotFound):
        TileReader(300, _Tiles(leaves[:10]).fetch).subtree(0, 0)


@pytest.mark.parametrize("data", [b"", bytes(31), bytes(33), bytes(64)])
def test_a_tile_of_another_width_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedNote, match=r"tile/0/000\.p/1"):
        TileReader(1, lambda _level, _n, _width: data).subtree(0, 0)


@pytest.mark.parametrize(("level", "index"), [(0, 300), (1, 150), (8, 1), (9, 0), (0, -1), (-1, 0)])
def test_no_subtree_beyond_the_tree_is_given(leaves: list[bytes], level: int, index: int) -> None:
    with pytest.raises(ProofInvalid):
        TileReader(300, _Tiles(leaves[:300]).fetch).subtree(level, index)
