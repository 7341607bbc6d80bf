"""By when somebody independent saw an entry: the earliest word of a witness or a time-stamp authority that verifies."""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, select

from ledger.core.address import LogId
from ledger.core.clock import MICROSECONDS
from ledger.core.doubt import DatedBy
from ledger.core.errors import LedgerError
from ledger.core.kinds import KindRegistry
from ledger.core.note import Verifier
from ledger.store import checkpoints, schema
from ledger.store.checkpoints import StoredCheckpoint
from ledger.trust.timestamp_reading import existed_by
from ledger.trust.witness_reading import read_policies, times

_CANDIDATES: Final = 20
"""Cosigned checkpoints that are looked at: those after the first date an entry later."""


def dated_by(connection: Connection, kinds: KindRegistry, log: LogId) -> DatedBy:
    """For the entries of a log: what level 3 would say is wrong with a word, dates nothing here."""
    keys = {str(key): key for policy in read_policies(connection, kinds).all for key in policy.witnesses}

    def dated(index: int) -> int | None:
        stamped = existed_by(kinds, connection, log, index)
        seen = [] if stamped is None else [stamped.by_us]
        row = schema.cosignature.c
        sizes = select(row.size).where(row.origin == log.origin, row.size > index).order_by(row.size).distinct()
        for size in connection.scalars(sizes.limit(_CANDIDATES)).all():
            found = _seconds(checkpoints.latest(connection, log.number, size), size, keys.values())
            if found:
                seen.append(min(found) * MICROSECONDS)
                break
        return min(seen, default=None)

    return dated


def _seconds(stored: StoredCheckpoint, size: int, keys: Iterable[Verifier]) -> list[int]:
    try:
        return [at for _, at in times(stored, keys)] if stored.size == size else []
    except LedgerError:
        return []
