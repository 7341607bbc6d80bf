"""What a check of level 3 is given: one log of a ledger, as of one snapshot."""

from collections.abc import Callable, Mapping, Sequence

import msgspec
from sqlalchemy import Connection

from ledger.core.address import LogId
from ledger.core.entry import Entry
from ledger.core.kinds import KindRegistry
from ledger.core.note import Verifier
from ledger.core.outside import NOTHING, FromOutside
from ledger.integrity.entries import read_entries
from ledger.integrity.fault import Fault
from ledger.integrity.since import Since
from ledger.store.bulk import Bulk
from ledger.store.position import index_of, pos_of

Keys = Mapping[str, Sequence[Verifier]]
"""The keys that may have signed checkpoints, by the log's origin."""


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """A log, the snapshot it is read in, and the keys of all logs; `pulse` is told of each thing that was looked at.

    `outside`: policy and cards that whoever verifies brought along: what stands in the ledger itself does not make it.
    `since`: what a former run judged, and this one does not look at again; None: everything is judged.
    """

    connection: Connection
    log: LogId
    kinds: KindRegistry
    keys: Keys
    pulse: Callable[[int], None]
    outside: FromOutside = NOTHING
    since: Since | None = None

    def first(self, log: int) -> int:
        """The first entry of a log that is judged; those before it are read only for what follows from them."""
        return 0 if self.since is None else self.since.first(log)

    def entry(self, log: int, index: int) -> Entry:
        """One entry, wherever it is; raises Unreadable."""
        if self.since is not None:
            return self.since.entry(log, index)
        return next(read_entries(self.connection, log, index, index + 1, self.kinds))

    def new(self, table: str, log: int) -> list[int]:
        """The entries of a log that are judged and that a table of positions names, in order.

        By position alone: what is read is what is new, whatever an index over other columns would find.
        """
        query = f"SELECT pos FROM {table} WHERE pos >= ? AND pos < ? ORDER BY pos"
        bounds = pos_of(log, self.first(log)), pos_of(log + 1, 0)
        return [index_of(pos) for (pos,) in Bulk(self.connection).all(query, bounds)]


Check = Callable[[Scope], Fault | None]
"""Finds the first thing that does not hold; it may raise LedgerError for what cannot be read at all."""
