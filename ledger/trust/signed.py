"""What this ledger's signer signed last, in files outside the database: it never again signs less, or another past."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from ledger.core.errors import CheckpointForked, ConfigError, Conflict, InvalidEntry, ProofInvalid, RolledBack
from ledger.core.hashing import HASH_SIZE, b64, unb64
from ledger.core.merkle import verify_consistency
from ledger.store.reading import LogReader
from ledger.trust.files import exclusively, write_durably

AWAY: Final = "moved-away.json"


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """The last size and root (base64) that a signer signed, or was about to."""

    size: int
    root: str


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """A move to another server: where to, the entry that says so, and what the logs held at least."""

    place: str
    code: str
    """SHA-256 (hex) of the code without which nobody goes on by mistake."""
    entry: int
    sizes: dict[str, int]


class MovedAway(Conflict):
    """The ledger goes on elsewhere."""

    code = "moved_away"


def read_moved(path: Path) -> Moved | None:
    """A move as it stands in a file; None if there is none. Raises ConfigError for a damaged one."""
    if not path.exists():  # asked before each append
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=Moved)
    except FileNotFoundError:
        return None
    except ValueError:
        raise ConfigError(
            f"{path.name}, which says that this ledger was moved to another server, is damaged: nothing was signed",
            advice="Restore its copy, or carry the folder over again from the server that the ledger left.",
        ) from None


class SignedState:
    """The signer's memory: a file a log in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def held(self, log: str) -> Iterator[None]:
        """One thread of one process of this machine signs for a log at a time."""
        with exclusively(self._file(log).with_suffix(".lock")):
            yield

    def require_here(self) -> None:
        """Raises MovedAway if this ledger goes on elsewhere: then nothing is appended or signed here."""
        moved = self.moved()
        if moved is not None:
            raise MovedAway(
                f"this ledger was moved to {moved.place}: nothing is entered or signed here any more",
                advice="Use it there; where it was carried to, `trailseal log move in` has it go on.",
            )

    def moved(self) -> "Moved | None":
        """The move that took this ledger away; None where it is here."""
        return read_moved(self._folder / AWAY)

    def last(self, log: str) -> Signed | None:
        """What was signed last; None if nothing ever was, or the file was lost. Raises RolledBack for a damaged one."""
        file = self._file(log)
        try:
            last = msgspec.json.decode(file.read_bytes(), type=Signed)
            unb64(last.root, HASH_SIZE)
        except FileNotFoundError:
            return None
        except (ValueError, InvalidEntry):
            raise RolledBack(
                f"the signer's memory {file.name} is damaged: nothing was signed",
                advice=(
                    f"Restore the newest copy of {file.name}. Without one, let `trailseal verify --full` show that the "
                    "log is as witnesses and kept checkpoints saw it, then move the damaged file away."
                ),
            ) from None
        return last

    def remember(self, log: str, size: int, root: bytes) -> None:
        """Notes, durably, what is about to be signed."""
        write_durably(self._file(log), msgspec.json.encode(Signed(size=size, root=b64(root))))

    def _file(self, log: str) -> Path:
        return self._folder / f"{log}.signed"


def require_continues(reader: LogReader, origin: str, size: int, root: bytes, old: int, old_root: bytes) -> None:
    """Returns only if the tree of `size` and `root` continues the one of `old` and `old_root`.

    Raises RolledBack when it is smaller, CheckpointForked when it is another.
    """
    if size < old:
        raise RolledBack(
            f"log {origin} holds {size} entries, but {old} were signed for before",
            advice="The database is older than the signer's state: restore the newest copy. Nothing was signed.",
        )
    if size == old:
        if root != old_root:
            raise CheckpointForked(f"log {origin}: another root was signed at size {size} before")
        return
    try:
        verify_consistency(old, size, old_root, root, reader.consistency(old, size))
    except ProofInvalid as error:
        raise CheckpointForked(f"log {origin} does not continue what was signed at size {old}") from error


def continues(state: SignedState, log: str, origin: str, reader: LogReader, size: int, root: bytes) -> None:
    """Returns only if a tree continues what was signed last; raises as `require_continues` does."""
    last = state.last(log)
    if last is not None:
        require_continues(reader, origin, size, root, last.size, unb64(last.root, 32))
