"""What rests on entries: the contract by which each domain tells which of its artefacts do.

A domain has a function of this form in a file of its own (`impact.py`) and names it in the assembly
(`ledger.domains`). It is deterministic: as of one snapshot the same entries give the same artefacts in the same order.
It tells by its tables *and* by the entries where both can, since either may be what was damaged.
"""

from collections.abc import Callable, Iterator, Mapping

import msgspec
from sqlalchemy import Connection

from ledger.core.address import Address
from ledger.core.clock import parse_utc
from ledger.core.entry import Entry, decode_leaf
from ledger.core.errors import LedgerError
from ledger.core.kinds import KindRegistry
from ledger.core.members import Members
from ledger.store.position import index_of, pos_of
from ledger.store.reading import RANGE, LogReader

Affected = Mapping[int, Members]
"""Entries that are affected, by the number of their log. Some of them may not be there."""


class Artefact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that rests on affected entries: `sort` and `id` name it, `at` is its entry's address, if it has one.

    `because`: the address of the first affected entry that it rests on. `to`: whom it was given to.
    """

    sort: str
    id: str
    because: str
    at: str = ""
    to: tuple[str, ...] = ()


class Reading:
    """One snapshot to tell from."""

    def __init__(self, connection: Connection, kinds: KindRegistry, origins: Mapping[int, str]) -> None:
        """`origins`: those of the logs, by number."""
        self.connection = connection
        self.kinds = kinds
        self.origins = origins

    def address(self, log: int, index: int) -> str:
        """The address of an entry."""
        return str(Address(self.origins[log], index))

    def entries(self, log: int, affected: Members) -> Iterator[Entry]:
        """Those of the affected entries that can be read still, whether or not they are what was logged."""
        reader = LogReader(self.connection, log)
        for low, high in affected.runs():
            for at in range(low, high + 1, RANGE):
                for pos, data, _, body in reader.rows(at, min(high + 1, at + RANGE)):
                    entry = self._entry(log, index_of(pos), data, body)
                    if entry is not None:
                        yield entry

    def entry(self, log: int, index: int) -> Entry | None:
        """An entry, if it can be read."""
        return next(self.entries(log, Members.of((index,))), None)

    def _entry(self, log: int, index: int, data: bytes, body: bytes | None) -> Entry | None:
        try:
            leaf = decode_leaf(data)
            decoded = self.kinds[leaf.kind].decode(body or b"")
            logged_us = parse_utc(leaf.logged_at)
        except (LedgerError, TypeError):
            return None
        return Entry(log=log, index=index, kind=leaf.kind, logged_us=logged_us, body=decoded)


Impact = Callable[[Reading, Affected], Iterator[Artefact]]
"""Tells the artefacts of one domain that rest on these entries."""


def places(log: int, affected: Members) -> Iterator[tuple[int, int]]:
    """The runs of affected entries as stretches of places in the database: first, and the one after the last."""
    for low, high in affected.runs():
        yield pos_of(log, low), pos_of(log, high + 1)
