"""Tile geometry, paths, bundles and proofs of C2SP tlog-tiles v0.1.0: what stands where, for every tree size.

A tile holds up to 256 hashes of one level; each hash at level L covers 256^L leaves. An entry bundle holds the
leaf data under one level-0 tile.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec

from ledger.core.errors import InvalidEntry, MalformedNote, NotFound, ProofInvalid
from ledger.core.hashing import HASH_SIZE
from ledger.core.merkle import complete_root

TILE_WIDTH: Final = 256
TILE_BITS: Final = 8
MAX_LEVEL: Final = 63
MAX_ENTRY: Final = 65535
"""Most bytes that one entry of a bundle can have: its length is a uint16."""

ENTRIES: Final = -1
"""Stands in place of a level for an entry bundle."""

_PATH = re.compile(r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([0-9]{1,3}))?", re.ASCII)
_CACHED_TILES = 64


class Tile(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """Names one tile or entry bundle; raises MalformedNote outside the geometry."""

    level: int
    """0 to 63, or ENTRIES for an entry bundle."""
    n: int
    """Position among the tiles of its level, from 0."""
    width: int = TILE_WIDTH
    """Hashes or entries in it: 256 when full, 1 to 255 when partial."""

    def __post_init__(self) -> None:
        if not ENTRIES <= self.level <= MAX_LEVEL or self.n < 0 or not 1 <= self.width <= TILE_WIDTH:
            raise MalformedNote(f"no tile has level {self.level}, number {self.n}, width {self.width}")

    @property
    def path(self) -> str:
        """Where the tile stands below a log's prefix, as `tile/0/x001/x234/067.p/8`."""
        groups = [f"{self.n % 1000:03d}"]
        rest = self.n // 1000
        while rest:
            groups.append(f"x{rest % 1000:03d}")
            rest //= 1000
        level = "entries" if self.level == ENTRIES else str(self.level)
        partial = f".p/{self.width}" if self.width != TILE_WIDTH else ""
        return f"tile/{level}/{'/'.join(reversed(groups))}{partial}"


def parse_path(path: str) -> Tile:
    """Return the tile that a path names; raises MalformedNote unless the path is its one right spelling."""
    match = _PATH.fullmatch(path)
    if match is None:
        raise MalformedNote(f"not the path of a tile: {path[:100]!r}")
    level, number, width = match.groups()
    tile = Tile(
        level=ENTRIES if level == "entries" else int(level),
        n=int(number.replace("x", "").replace("/", "")),
        width=TILE_WIDTH if width is None else int(width),
    )
    if tile.path != path:
        raise MalformedNote(f"not the path of a tile: {path[:100]!r}")
    return tile


def tiles_for_size(size: int, since: int = 0) -> Iterator[Tile]:
    """Yield every hash tile that a tree of this size has: level 0 first, the partial one last of its level.

    With `since`, only those that a tree of that smaller size does not have as they are.
    """
    for level in range(MAX_LEVEL + 1):
        hashes = size >> (TILE_BITS * level)
        if not hashes:
            return
        yield from _row(level, hashes, since >> (TILE_BITS * level))


def bundles_for_size(size: int, since: int = 0) -> Iterator[Tile]:
    """Yield every entry bundle that a tree of this size has, in order; `since` as with `tiles_for_size`."""
    yield from _row(ENTRIES, size, since)


def count_for_size(size: int, since: int = 0) -> int:
    """How many bundles and tiles `bundles_for_size` and `tiles_for_size` yield together."""
    total = _length(size, since)
    while size:
        total += _length(size, since)
        size, since = size >> TILE_BITS, since >> TILE_BITS
    return total


def _row(level: int, items: int, since: int) -> Iterator[Tile]:
    if items == since:
        return
    full, partial = divmod(items, TILE_WIDTH)
    for n in range(since // TILE_WIDTH, full):
        yield Tile(level=level, n=n)
    if partial:
        yield Tile(level=level, n=full, width=partial)


def _length(items: int, since: int) -> int:
    return -(-items // TILE_WIDTH) - since // TILE_WIDTH if items != since else 0


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Return the bundle of these entries in order; raises InvalidEntry on one beyond 65,535 bytes or on 257."""
    if not 1 <= len(entries) <= TILE_WIDTH:
        raise InvalidEntry(f"a bundle holds 1 to {TILE_WIDTH} entries, not {len(entries)}")
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > MAX_ENTRY:
            raise InvalidEntry(f"entry of {len(entry)} bytes is beyond the {MAX_ENTRY} that a bundle can hold")
        parts += (len(entry).to_bytes(2, "big"), entry)
    return b"".join(parts)


def decode_bundle(data: bytes, width: int) -> list[bytes]:
    """Return the `width` entries of a bundle; raises MalformedNote when it holds fewer, more or a torn one."""
    entries: list[bytes] = []
    place = 0
    while place < len(data):
        start = place + 2
        place = start + int.from_bytes(data[place:start], "big")
        if start > len(data) or place > len(data):
            raise MalformedNote(f"entry bundle ends within its entry {len(entries)}")
        entries.append(data[start:place])
    if len(entries) != width:
        raise MalformedNote(f"entry bundle holds {len(entries)} entries where {width} are due")
    return entries


Subtrees = dict[tuple[int, int], bytes]
"""Roots of complete subtrees of one log by level and index: they never change."""
_WORTH_REMEMBERING: Final = 2
"""Levels above a tile's hashes from which on a root costs more to compute than to remember."""


class TileReader:
    """Reads subtree hashes (`HashReader`) of a tree of a given size out of its tiles.

    `fetch(level, n, width)` returns the bytes of one tile or raises NotFound; a partial tile that is gone is
    looked for as the full one, which may have replaced it. Hashes are not checked against a root: a proof made
    from them is. Not for use by several threads at once.
    """

    def __init__(
        self, size: int, fetch: Callable[[int, int, int], bytes], remembered: "Subtrees | None" = None
    ) -> None:
        """`remembered`: roots of complete subtrees that were computed before, of this very log; it grows."""
        self._size = size
        self._fetch = fetch
        self._remembered = remembered
        self._cache: OrderedDict[tuple[int, int], bytes] = OrderedDict()

    def subtree(self, level: int, index: int) -> bytes:
        """Return the root over leaves [index·2^level, (index+1)·2^level).

        Raises ProofInvalid when they are not all in the tree, MalformedNote when a tile has another width.
        """
        if level < 0 or index < 0 or (index + 1) << level > self._size:
            raise ProofInvalid(f"no complete subtree {index} of level {level} in a tree of size {self._size}")
        known = None if self._remembered is None else self._remembered.get((level, index))
        return self._computed(level, index) if known is None else known

    def _computed(self, level: int, index: int) -> bytes:
        tile_level, inner = divmod(level, TILE_BITS)
        n, first = divmod(index << inner, TILE_WIDTH)
        tile = self._tile(tile_level, n)
        start, end = first * HASH_SIZE, (first + (1 << inner)) * HASH_SIZE
        root = complete_root(tile[start:end])
        if self._remembered is not None and inner >= _WORTH_REMEMBERING:
            self._remembered[level, index] = root
        return root

    def _tile(self, level: int, n: int) -> bytes:
        key = (level, n)
        cached = self._cache.get(key)
        if cached is not None:
            self._cache.move_to_end(key)
            return cached
        width = min(TILE_WIDTH, (self._size >> (TILE_BITS * level)) - n * TILE_WIDTH)
        try:
            data, got = self._fetch(level, n, width), width
        except NotFound:
            if width == TILE_WIDTH:
                raise
            data, got = self._fetch(level, n, TILE_WIDTH), TILE_WIDTH
        if len(data) != got * HASH_SIZE:
            path = Tile(level=level, n=n, width=got).path
            raise MalformedNote(f"{path} has {len(data)} bytes where {got * HASH_SIZE} are due")
        self._cache[key] = data
        if len(self._cache) > _CACHED_TILES:
            self._cache.popitem(last=False)
        return data
