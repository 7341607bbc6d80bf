"""What a check of level 3 is given: one log of a ledger, as of one snapshot."""

from collections.abc import Callable, Mapping, Sequence

import msgspec
from sqlalchemy import Connection

from ledger.core.address import LogId
from ledger.core.kinds import KindRegistry
from ledger.core.note import Verifier
from ledger.core.outside import NOTHING, FromOutside
from ledger.integrity.fault import Fault

Keys = Mapping[str, Sequence[Verifier]]
"""The keys that may have signed checkpoints, by the log's origin."""


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """A log, the snapshot it is read in, and the keys of all logs; `pulse` is told of each thing that was looked at.

    `outside`: policy and cards that whoever verifies brought along: what stands in the ledger itself does not make it.
    """

    connection: Connection
    log: LogId
    kinds: KindRegistry
    keys: Keys
    pulse: Callable[[int], None]
    outside: FromOutside = NOTHING


Check = Callable[[Scope], Fault | None]
"""Finds the first thing that does not hold; it may raise LedgerError for what cannot be read at all."""
