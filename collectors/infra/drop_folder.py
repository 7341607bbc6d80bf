"""A folder in which others leave whole files, one after the other: each file, and each new content of one, is given
once. Files are only read: nothing is moved, removed or marked.

A file is taken up once it has settled: it was last changed some seconds ago, or it is the same after that time. What
does not read as whole may still be being written: `Arrived.young` says so, and the caller then leaves it for a later
look. Only regular files with a fitting name, directly in the folder, are read; links are not followed.
"""

import fnmatch
import os
import stat
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from collectors.base import Stop
from ledger.core.clock import WallClock
from ledger.core.errors import FatalSource, RetriableSource

MAX_FILES: Final = 100_000
Stamp = tuple[int, int, str]
"""Size, time of last change in ns, and the first half of the SHA-256 of the content."""


class Drop(msgspec.Struct, frozen=True, kw_only=True):
    """A folder, the names that are read there, and the seconds after which a file counts as settled, or as finished."""

    folder: Path
    names: tuple[str, ...]
    settle: float = 1.0
    finished: float = 60.0
    max_bytes: int = 16 * 1024 * 1024


class Arrived(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is new, or has another content; `cut`: it is longer than may be read, and `data` is its beginning."""

    name: str
    data: bytes
    modified_us: int
    stamp: Stamp
    young: bool
    cut: bool


def arrivals(drop: Drop, known: Mapping[str, Stamp], clock: WallClock, stop: Stop) -> Iterator[Arrived]:
    """Files that are not `known` with this content, the oldest first; raises RetriableSource and FatalSource."""
    there = listed(drop)
    new = {name: seen for name, seen in there.items() if _pair(seen[1]) != known.get(name, (0, 0, ""))[:2]}
    now_us = clock.now_us()
    fresh = [name for name, (_, seen) in new.items() if not _older(seen, now_us, drop.settle)]
    if fresh and stop.wait(drop.settle):
        return
    for name in sorted(new, key=lambda one: (new[one][1].st_mtime_ns, one)):
        if stop.is_set():
            return
        path, seen = new[name]
        found = _read(drop, name, path, seen, _older(seen, clock.now_us(), drop.finished))
        if found is not None and found.stamp[2] != known.get(name, (0, 0, ""))[2]:
            yield found


def listed(drop: Drop) -> dict[str, tuple[Path, os.stat_result]]:
    r"""The files that are there, by their names, in which bytes that are not UTF-8 stand as `\xNN`.

    Raises RetriableSource where the folder can't be read.
    """
    found: dict[str, tuple[Path, os.stat_result]] = {}
    try:
        with os.scandir(drop.folder) as entries:
            for entry in entries:
                if not any(fnmatch.fnmatchcase(entry.name, pattern) for pattern in drop.names):
                    continue
                try:
                    seen = entry.stat(follow_symlinks=False)
                except OSError:
                    continue  # taken away since it was listed
                if stat.S_ISREG(seen.st_mode):
                    found[os.fsencode(entry.name).decode("utf-8", "backslashreplace")] = (Path(entry.path), seen)
                if len(found) > MAX_FILES:
                    raise FatalSource(
                        f"{drop.folder} holds more than {MAX_FILES} files",
                        advice="Move old files away, or name the ones that are to be read more narrowly.",
                    )
    except OSError as error:
        raise RetriableSource(
            f"the folder {drop.folder} cannot be read: {error.strerror}",
            advice="Check that it is there (mounted, spelled so) and that the collector's account may list it.",
        ) from None
    return found


def _pair(seen: os.stat_result) -> tuple[int, int]:
    return seen.st_size, seen.st_mtime_ns


def _older(seen: os.stat_result, now_us: int, seconds: float) -> bool:
    return now_us - seen.st_mtime_ns // 1000 > seconds * 1e6


def _read(drop: Drop, name: str, path: Path, before: os.stat_result, finished: bool) -> Arrived | None:
    """The file, unless it is not the one that was listed, or changed meanwhile: then it comes at a later look."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RetriableSource(
            f"{path} cannot be read: {error.strerror}", advice="Give the collector's account the right to read it."
        ) from None
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(drop.max_bytes + 1)
        after = os.fstat(file.fileno())
    if not stat.S_ISREG(after.st_mode) or _pair(after) != _pair(before):
        return None
    return Arrived(
        name=name,
        data=data[: drop.max_bytes],
        modified_us=after.st_mtime_ns // 1000,
        stamp=(*_pair(after), sha256(data).hexdigest()[:32]),
        young=not finished,
        cut=len(data) > drop.max_bytes,
    )
