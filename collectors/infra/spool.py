"""A folder in which what was received is kept until the ledger has it: written in order, read in order, then forgotten.

Each entry is framed by length and checksum. After a crash an entry that was written in part is cut off; it was never
handed over. One process at a time uses a folder. Writing and reading may be in different threads.
"""

import fcntl
import os
import threading
import zlib
from collections.abc import Iterable
from pathlib import Path
from struct import Struct
from typing import Final

import msgspec

from ledger.core.errors import RetriableSource

_FRAME: Final = Struct(">II")
_SEGMENT_BYTES: Final = 16 * 1024 * 1024
_READ_BYTES: Final = 1024 * 1024


class Position(msgspec.Struct, frozen=True, order=True):
    """A place in a spool: the number of a file, and a byte of it."""

    segment: int = 0
    offset: int = 0


class Spool:
    """See the module. Close it after use."""

    def __init__(self, folder: Path, after: Position, max_bytes: int) -> None:
        """Opens the folder, and forgets what lies before `after`. Raises RetriableSource when it can't be used."""
        self._folder, self._max_bytes = folder, max_bytes
        self._segment_bytes = min(_SEGMENT_BYTES, max_bytes // 8)  # what is handed over is forgotten a file at a time
        self.arrived = threading.Event()
        """Set when there is something new to read."""
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = os.open(folder / "lock", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._take()
            self._begin(after)
        except OSError as error:
            raise self._trouble(error) from None

    def _take(self) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise RetriableSource(
                f"the spool {self._folder} is used by another collector",
                advice="End the other one, or give each source a spool of its own.",
            ) from None

    def _begin(self, after: Position) -> None:
        numbers = self._segments()
        self.lost = bool(after.segment) and after.segment not in numbers
        """Whether the file that `after` is in is not there any more."""
        self.damaged = False
        """Whether an entry had been written in part only."""
        for number in [number for number in numbers if number < after.segment]:
            self._path(number).unlink()
        self._sizes = {number: self._repair(number) for number in numbers if number >= after.segment}
        self._segment = max([*numbers, after.segment]) + 1
        self._file = self._open(self._segment)
        self._end = Position(self._segment, 0)
        self._dirty = False
        self._reading: tuple[int, int] | None = None
        if any(self._sizes.values()):
            self.arrived.set()

    @property
    def size(self) -> int:
        """Bytes that are kept."""
        return sum(self._sizes.values())

    @property
    def full(self) -> bool:
        return self.size >= self._max_bytes

    def append(self, entries: Iterable[bytes]) -> None:
        """Writes entries; once it returns they outlive this process, and after `sync` a power cut. Raises OSError."""
        data = b"".join(_FRAME.pack(len(entry), zlib.crc32(entry)) + entry for entry in entries)
        if not data:
            return
        if self._end.offset >= self._segment_bytes:
            self._next_segment()
        _write(self._file, data)
        self._dirty = True
        self._end = Position(self._segment, self._end.offset + len(data))
        self._sizes[self._segment] = self._end.offset
        self.arrived.set()

    def sync(self) -> None:
        if self._dirty:
            self._dirty = False
            os.fsync(self._file)

    def read(self, position: Position) -> list[tuple[bytes, Position]]:
        """Entries from `position` on, each with the place after it; none when there is nothing more yet."""
        while True:
            end = self._end
            size = end.offset if position.segment == end.segment else self._sizes.get(position.segment, 0)
            if position.offset < size:
                return self._read(position, size)
            later = [number for number in list(self._sizes) if number > position.segment]
            if not later or position.segment >= end.segment:
                return []
            position = Position(min(later), 0)

    def forget(self, position: Position) -> None:
        """Removes the files that lie before `position`: the ledger has what was in them."""
        for number in [number for number in list(self._sizes) if number < position.segment]:
            self._path(number).unlink(missing_ok=True)
            del self._sizes[number]

    def close(self) -> None:
        self.sync()
        os.close(self._file)
        if self._reading is not None:
            os.close(self._reading[1])
        os.close(self._lock)

    def _read(self, position: Position, size: int) -> list[tuple[bytes, Position]]:
        if self._reading is None or self._reading[0] != position.segment:
            if self._reading is not None:
                os.close(self._reading[1])
            self._reading = (position.segment, os.open(self._path(position.segment), os.O_RDONLY | os.O_CLOEXEC))
        count = min(size - position.offset, _READ_BYTES)
        data = os.pread(self._reading[1], count, position.offset)
        if len(data) >= _FRAME.size and (longer := _FRAME.unpack_from(data)[0] + _FRAME.size) > len(data):
            data = os.pread(self._reading[1], longer, position.offset)
        found, at = [], 0
        while at + _FRAME.size <= len(data):
            length, _ = _FRAME.unpack_from(data, at)
            if at + _FRAME.size + length > len(data):
                break
            entry = data[at + _FRAME.size : at + _FRAME.size + length]
            at += _FRAME.size + length
            found.append((entry, Position(position.segment, position.offset + at)))
        return found

    def _next_segment(self) -> None:
        self.sync()
        os.close(self._file)
        self._segment += 1
        self._file = self._open(self._segment)
        self._end = Position(self._segment, 0)

    def _repair(self, number: int) -> int:
        """Cuts off what was written in part; returns the size of what is whole."""
        whole = 0
        with self._path(number).open("r+b") as file:
            while len(head := file.read(_FRAME.size)) == _FRAME.size:
                length, checksum = _FRAME.unpack(head)
                entry = file.read(length)
                if len(entry) < length or zlib.crc32(entry) != checksum:
                    break
                whole += _FRAME.size + length
            file.seek(0, os.SEEK_END)
            self.damaged = self.damaged or file.tell() > whole
            file.truncate(whole)
        return whole

    def _segments(self) -> list[int]:
        return sorted(int(path.stem) for path in self._folder.glob("*.spool") if path.stem.isdecimal())

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:012}.spool"

    def _open(self, number: int) -> int:
        descriptor = os.open(self._path(number), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._sizes[number] = 0
        return descriptor

    def _trouble(self, error: OSError) -> RetriableSource:
        return RetriableSource(
            f"the spool {self._folder} cannot be used: {error.strerror}",
            advice="Check that the folder can be written by the collector's account, and that the disk has room.",
        )


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
