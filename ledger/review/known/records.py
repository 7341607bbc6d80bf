"""Records as the log has them, each read once for all that asks for it."""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection

from ledger.core.clock import parse_utc
from ledger.core.entry import decode_leaf
from ledger.core.errors import IntegrityError
from ledger.core.instants import occurred
from ledger.core.kinds import RECORD
from ledger.core.looks import looked, moment_us
from ledger.core.record import RecordBody
from ledger.review.known.facts import Told
from ledger.store.reading import LogReader

MAX_CLOCK_ERROR_US: Final = 86_400_000_000
"""Further off than a day no clock is taken to be: how far around its claim a record is looked for."""
_MOST: Final = 40_000
"""Records that are kept at hand."""


class Records:
    """The records of a log, in one snapshot."""

    def __init__(self, connection: Connection, log: int) -> None:
        self._reader = LogReader(connection, log)
        self._held: dict[int, Told | None] = {}

    def told(self, indices: Iterable[int]) -> dict[int, Told]:
        """Those of these entries that are there; what was disposed of is not."""
        wanted = list(dict.fromkeys(indices))
        if len(self._held) + len(wanted) > _MOST:
            self._held.clear()
        missing = sorted(index for index in wanted if index not in self._held)
        for stored in self._reader.chosen(missing):
            self._held[stored.index] = None if stored.body is None else _told(stored.index, stored.leaf, stored.body)
        found = ((index, self._held[index]) for index in wanted)
        return {index: one for index, one in found if one is not None}


def _told(index: int, leaf: bytes, body: bytes) -> Told:
    record = RECORD.decode(body)
    if not isinstance(record, RecordBody):
        raise IntegrityError(f"entry {index} is no record, and the tables say that it is: verify the ledger")
    return Told(
        index=index,
        logged_us=parse_utc(decode_leaf(leaf).logged_at),
        body=record,
        record=record.record,
        span=looked(record) or occurred(record),
        moment_us=moment_us(record),
    )
