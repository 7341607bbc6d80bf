import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.errors import MalformedNote
from ledger.core.tiles import ENTRIES, Tile, decode_bundle, encode_bundle, parse_path, tiles_for_size


@given(st.integers(ENTRIES, 63), st.integers(0, 10**18), st.integers(1, 256))
def test_every_tile_has_one_path(level: int, n: int, width: int) -> None:
    tile = Tile(level=level, n=n, width=width)
    assert parse_path(tile.path) == tile


@given(st.text(alphabet="tile/entries0123456789x.p", max_size=30).map(lambda rest: f"tile/{rest}"))
def test_any_path_is_a_tile_in_one_spelling_or_malformed(path: str) -> None:
    try:
        tile = parse_path(path)
    except MalformedNote:
        return
    assert tile.path == path


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=256))
def test_a_bundle_gives_back_its_entries_and_no_cut_of_it_parses(entries: list[bytes]) -> None:
    data = encode_bundle(entries)
    assert decode_bundle(data, len(entries)) == entries
    for cut in {0, 1, len(data) // 2, len(data) - 1}:
        with pytest.raises(MalformedNote):
            decode_bundle(data[:cut], len(entries))


@given(st.integers(0, 300_000))
def test_the_tiles_of_a_size_hold_as_many_hashes_as_the_tree_has(size: int) -> None:
    held: dict[int, int] = {}
    for tile in tiles_for_size(size):
        held[tile.level] = held.get(tile.level, 0) + tile.width
    expected = {level: size // 256**level for level in range(4) if size // 256**level}
    assert held == expected
