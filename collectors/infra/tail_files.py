"""Finds the files of one log, rotated ones too, and reads them from a given byte, compressed or not.

Only regular files are opened, and only to read.
"""

import bz2
import fnmatch
import gzip
import lzma
import os
import re
import stat
import zlib
from collections.abc import Callable, Sequence
from os import pread
from pathlib import Path
from typing import IO, Any, Final

import msgspec

from ledger.core.errors import RetriableSource

HEAD: Final = 1024
"""By at most so many first bytes a file is known again."""
MAX_FILES: Final = 10_000
_PACKED: Final[dict[bytes, Callable[..., Any]]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}
_NUMBER: Final = re.compile(r"\.([0-9]{1,9})(\.[a-z0-9]+)?$")


class Broken(Exception):
    """A compressed file that ends too early or is damaged: it is being written, or it is lost."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A file of the log; `live` is one that its program writes, in contrast to a rotated one."""

    path: Path
    live: bool
    device: int
    inode: int
    size: int
    mtime_ns: int

    @property
    def age(self) -> tuple[bool, int, int, str]:
        """Sorts the oldest file first: rotated before live, then by last change, then the higher number."""
        number = _NUMBER.search(self.path.name)
        return (self.live, self.mtime_ns, -int(number[1]) if number else 0, self.path.name)


def find(path: Path, rotated: Sequence[str]) -> list[Found]:
    """The log's files, oldest first. `path` may have wildcards in its name; `rotated` are names of the same folder.

    Raises RetriableSource when there is none, or the folder can't be read.
    """
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError as error:
        raise RetriableSource(
            f"the folder of {path} cannot be read: {error.strerror}",
            advice="Check that it is there (mounted, spelled so) and that the collector's account may list it.",
        ) from None
    found = []
    for name in names:
        live = fnmatch.fnmatchcase(name, path.name)
        if live or any(fnmatch.fnmatchcase(name, pattern) for pattern in rotated):
            found += _look(path.parent / name, live)
    if not found:
        raise RetriableSource(f"there is no file {path}", advice="Check path and spelling; has it been written to?")
    if len(found) > MAX_FILES:
        raise RetriableSource(f"{len(found)} files are {path}", advice="Use a narrower pattern, or remove old files.")
    return sorted(found, key=lambda one: one.age)


def _look(path: Path, live: bool) -> list[Found]:
    try:
        seen = path.stat()
    except OSError:
        return []  # renamed or removed since it was listed
    if not stat.S_ISREG(seen.st_mode):
        return []
    return [
        Found(
            path=path,
            live=live,
            device=seen.st_dev,
            inode=seen.st_ino,
            size=seen.st_size,
            mtime_ns=seen.st_mtime_ns,
        )
    ]


class LogFile:
    """One open file; offsets are those of its content, when it is compressed of what is in it. Close it after use."""

    def __init__(self, path: Path) -> None:
        """Raises OSError; opens nothing but a regular file, whatever has taken its name meanwhile."""
        self._file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb", buffering=0)
        if not stat.S_ISREG(os.fstat(self._file.fileno()).st_mode):
            self._file.close()
            raise OSError(0, "not a regular file")
        magic = pread(self._file.fileno(), 8, 0)
        unpack = next((unpack for mark, unpack in _PACKED.items() if magic.startswith(mark)), None)
        self._unpacked: IO[bytes] | None = None if unpack is None else unpack(self._file, "rb")
        self._head: bytes | None = None

    @property
    def packed(self) -> bool:
        return self._unpacked is not None

    @property
    def size(self) -> int:
        """Bytes of the file as it lies there now."""
        return os.fstat(self._file.fileno()).st_size

    def head(self, size: int = HEAD) -> bytes:
        """The first `size` bytes, or fewer where the file is shorter."""
        if self._head is None or len(self._head) < size:
            self._head = self.read(0, size)
        return self._head[:size]

    def read(self, offset: int, size: int) -> bytes:
        """At most `size` bytes from there; fewer only at the end. Raises OSError and Broken."""
        if self._unpacked is None:
            return _pread(self._file.fileno(), size, offset)
        try:
            self._unpacked.seek(offset)
            return self._unpacked.read(size) if self._unpacked.tell() == offset else b""
        except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, ValueError) as error:
            raise Broken(str(error)) from None
        except OSError as error:
            if error.errno is None:  # bz2 says so when the data is damaged
                raise Broken(str(error)) from None
            raise

    def close(self) -> None:
        if self._unpacked is not None:
            self._unpacked.close()
        self._file.close()


def _pread(descriptor: int, size: int, offset: int) -> bytes:
    data = b""
    while len(data) < size and (more := pread(descriptor, size - len(data), offset + len(data))):
        data += more
    return data
