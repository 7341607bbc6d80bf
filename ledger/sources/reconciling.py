"""Holds what the log has of a source's interval against what the source itself counts: by number, and by digest."""

from collections.abc import Collection
from hashlib import sha256
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from ledger.core.authority import Authority
from ledger.core.clock import parse_utc, utc_text
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
from ledger.store.reading import LogReader, StoredEntry
from ledger.store.store import Store

NAMED: Final = 100
"""Records of either side that a reconciliation names; all are counted."""
SHOWN: Final = 1000


class Reconciled(msgspec.Struct, frozen=True, kw_only=True):
    """A reconciliation, and the entry that holds it."""

    entry: int
    reconciliation: Reconciliation


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
        size, ids = self._here(source, from_us, to_us)
        told = set(there)
        return self._enter(
            Reconciliation(
                source=source,
                from_at=utc_text(from_us),
                to_at=utc_text(to_us),
                size=size,
                by=By.COLLECTOR,
                there=_counted(told),
                here=_counted(ids),
                holds=told == ids,
                lacking=tuple(sorted(told - ids)[:NAMED]),
                gone=tuple(sorted(ids - told)[:NAMED]),
                reason=reason,
                authority=authority,
            ),
            len(told - ids),
            len(ids - told),
        )

    def by_count(
        self, source: str, from_us: int, to_us: int, there: int, reason: str, authority: Authority
    ) -> Reconciled:
        """Holds the number of records that a person counted at the source against that of the log.

        Raises NotFound for an unknown source; SchemaViolation for an interval that is none, and for one that was not
        collected to its end yet: what is not expected here is not missing.
        """
        size, ids = self._here(source, from_us, to_us)
        return self._enter(
            Reconciliation(
                source=source,
                from_at=utc_text(from_us),
                to_at=utc_text(to_us),
                size=size,
                by=By.HAND,
                there=Counted(count=there, digest=None),
                here=_counted(ids),
                holds=there == len(ids),
                lacking=(),
                gone=(),
                reason=reason,
                authority=authority,
            ),
            max(0, there - len(ids)),
            max(0, len(ids) - there),
        )

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
        body = self._store.kinds["reconciliation"].decode(LogReader(connection, self._log).entry(index).body or b"")
        if not isinstance(body, Reconciliation):
            raise IntegrityError(f"entry {index} of log {self._log} is no reconciliation: verify the ledger")
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

    def _enter(self, made: Reconciliation, lacking: int, gone: int) -> Reconciled:
        checked = msgspec.convert(msgspec.to_builtins(made), Reconciliation)
        parse_utc(checked.from_at)
        drafts = [draft(checked)]
        if not made.holds:
            detail = (
                f"Of {made.from_at} to {made.to_at}, source {made.source} counts {made.there.count} records, and the "
                f"log has {made.here.count}: {lacking} are not in the log, {gone} are at the source no longer."
            )
            drafts.append(
                draft(Finding(sort=FindingSort.RECONCILIATION_BROKEN, source=made.source, entries=(), detail=detail))
            )
        return Reconciled(entry=self._store.append(self._log, Batch(drafts))[0].index, reconciliation=made)


def _counted(ids: set[str]) -> Counted:
    return Counted(count=len(ids), digest=b64(sha256("\n".join(sorted(ids)).encode()).digest()))
