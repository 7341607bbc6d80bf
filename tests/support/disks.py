"""Disks of the tests' own: small ones that can be filled, and folders that can only be read. They need root."""

import mmap
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BALLAST = "ballast"
_STEP = 1 << 24


@contextmanager
def mounted(place: Path, size: str) -> Iterator[None]:
    """A file system of its own, of that size."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], check=True)
    try:
        yield
    finally:
        _unmount(place)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """The folder, which nobody may write to for as long as it lasts, root neither. No file may be open for writing."""
    subprocess.run(["mount", "--bind", str(folder), str(folder)], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", str(folder)], check=True)
        yield
    finally:
        _unmount(folder)


def fill(disk: Path, left: int = 0) -> None:
    """Takes all the room of a mounted disk, but for so many bytes; others may write to it meanwhile."""
    with (disk / BALLAST).open("wb") as file:
        taken, step = 0, _STEP
        while step >= mmap.PAGESIZE:
            try:
                os.posix_fallocate(file.fileno(), taken, step)
                taken += step
            except OSError:
                step //= 2
        file.truncate(max(0, taken - left))


def make_room(disk: Path) -> None:
    """Takes back what `fill` did."""
    (disk / BALLAST).unlink()


def _unmount(place: Path) -> None:
    # Lazily: what a failed test left open must not leave the disk behind.
    subprocess.run(["umount", "--lazy", str(place)], check=True)
