"""Next keys of logs: made, and kept, where nobody finds them who gets hold of the present ones.

A folder holds one for each log: its secret (mode 600) and, beside it, what may be shown. The ledger sees the digest
alone until the day it is needed.
"""

import secrets
from pathlib import Path

from ledger.core.errors import ConfigError, InvalidEntry
from ledger.core.hashing import b64, unb64
from ledger.core.key_events import key_digest
from ledger.core.note import NoteSigner
from ledger.trust.files import write_durably

SEED_SIZE = 32


def prepare_next(folder: Path, origin: str) -> str:
    """Makes the next key of a log in a folder (mode 700); returns its digest, which is what the log promises.

    Raises ConfigError rather than overwrite one.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = _path(folder, origin)
    if path.exists():
        raise ConfigError(f"{path} holds a next key already", advice="Choose another folder; a key is never lost.")
    seed = secrets.token_bytes(SEED_SIZE)
    digest = key_digest(str(NoteSigner(origin, seed).verifier))
    write_durably(path, f"{b64(seed)}\n".encode(), mode=0o600)
    write_durably(path.with_suffix(".digest"), f"{origin} {digest}\n".encode(), mode=0o644)
    return digest


def load_next(folder: Path, origin: str) -> bytes:
    """The seed of a log's next key; raises ConfigError where the folder has none, or a damaged one."""
    path = _path(folder, origin)
    try:
        return unb64(path.read_text("ascii").strip(), SEED_SIZE)
    except FileNotFoundError:
        raise ConfigError(
            f"{folder} holds no next key of {origin}", advice="Bring the folder that `key prepare-next` wrote."
        ) from None
    except (InvalidEntry, UnicodeDecodeError):
        raise ConfigError(f"{path} does not hold a key", advice="Bring the other copy of it.") from None


def present_in(folder: Path, origin: str) -> Path | None:
    """The secret of a log's next key, where it stands in a folder."""
    path = _path(folder, origin)
    return path if path.exists() else None


def key_at(folder: Path, origin: str) -> str | None:
    """The digest of a log's next key in a folder, as a log would promise it; None for what is no key."""
    try:
        return key_digest(str(NoteSigner(origin, load_next(folder, origin)).verifier))
    except ConfigError:
        return None


def _path(folder: Path, origin: str) -> Path:
    return folder / f"{origin.rpartition('/')[2]}.next.key"
