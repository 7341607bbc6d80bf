"""How long, and for how many entries, nobody outside could yet tell that a log was rewritten.

Whoever holds database and key may rewrite what no quorum has cosigned. That window is measured here, from the oldest
such entry; it is shown wherever a log is, and limited (`witness_window_seconds`).
"""

from typing import Final

import msgspec
from sqlalchemy import Connection

from ledger.core.address import LogId
from ledger.core.clock import parse_utc
from ledger.core.entry import decode_leaf
from ledger.core.policy import NO_QUORUM
from ledger.core.witness_policy import InForce, Quorum
from ledger.store.reading import LogReader
from ledger.trust.witness_reading import newest

OF_CHECKPOINTS: Final = frozenset({"checkpoint-witnessed", "timestamp"})
"""Kinds of entries about a checkpoint: they alone are no reason for another one, which would bring others."""
_TAIL: Final = 64
"""Entries of these kinds that are looked through for one of another kind."""


class Exposure(msgspec.Struct, frozen=True, kw_only=True):
    """What of a log no quorum has cosigned: `entries` after `witnessed`, the oldest logged at `since_us`.

    `asked`: whether the policy in force asks for a quorum at all; without one all of the log is exposed for ever.
    """

    log: LogId
    asked: bool
    witnessed: int
    entries: int
    since_us: int | None

    def window_us(self, now_us: int) -> int:
        """For how long that has been so."""
        return 0 if self.since_us is None else max(0, now_us - self.since_us)


def exposure(connection: Connection, log: LogId, policy: InForce) -> Exposure:
    """What is exposed of a log now, under the policy in force."""
    reader = LogReader(connection, log.number)
    found = newest(connection, log.origin, Quorum.MET)
    witnessed = 0 if found is None else found[0]
    waiting = calls_for_checkpoint(reader, witnessed, reader.head().size)
    since = None
    if waiting:
        since = parse_utc(decode_leaf(reader.entry(witnessed).leaf).logged_at)
    return Exposure(
        log=log,
        asked=policy.policy.quorum != NO_QUORUM,
        witnessed=witnessed,
        entries=waiting,
        since_us=since,
    )


def calls_for_checkpoint(reader: LogReader, low: int, high: int) -> int:
    """How many entries from `low` to before `high` there are; 0 where all are about checkpoints themselves."""
    if high - low <= _TAIL and {decode_leaf(one.leaf).kind for one in reader.entries(low, high)} <= OF_CHECKPOINTS:
        return 0
    return high - low
