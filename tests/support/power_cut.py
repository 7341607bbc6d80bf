"""A disk that a test can take the power from: what was written and not synced is lost, or torn, as it falls.

SQLite runs on it through an `apsw` VFS, the store through the URL that `Disk.url` gives. Reads, locks and shared memory
are the system's own. Beside the real files the disk keeps what of each would be there after a power cut: its image as
of the last sync, and the writes, truncations and deletions since.
"""

import random
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from unittest import mock

import apsw
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.engine import URL

from ledger.store import engine
from tests.support import apsw_dbapi

SECTOR = 512
"""Bytes that a disk writes as a whole or not at all."""
CHECKPOINT_PAGES = 400
"""A checkpoint every so many pages of the write-ahead log: many of them, in a short test."""

Change = Callable[[bytearray | None], bytearray | None]
"""A change of a file that is not synced: from what it held to what it holds; None is a file that is not there."""


class Disk:
    """The files of one folder. Inert until its power is cut: after that nothing reaches `after_cut` any more."""

    def __init__(self) -> None:
        self.on = True
        self.syncs = True
        """False: it acknowledges a sync and does nothing, as bad disks do."""
        self.cut_at: int | None = None
        """The operation (write, truncation, deletion or sync) in which the power goes; None: never by itself."""
        self.at_cut: Callable[[], None] = lambda: None
        """Called at the moment of the cut."""
        self._operations = 0
        self._synced: dict[str, bytearray | None] = {}
        self._since: dict[str, list[tuple[Change, ...]]] = {}
        self._lock = threading.RLock()
        self._name = f"power-cut-{uuid.uuid4().hex}"
        self._vfs = _Vfs(self, self._name)
        self._checkpoints = mock.patch.object(engine, "CHECKPOINT_PAGES", CHECKPOINT_PAGES)

    def __enter__(self) -> Self:
        self._checkpoints.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._checkpoints.stop()
        self._vfs.unregister()

    def url(self, file: str) -> str:
        """The SQLAlchemy URL of a database on this disk."""
        return f"sqlite+powercut:///{file}?vfs={self._name}"

    def cut(self) -> None:
        """The power goes, now."""
        with self._lock:
            if self.on:
                self.on = False
                self.at_cut()

    def after_cut(self, dice: random.Random | None) -> dict[str, bytes]:
        """The files that are found when the power is back: path to content.

        Of what was not synced nothing is there or, with `dice`, any part: each operation, each sector for itself.
        """
        found = {}
        for name, synced in self._synced.items():
            content = None if synced is None else synced.copy()
            for pieces in self._since[name]:
                for piece in pieces:
                    if dice is not None and dice.random() < 0.5:
                        content = piece(content)
            if content is not None:
                found[name] = bytes(content)
        return found

    def opened(self, name: str) -> None:
        """What is there before the disk first sees a file is durable."""
        with self._lock:
            if name not in self._synced:
                path = Path(name)
                self._synced[name] = bytearray(path.read_bytes()) if path.exists() else None
                self._since[name] = []

    def changed(self, name: str, *pieces: Change) -> None:
        """An operation that is not durable before the next sync of the file."""
        with self._lock:
            self.opened(name)
            if self.on:
                self._since[name].append(pieces)
            self._tick()

    def synced(self, name: str) -> None:
        """All that happened to the file is durable, its name in the folder as well."""
        with self._lock:
            self._tick()
            if self.on and self.syncs:
                for pieces in self._since[name]:
                    for piece in pieces:
                        self._synced[name] = piece(self._synced[name])
                self._since[name].clear()

    def _tick(self) -> None:
        self._operations += 1
        if self._operations == self.cut_at:
            self.cut()


def _write(at: int, data: bytes) -> Change:
    def change(content: bytearray | None) -> bytearray:
        made = bytearray() if content is None else content
        made.extend(bytes(max(0, at - len(made))))
        made[at : at + len(data)] = data
        return made

    return change


def _truncate(size: int) -> Change:
    def change(content: bytearray | None) -> bytearray:
        made = bytearray() if content is None else content
        del made[size:]
        made.extend(bytes(size - len(made)))
        return made

    return change


def _sectors(data: bytes, at: int) -> list[Change]:
    """A write as the writes of its sectors."""
    ends = [*range(at - at % SECTOR + SECTOR, at + len(data), SECTOR), at + len(data)]
    starts = [at, *ends[:-1]]
    return [_write(start, data[start - at : end - at]) for start, end in zip(starts, ends, strict=True)]


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: str, path: Any, flags: Any) -> None:
        super().__init__("", path, flags)
        self._disk, self._name = disk, name
        disk.opened(name)

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802 - SQLite's name
        super().xWrite(data, offset)
        self._disk.changed(self._name, *_sectors(bytes(data), offset))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        super().xTruncate(newsize)
        self._disk.changed(self._name, _truncate(newsize))

    def xSync(self, flags: int) -> None:  # noqa: N802
        super().xSync(flags)
        self._disk.synced(self._name)


class _Vfs(apsw.VFS):
    def __init__(self, disk: Disk, name: str) -> None:
        super().__init__(name, "")
        self._disk = disk

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        if name is None:  # a temporary file
            return apsw.VFSFile("", name, flags)
        path = name if isinstance(name, str) else name.filename()
        return _File(self._disk, path, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        super().xDelete(filename, syncdir)
        self._disk.changed(filename, lambda _content: None)
        if syncdir:
            self._disk.synced(filename)


class PowerCutDialect(SQLiteDialect):
    """SQLAlchemy's SQLite over `apsw`; the URL names the VFS."""

    driver = "powercut"
    supports_statement_cache = True

    @classmethod
    def import_dbapi(cls) -> Any:
        return apsw_dbapi

    def create_connect_args(self, url: URL) -> Any:
        return [url.database], {"vfs": url.query["vfs"]}


registry.register("sqlite.powercut", __name__, PowerCutDialect.__name__)
