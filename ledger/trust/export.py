"""Exports a log as static files (C2SP tlog-tiles v0.1.0): checkpoint, tiles, entry bundles.

Written so that a crash leaves the folder valid: bundles, then tiles from level 0 up, each file durable under its name,
and the checkpoint last.
"""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

from ledger.core.address import LogId
from ledger.core.tiles import Tile, bundles_for_size, tiles_for_size
from ledger.store.checkpoints import StoredCheckpoint
from ledger.store.store import Store
from ledger.trust.files import write_durably


def export_tiles(
    store: Store, log: LogId, stored: StoredCheckpoint, out: Path, report: Callable[[int, int], None]
) -> int:
    """Writes what the folder lacks of the log up to a checkpoint; returns how many files were written.

    Files that are there already stay: a tile never changes.
    """
    total = sum(1 for _ in _files(stored.size))
    written = 0
    with store.reader(log.number) as reader:
        for done, tile in enumerate(_files(stored.size), start=1):
            path = out / tile.path
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                write_durably(path, reader.published(tile), mode=0o644)
                written += 1
            report(done, total)
    write_durably(out / "checkpoint", stored.note, mode=0o644)
    return written + 1


def _files(size: int) -> Iterator[Tile]:
    return itertools.chain(bundles_for_size(size), tiles_for_size(size))
