"""How a log, and an entry in it, is named."""

import re

import msgspec

from ledger.core.errors import InvalidEntry

_ORIGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}")
_INDEX = re.compile(r"0|[1-9][0-9]{0,12}")


class LogId(msgspec.Struct, frozen=True, kw_only=True):
    """A log of a ledger: its number in the ledger's tables, its short name, and its origin (C2SP tlog-checkpoint)."""

    number: int
    name: str
    origin: str


class Address(msgspec.Struct, frozen=True):
    """An entry's address, written `origin#index`; unique in the world as long as origins are."""

    origin: str
    index: int

    def __str__(self) -> str:
        return f"{self.origin}#{self.index}"


def check_origin(origin: str) -> str:
    """Returns the origin, or raises InvalidEntry if it can't be a key name and a path at once."""
    if not _ORIGIN.fullmatch(origin):
        raise InvalidEntry(f"{origin!r} cannot be an origin", advice="Use letters, digits, '.', '-', '_' and '/' only.")
    return origin


def parse_address(text: str) -> Address:
    """Reads `origin#index`; raises InvalidEntry for anything else."""
    origin, hash_sign, index = text.rpartition("#")
    if not hash_sign or not _INDEX.fullmatch(index):
        raise InvalidEntry(f"{text!r} is not an address of the form origin#index")
    return Address(check_origin(origin), int(index))
