"""Names of the files that carry batches and signs of life where nothing comes back (one-way transfer)."""

import re
from typing import Final

import msgspec

from ledger.core.batch import BatchHeader, Heartbeat

MAX_FILE: Final = 96 * 1024 * 1024
"""Bytes of the largest file."""
_NAME = re.compile(
    r"(?P<agent>[a-z0-9][a-z0-9._-]{0,99})@(?P<epoch>[0-9]{8})-(?:(?P<number>[0-9]{12})-[0-9]\.batch|alive\.beat)"
)


class TransferName(msgspec.Struct, frozen=True, order=True):
    """What a file's name says of it; `number` is null for a sign of life. The name is no evidence of anything."""

    agent: str
    epoch: int
    number: int | None


def batch_name(header: BatchHeader, copy: int) -> str:
    """The name of a batch's file; `copy` from 0 to 9."""
    return f"{header.agent}@{header.epoch:08}-{header.number:012}-{copy}.batch"


def heartbeat_name(beat: Heartbeat) -> str:
    """The name of a sign of life: one file, written anew each time."""
    return f"{beat.agent}@{beat.epoch:08}-alive.beat"


def read_name(name: str) -> TransferName | None:
    """What a name says; None for a file of another sort."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    number = match["number"]
    return TransferName(match["agent"], int(match["epoch"]), None if number is None else int(number))


def is_transfer(name: str) -> bool:
    """Whether a file of that name is one of ours."""
    return read_name(name) is not None
