"""Signing keys whose seeds are among the secrets of a folder or of a sealed file."""

import secrets as random
from typing import Final

from ledger.core.errors import ConfigError, InvalidEntry
from ledger.core.hashing import b64, unb64
from ledger.core.note import PrivateKey
from ledger.trust.providers.base import Secrets, SeedKey

SEED_SIZE: Final = 32


class StoredKeys:
    """Signs with keys that it reads for each use."""

    def __init__(self, secrets: Secrets) -> None:
        self.secrets = secrets

    def require_ready(self) -> None:
        """Raises ConfigError where the place of the secrets cannot be opened."""
        self.secrets.names()

    def has(self, name: str) -> bool:
        """Whether there is a signing key of that name."""
        return self.secrets.read(name) is not None

    def create(self, name: str) -> None:
        """Makes a signing key; raises ConfigError rather than overwrite one."""
        create_seed(self.secrets, name)

    def key(self, name: str) -> PrivateKey:
        """A signing key; raises ConfigError where it is not there."""
        return SeedKey(read_seed(self.secrets, name))

    def rename(self, old: str, new: str) -> None:
        """Gives a signing key another name, in place of the one that had it."""
        read_seed(self.secrets, old)
        self.secrets.rename(old, new)

    def take(self, name: str, seed: bytes) -> None:
        """Takes over a key that was made elsewhere, in place of one of that name."""
        self.secrets.replace(name, b64(seed).encode())

    def remove(self, name: str) -> None:
        """Destroys a signing key, if there is one."""
        self.secrets.remove(name)

    def problems(self) -> list[str]:
        """What is wrong with the protection of the place."""
        return self.secrets.problems()


def create_seed(secrets: Secrets, name: str) -> None:
    """Keeps 32 random bytes; raises ConfigError rather than overwrite what is there."""
    _add(secrets, name, random.token_bytes(SEED_SIZE))


def read_seed(secrets: Secrets, name: str) -> bytes:
    """The 32 bytes under a name; raises ConfigError where there are none."""
    return require_seed(secrets, name, secrets.read(name))


def require_seed(secrets: Secrets, name: str, kept: bytes | None) -> bytes:
    """The 32 bytes that are written there; raises ConfigError, which never repeats what is there."""
    if kept is None:
        raise ConfigError(
            f"{secrets.place(name)} is not there",
            advice="Restore it from its backup; without it nothing can be signed.",
        )
    try:
        return unb64(kept.strip().decode("ascii"), SEED_SIZE)
    except (InvalidEntry, UnicodeDecodeError):
        raise ConfigError(
            f"{secrets.place(name)} does not hold a key", advice="Restore it from its backup; nothing was signed."
        ) from None


def _add(secrets: Secrets, name: str, seed: bytes) -> None:
    if not secrets.add(name, b64(seed).encode()):
        raise ConfigError(f"{secrets.place(name)} exists already", advice="A key is never overwritten; move it away.")
