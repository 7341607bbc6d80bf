"""Exports a log as static files (C2SP tlog-tiles v0.1.0): checkpoint, tiles, entry bundles.

Written so that a crash, a kill or a full disk leaves the folder valid at its earlier checkpoint: bundles, then tiles
from level 0 up and what is told of the log's keys, all of them durable under their names, and the checkpoint last, by
rename. The next export goes on from the folder's checkpoint, once the folder's own tiles lead to its root.
"""

import fcntl
import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from ledger.core.address import LogId
from ledger.core.checkpoint import Checkpoint
from ledger.core.errors import (
    CheckpointForked,
    ConfigError,
    Conflict,
    IntegrityError,
    LedgerError,
    NotFound,
    RolledBack,
)
from ledger.core.merkle import size_root
from ledger.core.note import parse_note
from ledger.core.published_keys import KEY_LIFE
from ledger.core.tiles import TILE_WIDTH, Tile, TileReader, bundles_for_size, count_for_size, tiles_for_size
from ledger.store import checkpoints
from ledger.store.checkpoints import StoredCheckpoint
from ledger.store.reading import LogReader
from ledger.store.store import Store
from ledger.trust.files import sync_folder
from ledger.trust.key_history import published_life

_WRITING: Final = ".writing"
"""The one file that is being written; it takes its name once it is whole and durable."""
_WHOLE = "Run the export with --whole: it compares every file and writes anew what the log has otherwise."


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """What an export did: files written, and among them those that were there with other bytes (`mended`)."""

    size: int
    files: int
    mended: int


def export_tiles(
    store: Store,
    log: LogId,
    stored: StoredCheckpoint,
    out: Path,
    report: Callable[[int, int], None],
    *,
    whole: bool = False,
) -> Exported:
    """Writes what the folder lacks of the log up to a checkpoint, and that checkpoint.

    `whole`: looks at every file, not only those after the folder's checkpoint, and mends what is damaged. Partial tiles
    go once the full one is there. Raises ConfigError, before anything is written, if the folder holds another log;
    RolledBack or CheckpointForked if its checkpoint is newer, or not of this log's past; IntegrityError if its tiles
    do not lead to its checkpoint's root; Conflict while another export writes there.
    """
    with store.reader(log.number) as reader, _alone(out):
        since = _stands(out, log, reader, stored.size, whole)
        folder = _Folder(out)
        total = count_for_size(stored.size, since)
        for done, tile in enumerate(_files(stored.size, since), start=1):
            folder.put(tile.path, reader.published(tile))
            if tile.width == TILE_WIDTH:
                folder.drop_partial(tile.path)
            elif whole:
                for width in folder.widths(tile):
                    earlier = Tile(level=tile.level, n=tile.n, width=width)
                    folder.put(earlier.path, reader.published(earlier))
            report(done, total)
        folder.put(KEY_LIFE, published_life(reader.connection, store.kinds, log.number, stored.size), evolves=True)
        folder.settle()
        folder.put("checkpoint", stored.note, evolves=True)
        folder.settle()
    return Exported(size=stored.size, files=folder.written, mended=folder.mended)


def export_published(store: Store, out: Path) -> list[Exported]:
    """Writes the latest checkpoint of every log that has one to a folder of the log's name below `out`.

    A log that can't be exported keeps no other from it; then the first such error is raised at the end.
    """
    done: list[Exported] = []
    wrong: list[LedgerError | OSError] = []
    for log in store.logs():
        try:
            with store.reading() as connection:
                stored = checkpoints.latest(connection, log.number)
        except NotFound:
            continue
        try:
            done.append(export_tiles(store, log, stored, out / log.name, lambda _done, _total: None))
        except (LedgerError, OSError) as error:
            wrong.append(error)
    if wrong:
        raise wrong[0]
    return done


class _Folder:
    """Writes files that are whole or absent; `settle` makes all of them durable under their names."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._changed: set[Path] = set()
        self.written = 0
        self.mended = 0

    def put(self, name: str, data: bytes, evolves: bool = False) -> None:
        """Has a file hold these bytes. One that holds them already stays as it is."""
        path = self._out / name
        try:
            there = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            self._make(path.parent)
        else:
            if there == data:
                return
            self.mended += not evolves
        waiting = self._out / _WRITING
        try:
            descriptor = os.open(waiting, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            waiting.replace(path)
        except OSError:
            waiting.unlink(missing_ok=True)
            raise
        self._changed |= {path.parent, self._out}
        self.written += 1

    def widths(self, tile: Tile) -> list[int]:
        """The smaller widths in which this partial tile is there, for earlier checkpoints."""
        found = (self._out / tile.path).parent.iterdir()
        return [int(one.name) for one in found if one.name.isdecimal() and 0 < int(one.name) < tile.width]

    def drop_partial(self, name: str) -> None:
        """Takes the partial tiles away that the full one of this name stands for (C2SP: they may go)."""
        partial = self._out / f"{name}.p"
        if partial.is_dir():
            # What stands in for them is durable first.
            self.settle()
            shutil.rmtree(partial)
            self._changed.add(partial.parent)

    def settle(self) -> None:
        """What was put is on stable storage, under its name, once this returns."""
        for folder in sorted(self._changed, key=lambda one: len(one.parts), reverse=True):
            sync_folder(folder)
        self._changed.clear()

    def _make(self, folder: Path) -> None:
        for one in [folder, *folder.parents]:
            if one.is_dir():
                break
            self._changed.add(one.parent)
        folder.mkdir(parents=True, exist_ok=True)


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Makes the folder, and holds it against another export until the end."""
    out.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(out, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(f"another export writes to {out}", advice="Wait for its end.") from None
        yield
    finally:
        os.close(descriptor)


def _stands(out: Path, log: LogId, reader: LogReader, size: int, whole: bool) -> int:
    """The size that the folder holds already and need not be looked at again."""
    try:
        data = (out / "checkpoint").read_bytes()
    except FileNotFoundError:
        return 0
    try:
        there = Checkpoint.parse(parse_note(data).text)
    except LedgerError as error:
        if whole:
            return 0
        raise IntegrityError(f"{out / 'checkpoint'}: {error.message}", advice=_WHOLE) from None
    if there.origin != log.origin:
        raise ConfigError(f"{out} holds the log {there.origin}, not {log.origin}", advice="Choose another folder.")
    if there.size > size:
        raise RolledBack(f"{out} holds {there.size} entries of log {log.origin}, the log itself {size}")
    if there.root != reader.root(there.size):
        raise CheckpointForked(f"{out} holds another past of log {log.origin} than the log itself")
    if whole:
        return 0
    try:
        root = size_root(there.size, TileReader(there.size, lambda *tile: _read(out, *tile)))
    except LedgerError as error:
        raise IntegrityError(f"{out}: {error.message}", advice=_WHOLE) from None
    if root != there.root:
        raise IntegrityError(f"the tiles in {out} do not lead to the root of its checkpoint", advice=_WHOLE)
    return there.size


def _read(out: Path, level: int, n: int, width: int) -> bytes:
    path = Tile(level=level, n=n, width=width).path
    try:
        return (out / path).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(f"{path} is missing") from None


def _files(size: int, since: int) -> Iterator[Tile]:
    return itertools.chain(bundles_for_size(size, since), tiles_for_size(size, since))
