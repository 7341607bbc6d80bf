"""Secrets in two places: what the signer of checkpoints opens, and what every process of the service opens.

The logs' keys lie in a file of their own, which another passphrase opens: who gets at the environment of a process that
serves pages has no key that signs a checkpoint.
"""

from typing import Final

from ledger.trust.providers.base import Secrets

FILE_NAME: Final = "signer.keys"
"""The sealed file of the logs' keys, where they lie apart."""


def of_signer(name: str) -> bool:
    """Whether a secret is a log's key: `<log>.log`, the ones that replace or replaced it, and `<log>.mldsa`."""
    _, dot, use = name.rpartition(".")
    return bool(dot) and (use in ("log", "mldsa") or use.startswith("log-"))


class ApartSecrets:
    """Keeps the logs' keys in one place and all else in another; neither is opened for the other's sake."""

    def __init__(self, others: Secrets, signers: Secrets) -> None:
        self.others = others
        self.signers = signers

    def read(self, name: str) -> bytes | None:
        """What is kept under a name; None without. Raises ConfigError where its place cannot be opened."""
        return self._of(name).read(name)

    def add(self, name: str, value: bytes) -> bool:
        """Keeps a new secret, durable once this returns; false, and nothing changed, where there is one already."""
        return self._of(name).add(name, value)

    def replace(self, name: str, value: bytes) -> None:
        """Keeps a secret in place of an earlier one, in one step."""
        self._of(name).replace(name, value)

    def rename(self, old: str, new: str) -> None:
        """Keeps under another name what was under this one; both are in one place."""
        self._of(old).rename(old, new)

    def remove(self, name: str) -> None:
        """Forgets a secret."""
        self._of(name).remove(name)

    def names(self) -> list[str]:
        """The names under which something is kept, in both places: both are opened."""
        return sorted({*self.others.names(), *self.signers.names()})

    def place(self, name: str) -> str:
        """Where it is kept, for a person."""
        return self._of(name).place(name)

    def stamp(self, name: str) -> object:
        """Another one whenever what is kept under the name may have changed."""
        return self._of(name).stamp(name)

    def problems(self) -> list[str]:
        """What is wrong with the protection of both places."""
        return list(dict.fromkeys((*self.others.problems(), *self.signers.problems())))

    def _of(self, name: str) -> Secrets:
        return self.signers if of_signer(name) else self.others
