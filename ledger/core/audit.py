"""Audits a log from its published tiles alone (C2SP tlog-tiles): no ledger, no network, nothing but names and bytes.

Every entry bundle hashes to its level-0 tile, every tile above to the one below it, all of it to the checkpoint's root;
a Trailseal log's entries are canonical leaf data, in one chain, with ascending index and time; only at an entry of kind
`time-epoch` the time goes back (that two people signed it, the ledger's own verification says). Memory stays flat: one
open tile a level. An audit can go on where an earlier one ended (`Mark`), and passes through the roots of earlier
checkpoints, so that a fork or rollback since then is noticed.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, Protocol

import msgspec

from ledger.core.checkpoint import Checkpoint
from ledger.core.clock import parse_utc
from ledger.core.entry import decode_leaf
from ledger.core.errors import ChainBroken, CheckpointForked, IntegrityError, LedgerError, RolledBack
from ledger.core.hashing import EMPTY_ROOT, HASH_SIZE, ZERO_HASH, leaf_hash, node_hash, unb64
from ledger.core.merkle import HashReader, consistency_proof, root_of, size_root, verify_consistency
from ledger.core.tiles import ENTRIES, TILE_BITS, TILE_WIDTH, Tile, decode_bundle
from ledger.core.time_epoch import NAME as TIME_EPOCH

FIRST_KIND: Final = "log-created"
KEY_EVENT: Final = "key-event"
KEEP: Final = "Keep checkpoints and tiles as they are: together they prove it. Ask whoever runs the log."


class Tiles(Protocol):
    """Where a published log is read from."""

    def read(self, name: str) -> bytes:
        """The bytes of one file below the log's prefix; raises NotFound."""
        ...

    def stream(self, tiles: Iterable[Tile]) -> Iterator[tuple[Tile, bytes]]:
        """These tiles and bundles with their bytes, in order; the full one where a partial one is gone.

        Raises NotFound, naming the tile that is there in neither width.
        """
        ...


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """Where an audit can go on: `size` is a multiple of 256, `edges` the hashes of each level's open tile from level 1
    up, `leaf` and `logged_us` those of the entry before.
    """

    size: int = 0
    edges: tuple[bytes, ...] = ()
    leaf: bytes = ZERO_HASH
    logged_us: int = 0


START: Final = Mark()


class TreeBefore(msgspec.Struct, frozen=True, kw_only=True):
    """The root that a checkpoint's tree has at an earlier size, and the consistency proof that shows it."""

    root: bytes
    proof: tuple[bytes, ...]


def tree_before(reader: HashReader, size: int, new: Checkpoint) -> TreeBefore:
    """What the tree of `new` was at this size, which lies below its own, by its tiles.

    Raises NotFound and MalformedNote for tiles, and ProofInvalid if they do not lead to the root of `new`.
    """
    if not size:
        return TreeBefore(root=EMPTY_ROOT, proof=())
    before = TreeBefore(root=size_root(size, reader), proof=tuple(consistency_proof(size, new.size, reader)))
    verify_consistency(size, new.size, before.root, new.root, before.proof)
    return before


def require_continuation(reader: HashReader, old: Checkpoint, new: Checkpoint) -> None:
    """Raises RolledBack if `new` is smaller than `old`; CheckpointForked if its tree had another root at that size.

    Raises as `tree_before` where the tiles of `new` cannot tell.
    """
    if new.size < old.size:
        raise RolledBack(f"log {new.origin} shows {new.size} entries now, and has shown {old.size} before", advice=KEEP)
    if new.size == old.size:
        if new.root != old.root:
            raise CheckpointForked(f"log {new.origin} shows two roots at size {new.size}", advice=KEEP)
    elif tree_before(reader, old.size, new).root != old.root:
        raise CheckpointForked(
            f"log {new.origin} had another root at size {old.size} than it shows now, at size {new.size}", advice=KEEP
        )


class Audit:
    """One audit of one log, up to one checkpoint. `mark` is where the next one can start, once `run` has returned."""

    def __init__(self, tiles: Tiles, checkpoint: Checkpoint, *, mark: Mark = START, foreign: bool = False) -> None:
        """`foreign`: another product's log, whose entries are bytes of which nothing is known."""
        self._tiles = tiles
        self._checkpoint = checkpoint
        self._foreign = foreign
        self._open: list[list[bytes]] = [[], *(_cut(edge) for edge in mark.edges)]
        self._at = mark.size
        self._leaf, self._logged_us = mark.leaf, mark.logged_us
        self.mark = mark
        self.key_events: list[int] = []
        """The entries read that say what happened to keys; in tiles alone, what they say is not to be seen."""

    def run(self, past: Mapping[int, bytes], progress: Callable[[int, int], None] = lambda _done, _total: None) -> None:
        """Returns only if everything holds; `past` are roots by size that the log once had.

        Raises RolledBack if the checkpoint is smaller than one of them, CheckpointForked if the log has another root at
        that size, NotFound for a tile that is missing, and IntegrityError or ChainBroken naming what is wrong.
        """
        size = self._checkpoint.size
        newest = max(past, default=0)
        if newest > size:
            raise RolledBack(
                f"log {self._checkpoint.origin} shows {size} entries now, and has shown {newest} before", advice=KEEP
            )
        due = sorted(one for one in past if one >= self._at)
        found = self._tiles.stream(_rows(self._at, size))
        while self._at < size:
            hashes = self._entries(*next(found), due_width=min(TILE_WIDTH, size - self._at))
            _match(*next(found), hashes)
            while due and due[0] < self._at + len(hashes):
                self._open[0] = hashes[: due[0] - self._at]
                self._compare(past, due.pop(0))
            self._open[0] = hashes
            self._at += len(hashes)
            if len(hashes) == TILE_WIDTH:
                self._close(found)
            progress(self._at, size)
        for tile, data in self._tiles.stream(_partial_above(size)):
            _match(tile, data, self._open[tile.level])
        if self._root() != self._checkpoint.root:
            raise CheckpointForked(
                f"the root of the checkpoint is not that of the {size} entries that the tiles hold", advice=KEEP
            )
        for one in due:
            self._compare(past, one)

    def _entries(self, bundle: Tile, data: bytes, due_width: int) -> list[bytes]:
        try:
            entries = decode_bundle(data, bundle.width)[:due_width]
        except LedgerError as error:
            raise IntegrityError(f"{bundle.path}: {error.message}", advice=KEEP) from None
        if self._foreign:
            return [leaf_hash(entry) for entry in entries]
        hashes = []
        for index, entry in enumerate(entries, start=self._at):
            try:
                self._in_chain(index, entry)
            except LedgerError as error:
                raise ChainBroken(f"{bundle.path}, entry {index}: {error.message}", advice=KEEP) from None
            hashes.append(self._leaf)
        return hashes

    def _in_chain(self, index: int, data: bytes) -> None:
        leaf = decode_leaf(data)
        if leaf.index != index:
            raise ChainBroken(f"it is the leaf of entry {leaf.index}")
        if (index == 0) != (leaf.kind == FIRST_KIND):
            raise ChainBroken(f"an entry of kind {leaf.kind} does not belong there")
        if unb64(leaf.prev, HASH_SIZE) != self._leaf:
            raise ChainBroken("it does not name the leaf hash of the entry before it")
        unb64(leaf.body, HASH_SIZE)
        if leaf.kind == KEY_EVENT:
            self.key_events.append(index)
        logged_us = parse_utc(leaf.logged_at)
        if logged_us < self._logged_us and leaf.kind != TIME_EPOCH:
            raise ChainBroken("it was logged before the entry before it")
        self._leaf, self._logged_us = leaf_hash(data), logged_us

    def _close(self, found: Iterator[tuple[Tile, bytes]]) -> None:
        """Level 0 is full: its root goes up, and whatever that fills is compared and goes up too."""
        level = 0
        while len(self._open[level]) == TILE_WIDTH:
            if level:
                _match(*next(found), self._open[level])
            if level + 1 == len(self._open):
                self._open.append([])
            self._open[level + 1].append(root_of(self._open[level]))
            self._open[level] = []
            level += 1
        edges = tuple(b"".join(hashes) for hashes in self._open[1:])
        self.mark = Mark(size=self._at, edges=edges, leaf=self._leaf, logged_us=self._logged_us)

    def _compare(self, past: Mapping[int, bytes], size: int) -> None:
        if self._root() != past[size]:
            raise CheckpointForked(
                f"log {self._checkpoint.origin} had another root at size {size} than its tiles give now", advice=KEEP
            )

    def _root(self) -> bytes:
        """The root of what was read so far: of the largest complete subtrees, level by level from the top."""
        parts: list[bytes] = []
        for hashes in reversed(self._open):
            start = 0
            for bit in range(TILE_BITS, -1, -1):
                if len(hashes) & 1 << bit:
                    parts.append(root_of(hashes[start : start + (1 << bit)]))
                    start += 1 << bit
        if not parts:
            return root_of(())
        root = parts.pop()
        while parts:
            root = node_hash(parts.pop(), root)
        return root


def _rows(start: int, size: int) -> Iterator[Tile]:
    """Bundle, level-0 tile, and the tiles above that these complete, one bundle after the other."""
    for n in range(start // TILE_WIDTH, -(-size // TILE_WIDTH)):
        width = min(TILE_WIDTH, size - n * TILE_WIDTH)
        yield Tile(level=ENTRIES, n=n, width=width)
        yield Tile(level=0, n=n, width=width)
        level, done = 1, n + 1 if width == TILE_WIDTH else 0
        while done and not done % TILE_WIDTH:
            done //= TILE_WIDTH
            yield Tile(level=level, n=done - 1)
            level += 1


def _partial_above(size: int) -> Iterator[Tile]:
    level = 1
    while hashes := size >> TILE_BITS * level:
        if width := hashes % TILE_WIDTH:
            yield Tile(level=level, n=hashes // TILE_WIDTH, width=width)
        level += 1


def _match(tile: Tile, data: bytes, hashes: list[bytes]) -> None:
    """Raises unless the tile starts with these hashes, and is as long as its name says."""
    if len(data) != tile.width * HASH_SIZE:
        raise IntegrityError(f"{tile.path} has {len(data)} bytes where {tile.width * HASH_SIZE} are due", advice=KEEP)
    for place, hash_ in enumerate(hashes):
        if data[place * HASH_SIZE : (place + 1) * HASH_SIZE] != hash_:
            span = TILE_WIDTH**tile.level
            first = (tile.n * TILE_WIDTH + place) * span
            of = f"entry {first}" if span == 1 else f"entries {first} to {first + span - 1}"
            raise IntegrityError(f"{tile.path}: hash {place} is not that of {of}", advice=KEEP)


def _cut(edge: bytes) -> list[bytes]:
    return [edge[at : at + HASH_SIZE] for at in range(0, len(edge), HASH_SIZE)]
