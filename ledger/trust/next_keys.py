"""Next keys of logs: made, and kept, where nobody finds them who gets hold of the present ones.

A folder holds one for each log: its secret (mode 600) and, beside it, what may be shown. The ledger sees the digest
alone until the day it is needed.
"""

import secrets
from pathlib import Path

from ledger.core.errors import ConfigError
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
    """The seed of a log's next key; raises ConfigError where the folder has none."""
    try:
        return unb64(_path(folder, origin).read_text("ascii").strip(), SEED_SIZE)
    except FileNotFoundError:
        raise ConfigError(
            f"{folder} holds no next key of {origin}", advice="Bring the folder that `key prepare-next` wrote."
        ) from None


def present_in(folder: Path, origin: str) -> Path | None:
    """The secret of a log's next key, where it stands in a folder."""
    path = _path(folder, origin)
    return path if path.exists() else None


def _path(folder: Path, origin: str) -> Path:
    return folder / f"{origin.rpartition('/')[2]}.next.key"
