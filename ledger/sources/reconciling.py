"""Holds what the log has of a source's interval against what the source itself counts: by number, and by digest."""

from collections.abc import Collection
from hashlib import sha256
from typing import Final, NamedTuple

import msgspec
from sqlalchemy import Connection, select

from ledger.core.authority import Authority
from ledger.core.clock import utc_text
from ledger.core.entry import draft
from ledger.core.errors import IntegrityError, SchemaViolation
from ledger.core.hashing import b64
from ledger.findings.kinds import Finding, FindingSort
from ledger.sources import tables as t
from ledger.sources.covering import cover, received_of, require_interval
from ledger.sources.reconcile_kinds import By, Counted, Reconciliation
from ledger.store import schema
from ledger.store.append import Batch
from ledger.store.position import index_of, pos_of
from ledger.store.reading import LogReader, StoredEntry, body_of
from ledger.store.store import Store

NAMED: Final = 100
"""Records of either side that a reconciliation names; all are counted."""
SHOWN: Final = 1000


class Reconciled(msgspec.Struct, frozen=True, kw_only=True):
    """A reconciliation, and the entry that holds it."""

    entry: int
    reconciliation: Reconciliation


class _About(NamedTuple):
    """What is reconciled, as of `size`, with what the log has of it, and who wants it why."""

    source: str
    from_us: int
    to_us: int
    size: int
    here: Counted
    reason: str
    authority: Authority


class _Held(NamedTuple):
    """What the source has: ids that are not in the log, and of the log not at the source, where it told its ids."""

    by: By
    there: Counted
    lacking: Collection[str] = ()
    gone: Collection[str] = ()


class _Named(msgspec.Struct):
    source_record_id: str


class _Record(msgspec.Struct):
    """As much of a record's body as is needed here."""

    record: _Named


_decode = msgspec.json.Decoder(_Record).decode


def _id(stored: StoredEntry) -> str:
    try:
        return _decode(stored.body or b"").record.source_record_id
    except msgspec.DecodeError:
        raise IntegrityError(f"the search tables name entry {stored.index}, which is no record: verify it") from None


class Reconciling:
    """The reconciliations of one record log."""

    def __init__(self, store: Store, log: int) -> None:
        self._store = store
        self._log = log

    def by_ids(
        self, source: str, from_us: int, to_us: int, there: Collection[str], reason: str, authority: Authority
    ) -> Reconciled:
        """Holds the ids that the source gives anew against those of the log; raises as `by_count`."""
        size, here = self._here(source, from_us, to_us)
        told = set(there)
        held = _Held(by=By.COLLECTOR, there=_counted(told), lacking=told - here, gone=here - told)
        return self._enter(_About(source, from_us, to_us, size, _counted(here), reason, authority), held)

    def by_count(
        self, source: str, from_us: int, to_us: int, there: int, reason: str, authority: Authority
    ) -> Reconciled:
        """Holds the number of records that a person counted at the source against that of the log.

        Raises NotFound for an unknown source; SchemaViolation for an interval that is none, and for one that was not
        collected to its end yet: what is not expected here is not missing.
        """
        size, here = self._here(source, from_us, to_us)
        held = _Held(by=By.HAND, there=Counted(count=there, digest=None))
        return self._enter(_About(source, from_us, to_us, size, _counted(here), reason, authority), held)

    def history(self, source: str, after: int = -1, limit: int = SHOWN) -> list[Reconciled]:
        """The reconciliations of a source, oldest first."""
        row = t.reconciliation.c
        with self._store.reading() as connection:
            places = connection.scalars(
                select(row.pos)
                .where(row.source == source, row.pos > pos_of(self._log, 0) + after, row.pos < pos_of(self._log + 1, 0))
                .order_by(row.pos)
                .limit(limit)
            ).all()
            return [self._read(connection, index_of(pos)) for pos in places]

    def _read(self, connection: Connection, index: int) -> Reconciled:
        stored = LogReader(connection, self._log).entry(index)
        body = body_of(stored, self._store.kinds["reconciliation"], Reconciliation)
        return Reconciled(entry=index, reconciliation=body)

    def _here(self, source: str, from_us: int, to_us: int) -> tuple[int, set[str]]:
        """The log's size, and the ids of the records that it has of the interval."""
        require_interval(from_us, to_us)
        with self._store.reader(self._log) as reader:
            size = reader.head().size
            covered = cover(reader.connection, self._store.kinds, self._log, size, source, from_us, to_us)
            if covered.watermark_us is None or covered.watermark_us < to_us:
                known = "never" if covered.watermark_us is None else f"up to {utc_text(covered.watermark_us)}"
                raise SchemaViolation(
                    f"source {source!r} was collected {known}, not up to {utc_text(to_us)} yet",
                    advice="Let the interval end earlier, or collect first.",
                )
            record = schema.record.c
            places = reader.connection.scalars(
                select(record.pos)
                .where(received_of(self._log, size, source), record.occurred_us >= from_us, record.occurred_us < to_us)
                .order_by(record.pos)
            ).all()
            stored = reader.chosen(index_of(pos) for pos in places)
            return size, {_id(one) for one in stored}

    def _enter(self, about: _About, held: _Held) -> Reconciled:
        here, there = about.here, held.there
        made = Reconciliation(
            source=about.source,
            from_at=utc_text(about.from_us),
            to_at=utc_text(about.to_us),
            size=about.size,
            by=held.by,
            there=there,
            here=here,
            holds=not held.lacking and not held.gone and there.count == here.count,
            lacking=tuple(sorted(held.lacking)[:NAMED]),
            gone=tuple(sorted(held.gone)[:NAMED]),
            reason=about.reason,
            authority=about.authority,
        )
        # Converted, as what is made by hand has not met the bounds of its members.
        drafts = [draft(msgspec.convert(msgspec.to_builtins(made), Reconciliation))]
        if not made.holds:
            lacking = len(held.lacking) or max(0, there.count - here.count)
            gone = len(held.gone) or max(0, here.count - there.count)
            detail = (
                f"Of {made.from_at} to {made.to_at}, source {made.source} counts {there.count} records, and the "
                f"log has {here.count}: {lacking} are not in the log, {gone} are at the source no longer."
            )
            drafts.append(
                draft(Finding(sort=FindingSort.RECONCILIATION_BROKEN, source=made.source, entries=(), detail=detail))
            )
        return Reconciled(entry=self._store.append(self._log, Batch(drafts))[0].index, reconciliation=made)


def _counted(ids: set[str]) -> Counted:
    return Counted(count=len(ids), digest=b64(sha256("\n".join(sorted(ids)).encode()).digest()))
