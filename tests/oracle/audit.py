"""Audits a whole published log against its signed checkpoint (C2SP tlog-tiles v0.1.0)."""

from collections.abc import Iterator, Sequence

from tests.oracle.errors import NotVerified
from tests.oracle.merkle import RunningRoot, leaf_hash, root_of
from tests.oracle.note import Checkpoint, VerifierKey, open_checkpoint
from tests.oracle.source import FULL, Source, tile_path


def audit(source: Source, keys: Sequence[VerifierKey], origin: str | None = None) -> Checkpoint:
    """Every entry, every tile and the root are what the signed checkpoint says, or NotVerified names the first
    that is not.

    Level-0 tiles are recomputed from the entry bundles, each tile above from the one below, the root from all
    entries. Other widths of a tile that are there have to agree with it.
    """
    note = source.read("checkpoint")
    if note is None:
        raise NotVerified("checkpoint", "is missing")
    checkpoint = open_checkpoint(note, keys, origin)
    running = RunningRoot()
    above: list[bytes] = []
    for number, width in _tiles(checkpoint.size):
        hashes = _bundle_hashes(source, number, width)
        _compare_tile(source, 0, number, hashes)
        for hash_ in hashes:
            running.add(hash_)
        if width == FULL:
            above.append(root_of(hashes))
    level = 0
    while above:
        level += 1
        below, above = above, []
        for number, width in _tiles(len(below)):
            hashes = below[number * FULL : number * FULL + width]
            _compare_tile(source, level, number, hashes)
            if width == FULL:
                above.append(root_of(hashes))
    if running.root() != checkpoint.root:
        raise NotVerified("checkpoint", f"its {checkpoint.size} entries have another root")
    return checkpoint


def read_bundle(path: str, data: bytes) -> list[bytes]:
    """The entries of a bundle, each behind its length in two bytes."""
    entries: list[bytes] = []
    position = 0
    while position < len(data):
        start = position + 2
        position = start + int.from_bytes(data[start - 2 : start], "big")
        if start > len(data) or position > len(data):
            raise NotVerified(path, f"ends within its entry {len(entries)}")
        entries.append(data[start:position])
    return entries


def _tiles(count: int) -> Iterator[tuple[int, int]]:
    """Number and width of each tile over `count` hashes."""
    for start in range(0, count, FULL):
        yield start // FULL, min(FULL, count - start)


def _bundle_hashes(source: Source, number: int, width: int) -> list[bytes]:
    """The leaf hashes of a bundle; where it is there in several widths, all have to hold the same entries."""
    versions = {}
    for path, there, data in _versions(source, "entries", number, width):
        entries = read_bundle(path, data)
        if len(entries) != there:
            raise NotVerified(path, f"holds {len(entries)} entries, not {there}")
        versions[path] = entries[:width]
    longest = max(versions.values(), key=len)
    for path, entries in versions.items():
        for offset, (entry, other) in enumerate(zip(entries, longest, strict=False)):
            if entry != other:
                raise NotVerified(
                    path, f"entry {number * FULL + offset} differs from the same entry in a longer bundle"
                )
    return [leaf_hash(entry) for entry in longest]


def _compare_tile(source: Source, level: int, number: int, hashes: Sequence[bytes]) -> None:
    """Raises unless each width of the tile that is there starts with these hashes."""
    for path, there, data in _versions(source, str(level), number, len(hashes)):
        if len(data) != 32 * there:
            raise NotVerified(path, f"is {len(data)} bytes long, not {32 * there}")
        for offset, expected in enumerate(hashes[:there]):
            if data[32 * offset : 32 * offset + 32] != expected:
                raise NotVerified(path, f"hash {offset} is not that of {_covered(level, number * FULL + offset)}")


def _versions(source: Source, level: str, number: int, needed: int) -> Iterator[tuple[str, int, bytes]]:
    served = False
    for width in source.widths(level, number, needed):
        path = tile_path(level, number, width)
        data = source.read(path)
        if data is not None:
            served = served or width >= needed
            yield path, width, data
    if not served:
        raise NotVerified(tile_path(level, number, needed), "is missing")


def _covered(level: int, position: int) -> str:
    if level == 0:
        return f"entry {position}"
    span: int = FULL**level
    return f"entries {position * span} to {(position + 1) * span - 1}"
