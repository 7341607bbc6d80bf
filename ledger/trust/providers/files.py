"""Secrets in plain files: a folder (mode 700) of files (mode 600), each one secret; a file is whole or absent."""

import contextlib
import os
import secrets
from pathlib import Path
from typing import Final

from ledger.core.errors import ConfigError
from ledger.trust.files import sync_folder, write_durably

PASSWORD: Final = "mail"  # noqa: S105 - the name of a secret
"""The one name whose file ends in `.password`."""
NOT_OURS: Final = frozenset({"agents-ca"})
"""The TLS authority of agents keeps its key in the folder too, and uses it itself (`trust.agent_ca`)."""


class FileSecrets:
    """Keeps secrets in files of one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._paths: dict[str, Path] = {}  # asked for with every run: making one costs more than the look at the file

    def read(self, name: str) -> bytes | None:
        """What is kept under a name; None without. Raises ConfigError where the file cannot be read."""
        try:
            return self._path(name).read_bytes().removesuffix(b"\n")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigError(
                f"{self._path(name)} cannot be read: {error.strerror}", advice="Check its mode."
            ) from None

    def add(self, name: str, value: bytes) -> bool:
        """Keeps a new secret, durable once this returns; of two processes that add one, the first one's stays."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._path(name).exists():
            return False
        waiting = self._folder / f"{name}-{secrets.token_hex(8)}"
        write_durably(waiting, value + b"\n")
        try:
            os.link(waiting, self._path(name))
        except FileExistsError:
            return False
        finally:
            waiting.unlink()
            sync_folder(self._folder)
        return True

    def replace(self, name: str, value: bytes) -> None:
        """Keeps a secret in place of an earlier one, in one step."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_durably(self._path(name), value + b"\n")

    def rename(self, old: str, new: str) -> None:
        """Keeps under another name what was under this one, in place of what was there."""
        self._path(old).replace(self._path(new))
        sync_folder(self._folder)

    def remove(self, name: str) -> None:
        """Removes the file; what the disk still holds of it, and copies, stay."""
        with contextlib.suppress(FileNotFoundError):
            self._path(name).unlink()
            sync_folder(self._folder)

    def names(self) -> list[str]:
        """The names under which something is kept."""
        found = [path.stem for path in (*self._folder.glob("*.key"), *self._folder.glob(f"{PASSWORD}.password"))]
        return sorted(name for name in found if name not in NOT_OURS)

    def place(self, name: str) -> str:
        """The file's path."""
        return f"key file {self._path(name)}"

    def stamp(self, name: str) -> object:
        """A replaced file has another inode or time."""
        return stamp_of(self._path(name))

    def problems(self) -> list[str]:
        """Files and the folder, where others can read them."""
        return [
            f"{path} can be read by others: set its mode to {'700' if path.is_dir() else '600'}"
            for path in [self._folder, *sorted([*self._folder.glob("*.key"), *self._folder.glob("*.password")])]
            if path.exists() and path.stat().st_mode & 0o077
        ]

    def _path(self, name: str) -> Path:
        path = self._paths.get(name)
        if path is None:
            file = f"{name}.password" if name == PASSWORD else f"{name}.key"
            path = self._paths[name] = self._folder / file
        return path


def stamp_of(path: Path) -> tuple[int, int, int] | None:
    """What tells one state of a file that is only ever replaced from another; None where it is not there."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
