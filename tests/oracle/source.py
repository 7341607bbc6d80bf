"""Where the files of a published log are read from: a folder or an HTTP prefix (C2SP tlog-tiles v0.1.0)."""

import gzip
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

FULL = 256


class Source(Protocol):
    """The files of one log by their path below its prefix."""

    def read(self, path: str) -> bytes | None:
        """The content of a file, or None where there is none."""

    def widths(self, level: str, number: int, needed: int) -> list[int]:
        """The widths in which a tile may be there, those that serve `needed` entries among them."""


def tile_path(level: str, number: int, width: int) -> str:
    """The path of a tile (`level` is a number, or `entries` for a bundle); a width of 256 is the full one."""
    groups = [f"{number % 1000:03d}"]
    while number >= 1000:
        number //= 1000
        groups.insert(0, f"x{number % 1000:03d}")
    path = f"tile/{level}/{'/'.join(groups)}"
    return path if width == FULL else f"{path}.p/{width}"


class Files:
    """A log in memory: path → content. All widths of a tile that are there get audited."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def read(self, path: str) -> bytes | None:
        return self._files.get(path)

    def widths(self, level: str, number: int, needed: int) -> list[int]:
        return [width for width in range(1, FULL + 1) if tile_path(level, number, width) in self._files]


class Folder:
    """A static folder. All widths of a tile that are there get audited, not only the one the checkpoint needs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, path: str) -> bytes | None:
        try:
            return (self._folder / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def widths(self, level: str, number: int, needed: int) -> list[int]:
        full = self._folder / tile_path(level, number, FULL)
        partial = full.with_name(full.name + ".p")
        found = [int(path.name) for path in partial.glob("*") if path.name.isdecimal()]
        return sorted(found) + [FULL] * full.is_file()


class Http:
    """A log behind an HTTP prefix, asked as C2SP says: the partial tile first, the full one instead if it is gone."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix.rstrip("/")

    def read(self, path: str) -> bytes | None:
        request = urllib.request.Request(f"{self._prefix}/{path}", headers={"Accept-Encoding": "gzip"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                body: bytes = answer.read()
                return gzip.decompress(body) if answer.headers.get("Content-Encoding") == "gzip" else body
        except urllib.error.HTTPError as error:
            error.close()
            if error.code in (404, 410):
                return None
            raise

    def widths(self, level: str, number: int, needed: int) -> list[int]:
        if needed == FULL or self.read(tile_path(level, number, needed)) is not None:
            return [needed]
        return [FULL]
