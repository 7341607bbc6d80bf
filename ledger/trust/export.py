"""Exports a log as static files (C2SP tlog-tiles v0.1.0): checkpoint, tiles, entry bundles.

Written so that a crash leaves the folder valid: bundles, then tiles from level 0 up, each file durable under its name,
and the checkpoint last.
"""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

from ledger.core.address import LogId
from ledger.core.checkpoint import Checkpoint
from ledger.core.errors import CheckpointForked, ConfigError, RolledBack
from ledger.core.note import parse_note
from ledger.core.tiles import Tile, bundles_for_size, tiles_for_size
from ledger.store.checkpoints import StoredCheckpoint
from ledger.store.reading import LogReader
from ledger.store.store import Store
from ledger.trust.files import write_durably


def export_tiles(
    store: Store, log: LogId, stored: StoredCheckpoint, out: Path, report: Callable[[int, int], None]
) -> int:
    """Writes what the folder lacks of the log up to a checkpoint; returns how many files were written.

    Files that are there already stay: a tile never changes. Raises ConfigError, before anything is written, if the
    folder holds another log; RolledBack or CheckpointForked if its checkpoint is newer, or not of this log's past.
    """
    total = sum(1 for _ in _files(stored.size))
    written = 0
    with store.reader(log.number) as reader:
        _continues(out, log, reader, stored.size)
        for done, tile in enumerate(_files(stored.size), start=1):
            path = out / tile.path
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                write_durably(path, reader.published(tile), mode=0o644)
                written += 1
            report(done, total)
    write_durably(out / "checkpoint", stored.note, mode=0o644)
    return written + 1


def _continues(out: Path, log: LogId, reader: LogReader, size: int) -> None:
    try:
        data = (out / "checkpoint").read_bytes()
    except FileNotFoundError:
        return
    there = Checkpoint.parse(parse_note(data).text)
    if there.origin != log.origin:
        raise ConfigError(f"{out} holds the log {there.origin}, not {log.origin}", advice="Choose another folder.")
    if there.size > size:
        raise RolledBack(f"{out} holds {there.size} entries of log {log.origin}, the log itself {size}")
    if there.root != reader.root(there.size):
        raise CheckpointForked(f"{out} holds another past of log {log.origin} than the log itself")


def _files(size: int) -> Iterator[Tile]:
    return itertools.chain(bundles_for_size(size), tiles_for_size(size))
