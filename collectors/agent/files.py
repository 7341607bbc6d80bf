"""Small files that are whole or absent, whatever happens, and the folder that one process at a time has."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ledger.core.errors import ConfigError

LOCK_FILE: Final = "agent.lock"


def write_whole(path: Path, data: bytes, mode: int = 0o600, *, durable: bool = True) -> None:
    """Replaces a file in one step; with `durable` it is on stable storage under its name once this returns."""
    waiting = path.with_name(path.name + ".new")
    descriptor = os.open(waiting, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    waiting.replace(path)
    if durable:
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def lock(folder: Path) -> int:
    """Takes an agent's folder for this process until the descriptor is closed; raises ConfigError if it is taken."""
    descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise ConfigError(f"an agent runs in {folder} already", advice="One process at a time runs an agent.") from None
    return descriptor


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Holds an agent's folder meanwhile; raises ConfigError while an agent runs there."""
    descriptor = lock(folder)
    try:
        yield
    finally:
        os.close(descriptor)
