"""The time-stamps that date a selection: of the checkpoints over its records, each that holds, with its proof."""

from bisect import bisect_right
from collections.abc import Collection, Iterator

import msgspec
from sqlalchemy import Connection, select

from ledger.core.errors import LedgerError
from ledger.core.kinds import KindRegistry
from ledger.core.passkey import unb64url
from ledger.core.timestamp_entries import TimestampEntry, Tsas
from ledger.store.position import index_of
from ledger.store.reading import LogReader
from ledger.trace.stamp_renewals import CarryingRenewal, renewals_of
from ledger.trust.renewing import Renewals, WrongRenewal, read_renewals
from ledger.trust.timestamp_reading import checkpoint_text, read_body, read_tsas
from ledger.trust.timestamp_tables import time_stamp

TSAS_A_SIZE = 3
"""Authorities of which a package takes the word on one checkpoint."""


class DatedCheckpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A time-stamp as a package has it: its entry in the system log, the checkpoint's text, the whole response.

    `pinned` is the entry that pins the authority with these certificates (DER) and policy; `proof`: that the package's
    checkpoint continues this one. `by_us`: the moment (µs) by which it was there.
    """

    index: int
    tsa: str
    pinned: int
    certificates: tuple[bytes, ...]
    policy: str | None
    size: int
    text: str
    token: bytes
    revocation: tuple[bytes, ...]
    proof: tuple[bytes, ...]
    by_us: int


class Stamps:
    """The time-stamps of a log's checkpoints up to a size, in one snapshot."""

    def __init__(self, connection: Connection, kinds: KindRegistry, log: int, origin: str, size: int) -> None:
        self._connection = connection
        self._kinds = kinds
        self._reader = LogReader(connection, log)
        self._size = size
        row = time_stamp.c
        found = connection.execute(
            select(row.size, row.pos).where(row.origin == origin, row.size <= size).order_by(row.size, row.pos)
        )
        self._by_size: dict[int, list[int]] = {}
        for one in found:
            self._by_size.setdefault(one.size, []).append(index_of(one.pos))
        self._sizes = list(self._by_size)

    def first_over(self, index: int) -> int | None:
        """The size of the smallest checkpoint with a time-stamp that covers an entry; None where none does."""
        at = bisect_right(self._sizes, index)
        return self._sizes[at] if at < len(self._sizes) else None

    def of(self, sizes: Collection[int]) -> Iterator[DatedCheckpoint]:
        """The time-stamps of these checkpoints that hold; level 3 tells of others."""
        if not sizes:
            return
        tsas, renewals = self._authorities()
        for size in sorted(sizes):
            given: set[str] = set()
            for index in self._by_size.get(size, ()):
                try:
                    body, _ = read_body(self._kinds, self._connection, index, TimestampEntry)
                    text = checkpoint_text(self._connection, self._reader.log, body)
                    stamp = tsas.verify(index, body, text.encode(), renewed_us=renewals.by(index))
                except LedgerError:
                    continue
                tsa = tsas.by_proposal(body.proposed)
                if tsa is None or tsa.tsa in given or len(given) == TSAS_A_SIZE:
                    continue
                given.add(tsa.tsa)
                yield DatedCheckpoint(
                    index=index,
                    tsa=tsa.tsa,
                    pinned=tsa.proposed,
                    certificates=tsa.certificates,
                    policy=tsa.policy,
                    size=size,
                    text=text,
                    token=unb64url(body.token),
                    revocation=tuple(map(unb64url, body.revocation)),
                    proof=tuple(self._reader.consistency(size, self._size)) if size < self._size else (),
                    by_us=stamp.by_us,
                )

    def renewals(self, stamps: Collection[int]) -> tuple[CarryingRenewal, ...]:
        """The renewals that hold, and that carry the time-stamps at these entries of the system log."""
        if not stamps:
            return ()
        tsas, renewals = self._authorities()
        return renewals_of(self._connection, self._kinds, tsas, renewals, stamps)

    def _authorities(self) -> tuple[Tsas, Renewals]:
        tsas = read_tsas(self._kinds, self._connection)
        try:
            return tsas, read_renewals(self._kinds, self._connection, tsas)
        except WrongRenewal:
            return tsas, Renewals()  # level 3 tells of it
