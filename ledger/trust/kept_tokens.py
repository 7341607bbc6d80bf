"""Time-stamps outside the database, in the ledger's folder: whoever rewrites the database does not reach them there.

`kept/timestamps/<log>/<size>-<tsa>-<serial>.tsr` is the whole response, the file of the same name that ends in
`.checkpoint` the signed note whose text it covers: together with the authority's root that is all that a verifier
needs, without this ledger.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from ledger.core.checkpoint import Checkpoint
from ledger.core.errors import LedgerError, TimestampInvalid
from ledger.core.note import parse_note
from ledger.core.timestamps import TimeStamp
from ledger.store.checkpoints import StoredCheckpoint
from ledger.trust.files import exclusively, sync_folder, write_durably

FOLDER: Final = "kept/timestamps"
CHECKPOINT: Final = ".checkpoint"
NEWEST: Final = "newest"
"""The largest checkpoint of a log that has a token there."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A time-stamp in the folder, and the checkpoint's text beside it; `name` is the file's, below the folder."""

    name: str
    tsa: str
    token: bytes
    text: str


class KeptTokens:
    """The folder; several processes may keep tokens in it at once."""

    def __init__(self, ledger: Path) -> None:
        self._folder = ledger / FOLDER

    def keep(self, log: str, tsa: str, stored: StoredCheckpoint, token: bytes, stamp: TimeStamp) -> Path:
        """Puts a token there with its checkpoint, on stable storage once this returns."""
        folder = self._folder / log
        if not folder.exists():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for made in (folder.parent, folder.parent.parent, folder.parent.parent.parent):
                sync_folder(made)
        path = folder / f"{stored.size:012d}-{tsa}-{stamp.serial}.tsr"
        write_durably(path.with_suffix(CHECKPOINT), stored.note)
        write_durably(path, token)
        with exclusively(folder / ".lock"):
            newest = self.newest(log)
            if newest is None or Checkpoint.parse(parse_note(newest).text).size <= stored.size:
                write_durably(folder / NEWEST, stored.note)
        return path

    def newest(self, log: str) -> bytes | None:
        """The largest checkpoint of a log that has a token here, as it was signed; None where there is none."""
        try:
            return (self._folder / log / NEWEST).read_bytes()
        except FileNotFoundError:
            return None

    def of(self, log: str) -> Iterator[Kept]:
        """The tokens of a log, by size; raises TimestampInvalid for one whose checkpoint is not there or is none."""
        for path in sorted((self._folder / log).glob("*.tsr")):
            name = f"{log}/{path.name}"
            try:
                text = parse_note(path.with_suffix(CHECKPOINT).read_bytes()).text
            except (OSError, LedgerError) as error:
                raise TimestampInvalid(f"{name}: its checkpoint cannot be read: {error}") from None
            tsa = path.stem.partition("-")[2].rpartition("-")[0]
            yield Kept(name=name, tsa=tsa, token=path.read_bytes(), text=text)
