"""What a key provider does. Both halves never give a secret to a log, an entry or an error."""

from typing import Final, Protocol

from nacl.signing import SigningKey

from ledger.core.note import PrivateKey

NO_SIGNERS: Final = frozenset({"digest", "pepper", "mail", "oidc-client"})
"""Secrets that are no signing keys: they are kept where the service can read them."""


class Secrets(Protocol):
    """Keeps short secrets under names, each whole or not at all, whatever happens."""

    def read(self, name: str) -> bytes | None:
        """What is kept under a name; None without. Raises ConfigError where the place cannot be opened."""
        ...

    def add(self, name: str, value: bytes) -> bool:
        """Keeps a new secret, durable once this returns; false, and nothing changed, where there is one already."""
        ...

    def replace(self, name: str, value: bytes) -> None:
        """Keeps a secret in place of an earlier one, in one step."""
        ...

    def rename(self, old: str, new: str) -> None:
        """Keeps under another name what was under this one, in place of what was there."""
        ...

    def remove(self, name: str) -> None:
        """Forgets a secret; copies that were made of the place stay as they are."""
        ...

    def names(self) -> list[str]:
        """The names under which something is kept."""
        ...

    def place(self, name: str) -> str:
        """Where it is kept, for a person."""
        ...

    def stamp(self, name: str) -> object:
        """Another one whenever what is kept under the name may have changed; costs little."""
        ...

    def problems(self) -> list[str]:
        """What is wrong with its protection, in plain words; empty when nothing is."""
        ...


class Provider(Protocol):
    """The signing keys of a ledger, and beside them its secrets."""

    secrets: Secrets

    def require_ready(self) -> None:
        """Raises ConfigError where the provider cannot be opened, or could make no key."""
        ...

    def has(self, name: str) -> bool:
        """Whether there is a signing key of that name."""
        ...

    def create(self, name: str) -> None:
        """Makes a signing key; raises ConfigError rather than overwrite one."""
        ...

    def key(self, name: str) -> PrivateKey:
        """A signing key; raises ConfigError where it is not there or cannot be reached."""
        ...

    def take(self, name: str, seed: bytes) -> None:
        """Takes over a key that was made elsewhere, in place of one of that name."""
        ...

    def rename(self, old: str, new: str) -> None:
        """Gives a signing key another name, in place of the one that had it; raises ConfigError where it is missing."""
        ...

    def remove(self, name: str) -> None:
        """Destroys a signing key, if there is one."""
        ...

    def problems(self) -> list[str]:
        """What is wrong with the keys' protection, in plain words; empty when nothing is."""
        ...


class SeedKey:
    """A signing key whose seed is in memory while it is used; it does not show in its repr."""

    def __init__(self, seed: bytes) -> None:
        self._key = SigningKey(seed)

    @property
    def public_key(self) -> bytes:
        """The 32 bytes of the public half."""
        return bytes(self._key.verify_key)

    def sign(self, message: bytes) -> bytes:
        """The Ed25519 signature over the message."""
        return self._key.sign(message).signature
