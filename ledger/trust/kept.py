"""What is kept outside the database at once, so that losing or replacing the database does not lose it.

`kept/cosigned/<log>/<year>-<month>.jsonl` has every cosigned checkpoint, `kept/cosigned/<log>/latest` the newest one.
"""

import os
from io import FileIO
from pathlib import Path

import msgspec

from ledger.core.checkpoint import Checkpoint
from ledger.core.clock import utc_text
from ledger.core.note import parse_note
from ledger.trust.files import sync_folder, write_durably


class KeptCheckpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a kept file: when it was written, and the note with the lines it had then."""

    at: str
    note: str


class Kept:
    """The folder of what is kept; anybody may copy it elsewhere, nothing in it is secret."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep_cosigned(self, log: str, note: bytes, now_us: int) -> None:
        """Keeps a cosigned checkpoint, durably once this returns."""
        folder = self.folder / "cosigned" / log
        if not folder.is_dir():
            folder.mkdir(mode=0o700, parents=True)
            sync_folder(folder.parent)
        at = utc_text(now_us)
        line = msgspec.json.encode(KeptCheckpoint(at=at, note=note.decode())) + b"\n"
        path = folder / f"{at[:7]}.jsonl"
        fresh = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "r+b", buffering=0) as file:
            # What a full disk or a crash left of a line stays a line of its own.
            at_end = file.seek(0, os.SEEK_END)
            whole = at_end == 0 or os.pread(file.fileno(), 1, at_end - 1) == b"\n"
            _write(file, line if whole else b"\n" + line)
            os.fsync(file.fileno())
        if fresh:
            sync_folder(folder)
        latest = self.latest(log)
        if latest is None or _size(latest) <= _size(note):
            write_durably(folder / "latest", note)

    def latest(self, log: str) -> bytes | None:
        """The largest checkpoint of a log that was kept, with its cosignatures; None if none was."""
        try:
            return (self.folder / "cosigned" / log / "latest").read_bytes()
        except FileNotFoundError:
            return None


def _size(note: bytes) -> int:
    return Checkpoint.parse(parse_note(note).text).size


def _write(file: FileIO, data: bytes) -> None:
    """All of it; raises the system's error for what it does not take."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]
