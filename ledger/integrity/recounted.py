"""What level 2 is told by whoever recounts what entries say of others."""

from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import Connection

from ledger.core.address import LogId
from ledger.integrity.fault import Fault


class Recounted(NamedTuple):
    """The first entry that says otherwise than what it was made from; `left_out`: what was not recounted."""

    fault: Fault | None
    left_out: str = ""


Recounts = Callable[[Connection, LogId, int, int, Callable[[int], None]], Recounted]
"""Recounts a log from an entry to before another, in a snapshot; hears the time pass."""


def nothing(_connection: Connection, _log: LogId, _low: int, _size: int, _pulse: Callable[[int], None]) -> Recounted:
    """Where nobody recounts anything."""
    return Recounted(None)
