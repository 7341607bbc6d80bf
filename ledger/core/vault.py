"""The vault: values whose digest stands in an entry (originals, sealed values, secrets), and its limits."""

from typing import Protocol

import msgspec

from ledger.core.record import Digest, Name
from ledger.core.times import SafeInt

MAX_ORIGINAL = 16 * 1024 * 1024
"""Bytes of the largest original that is kept, unless configured otherwise."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A value as the vault holds it, with the salt of its commitment."""

    ordinal: int
    salt: bytes
    value: bytes
    meta: str


class SecretRef(msgspec.Struct, frozen=True, kw_only=True):
    """A secret as a body names it: the row's name, and the commitment to the row's value."""

    name: Name
    commitment: Digest


class Destroyed(msgspec.Struct, frozen=True, kw_only=True):
    """A secret that is gone from here on: the entry of this log that named it, and its name there."""

    index: SafeInt
    name: Name


class Vault(Protocol):
    """Reads what the append path put beside an entry. Nothing is there after disposal or erasure."""

    def original(self, log: int, index: int) -> Kept | None:
        """The exact bytes that the source gave for an entry; None where it has none or no longer has."""
        ...

    def sealed(self, log: int, index: int) -> tuple[Kept, ...]:
        """The sealed values of an entry; `meta` is the member of the record that each belongs to."""
        ...
