"""Ingest: a run of a source becomes entries, all in one transaction, and is answered with a receipt.

Good records are appended, bad ones quarantined in the same transaction; the run's own entry closes it.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Protocol

import msgspec
from sqlalchemy import Connection, select

from ledger.core.address import LogId
from ledger.core.authority import Authority
from ledger.core.clock import parse_utc, utc_text
from ledger.core.digests import Digests
from ledger.core.entry import Draft, VaultItem, draft
from ledger.core.errors import ConfigError, Conflict, IntegrityError, NotCanonical, SchemaViolation
from ledger.core.hashing import ZERO_HASH, b64, run_chain
from ledger.core.record import Original, OriginalRef
from ledger.core.run import RecordOutcome, Rejected, RunBatch, RunReceipt, SourceState, Status
from ledger.core.sealing import check_members
from ledger.core.source import ARCHIVE, BY_HAND
from ledger.core.vault import MAX_ORIGINAL
from ledger.findings.kinds import Finding, FindingSort, Incident
from ledger.sources import tables
from ledger.sources.imports import require_running
from ledger.sources.inventory import Inventory
from ledger.sources.kinds import CollectionRun, Duplicate, Quarantined
from ledger.sources.life import Standing, require_open, standing, told_by_run
from ledger.sources.life_kinds import LifeState
from ledger.sources.prepare import MAX_NAME, Preparer, keep_original, replaced
from ledger.store import schema
from ledger.store.append import Batch, Placed, Transaction
from ledger.store.bulk import Bulk
from ledger.store.known import read_record
from ledger.store.position import index_of, pos_of
from ledger.store.reading import VaultReader
from ledger.store.store import Store

SNAPSHOT_MEDIA_TYPE = "application/vnd.trailseal.snapshot"
UNKNOWN_MEDIA_TYPE = "application/octet-stream"
MAX_REASON = 4096
"""Characters of a reason for quarantine; a longer one is cut."""


class Beside(Protocol):
    """What a surface keeps of a run in the run's own transaction, so that both are durable or neither is."""

    def admit(self, transaction: Transaction) -> None:
        """Under the head lock, before anything is placed: raises the LedgerError for which the run is refused."""
        ...

    def keep(self, transaction: Transaction, receipt: RunReceipt) -> Sequence[Draft]:
        """Writes what is to be kept, now that the receipt is known; the entries it gives follow the run's own."""
        ...


class Ingest:
    """Takes the runs of every source of one log."""

    def __init__(self, store: Store, log: LogId, inventory: Inventory, digests: Callable[[], Digests]) -> None:
        self._store = store
        self._log = log
        self._inventory = inventory
        self._digests = digests

    def submit(self, batch: RunBatch, authority: Authority, beside: Beside | None = None) -> RunReceipt:
        """Appends a run; durable once it returns, with what `beside` keeps. Nothing of it is stored when it raises.

        Raises NotFound (source not registered), Conflict (it doesn't start where the run before ended), SchemaViolation
        (the run itself is malformed), IntegrityError (the ledger's own tables contradict the log: ingest stops, and an
        incident entry says so).
        """
        check_run(batch)
        config = self._inventory.get(batch.source)
        if config.type == BY_HAND:
            raise Conflict(
                f"source {batch.source!r} is entered by hand: no run of it is taken",
                advice="Register what is collected, or brought, as a source of its own.",
            )
        while True:
            preparer = Preparer(config.id, check_members(config.seal), self._digests())
            run = _Run(self._log.number, batch, authority, preparer, self._digests, archive=config.type == ARCHIVE)
            try:
                return self._append(run, batch, beside)
            except _SecretChanged:
                continue

    def _append(self, run: "_Run", batch: RunBatch, beside: Beside | None) -> RunReceipt:
        try:
            placed = self._store.append(self._log.number, _batch(run, self._log.origin, beside))
        except IntegrityError as error:
            incident = Incident(code=error.code, detail=error.message, stopped="ingest", source=batch.source)
            self._store.append_one(self._log.number, draft(incident))
            raise
        return run.receipt(self._log.origin, placed)

    def state(self, source_id: str) -> SourceState:
        """Where a source stands: what its collector needs to go on. Raises NotFound if it is not registered."""
        self._inventory.get(source_id)
        with self._store.reading() as connection:
            last = _last_run(Bulk(connection), self._log.number, source_id)
            if last is None:
                return SourceState(source=source_id)
            ended = connection.scalar(
                select(tables.collection_run.c.ended_us).where(
                    tables.collection_run.c.pos == pos_of(self._log.number, last.index)
                )
            )
            snapshot = self._last_snapshot(VaultReader(connection), connection, source_id)
        return SourceState(
            source=source_id,
            cursor=last.cursor,
            snapshot=snapshot,
            last_run=last.index,
            last_run_ended_at=None if ended is None else utc_text(ended),
            run_chain=b64(last.chain),
        )

    def _last_snapshot(self, vault: VaultReader, connection: Connection, source_id: str) -> bytes | None:
        row = tables.collection_run.c
        pos = connection.scalar(
            select(row.pos)
            .join(schema.original, schema.original.c.pos == row.pos)
            .where(
                row.source == source_id,
                row.pos >= pos_of(self._log.number, 0),
                row.pos < pos_of(self._log.number + 1, 0),
            )
            .order_by(row.pos.desc())
            .limit(1)
        )
        kept = None if pos is None else vault.original(self._log.number, index_of(pos))
        return None if kept is None else kept.value


def _batch(run: "_Run", origin: str, beside: Beside | None) -> Batch:
    if beside is None:
        return Batch(run.drafts, closing=run.close, before=run.check)

    def admit(transaction: Transaction) -> None:
        beside.admit(transaction)
        run.check(transaction)

    def close(transaction: Transaction, placed: Sequence[Placed]) -> Sequence[Draft]:
        first = transaction.next_index
        following = run.close(transaction, placed)
        after = [Placed(first + at, b"") for at in range(len(following))]
        return [*following, *beside.keep(transaction, run.receipt(origin, [*placed, *after]))]

    return Batch(run.drafts, closing=close, before=admit)


class _SecretChanged(Conflict):
    """The run's digests are of a secret that another process has just taken out of use: they are made anew.

    Else a record that was entered meanwhile under the new secret would not be known again.
    """


class _LastRun(msgspec.Struct, frozen=True):
    index: int
    cursor: str | None
    chain: bytes


class _Run:
    """One run on its way into the log."""

    def __init__(
        self,
        log: int,
        batch: RunBatch,
        authority: Authority,
        preparer: Preparer,
        digests: Callable[[], Digests],
        *,
        archive: bool = False,
    ) -> None:
        """`archive`: the source is an old audit trail, of which runs are taken while an import is running."""
        self._log = log
        self._prepared_under, self._digests = preparer.digests, digests
        self._archive = archive
        self._batch = batch
        self._authority = authority
        self._last: _LastRun | None = None
        self._index = -1
        self._life = Standing(state=LifeState.CONNECTED, entry=None, facts=None)
        prepared = [preparer.prepare(submission) for submission in batch.submissions]
        self.drafts: list[Draft] = [one for one in prepared if isinstance(one, Draft)]
        self._is_draft = [isinstance(one, Draft) for one in prepared]
        rejected = [one for one in prepared if isinstance(one, Rejected)]
        self._rejected = [_presentable(one, batch) for one in (*rejected, *batch.rejected)]

    def check(self, transaction: Transaction) -> None:
        """Under the head lock: the run starts where the source's run before ended."""
        if self._digests() is not self._prepared_under:
            raise _SecretChanged("the digest secret was changed while this run was prepared")
        self._require_secrets(transaction)
        key = ("last-run", self._batch.source)
        last = transaction.scratch.get(key) or _last_run(Bulk(transaction.connection), self._log, self._batch.source)
        cursor = None if last is None else last.cursor
        if self._batch.cursor_from != cursor:
            raise Conflict(
                f"the run of source {self._batch.source!r} starts at cursor {self._batch.cursor_from!r}, "
                f"the run before ended at {cursor!r}",
                advice="Ask for the source's state and go on from there.",
            )
        self._last = last
        self._life = transaction.scratch.get(("life", self._batch.source)) or standing(
            transaction.connection, self._log, self._batch.source
        )
        require_open(self._life, self._batch.source)
        if self._archive:
            require_running(transaction, self._log, self._batch.source)

    def _require_secrets(self, transaction: Transaction) -> None:
        """What is stored of the run's record ids was entered under secrets that are at hand; else ConfigError.

        It could not be known again: another machine changed the secret, and this one has not got it.
        """
        for pos in transaction.known_otherwise(self.drafts):
            body = read_record(transaction.connection, pos)
            if body is not None and body.digest.key not in self._prepared_under.keys:
                one = f"record {body.record.source_record_id!r} of source {body.record.source!r}"
                raise ConfigError(
                    f"{one} was entered under digest secret {body.digest.key}, which is not among this machine's keys",
                    advice="Copy the keys from the machine where the secret was changed; nothing was stored.",
                )

    def close(self, transaction: Transaction, placed: Sequence[Placed]) -> Sequence[Draft]:
        """The entries after the records: quarantine, findings, and the run's own."""
        quarantine = [self._quarantine(one) for one in self._rejected]
        findings = [self._changed(one) for one in placed if one.changed_from is not None and not one.duplicate]
        new = [one for one in placed if not one.duplicate]
        chain = self._last.chain if self._last else ZERO_HASH
        for one in new:
            chain = run_chain(chain, one.leaf_hash)
        first_quarantined = transaction.next_index
        snapshot, items = self._snapshot()
        run = CollectionRun(
            source=self._batch.source,
            started_at=self._batch.started_at,
            ended_at=self._batch.ended_at,
            cursor_from=self._batch.cursor_from,
            cursor_to=self._batch.cursor_to,
            first=new[0].index if new else None,
            records=len(new),
            previous=self._last.index if self._last else None,
            chain=b64(chain),
            authority=self._authority,
            duplicates=tuple(
                Duplicate(submission=at, earlier=one.index) for at, one in enumerate(placed) if one.duplicate
            ),
            quarantined=tuple(range(first_quarantined, first_quarantined + len(quarantine))),
            clock=self._batch.clock,
            unreachable=self._batch.unreachable,
            gaps=self._batch.gaps,
            snapshot=snapshot,
            facts=self._batch.facts,
        )
        self._index = first_quarantined + len(quarantine) + len(findings)
        transaction.scratch["last-run", self._batch.source] = _LastRun(self._index, self._batch.cursor_to, chain)
        return [*quarantine, *findings, draft(run, items), *self._told(transaction)]

    def _told(self, transaction: Transaction) -> Sequence[Draft]:
        """An entry about the source, where it told of itself what it had not told before."""
        if self._batch.facts is None:
            return ()
        life = told_by_run(self._life, self._batch.source, self._batch.facts, self._authority)
        if life is None:
            return ()
        transaction.scratch["life", self._batch.source] = Standing(
            state=life.state, entry=self._index + 1, facts=life.facts
        )
        return (draft(life),)

    def receipt(self, origin: str, placed: Sequence[Placed]) -> RunReceipt:
        """What became of every submission and every rejected input, in that order."""
        records = iter(placed[: len(self.drafts)])
        quarantined = iter(zip(placed[len(self.drafts) :], self._rejected, strict=False))
        outcomes = [
            _placed_outcome(next(records)) if is_draft else _quarantine_outcome(*next(quarantined))
            for is_draft in self._is_draft
        ]
        outcomes += [_quarantine_outcome(*one) for one in quarantined]
        return RunReceipt(origin=origin, run=self._index, outcomes=tuple(outcomes))

    def _quarantine(self, one: Rejected) -> Draft:
        reference, digest = None, None
        items: tuple[VaultItem, ...] = ()
        if len(one.data) <= MAX_ORIGINAL:
            reference, item = keep_original(_as_original(one.data, one.media_type))
            items = (item,)
        else:
            digest = b64(sha256(one.data).digest())
        return draft(
            Quarantined(
                source=self._batch.source,
                reason=one.reason,
                media_type=one.media_type,
                size=len(one.data),
                received_at=one.received_at,
                original=reference,
                sha256=digest,
            ),
            items,
        )

    def _changed(self, one: Placed) -> Draft:
        earlier = one.changed_from if one.changed_from is not None else one.index
        return draft(
            Finding(
                sort=FindingSort.RECORD_CHANGED_AFTER_COLLECTION,
                source=self._batch.source,
                entries=(earlier, one.index),
                detail=f"The source gave the record of entry {earlier} again with other content: entry {one.index}.",
            )
        )

    def _snapshot(self) -> tuple[OriginalRef | None, tuple[VaultItem, ...]]:
        if self._batch.snapshot is None:
            return None, ()
        reference, item = keep_original(_as_original(self._batch.snapshot, SNAPSHOT_MEDIA_TYPE))
        return reference, (item,)


def _presentable(one: Rejected, batch: RunBatch) -> Rejected:
    """What is told of rejected input, so that its entry holds whatever the input was; its bytes are untouched.

    What can't be read as a time of receipt was received by the end of its run.
    """
    media_type = replaced(one.media_type)
    try:
        parse_utc(one.received_at)
        received_at = one.received_at
    except NotCanonical:
        received_at = batch.ended_at
    return Rejected(
        data=one.data,
        media_type=media_type if 0 < len(media_type) <= MAX_NAME else UNKNOWN_MEDIA_TYPE,
        reason=replaced(one.reason[:MAX_REASON]),
        received_at=received_at,
    )


def _placed_outcome(one: Placed) -> RecordOutcome:
    return RecordOutcome(status=Status.DUPLICATE if one.duplicate else Status.APPENDED, index=one.index)


def _quarantine_outcome(one: Placed, kept: Rejected) -> RecordOutcome:
    return RecordOutcome(status=Status.QUARANTINED, index=one.index, reason=kept.reason)


def _as_original(data: bytes, media_type: str) -> Original:
    return Original(data=data, media_type=media_type, parser="none", parser_version="0")


def _last_run(bulk: Bulk, log: int, source: str) -> _LastRun | None:
    rows = bulk.all(
        "SELECT pos, cursor_to, chain FROM collection_run WHERE source = ? AND pos >= ? AND pos < ?"
        " ORDER BY pos DESC LIMIT 1",
        (source, pos_of(log, 0), pos_of(log + 1, 0)),
    )
    return _LastRun(index_of(rows[0][0]), rows[0][1], bytes(rows[0][2])) if rows else None


def check_run(batch: RunBatch) -> None:
    """Raises NotCanonical, SchemaViolation for a run that is malformed itself."""
    instants = [batch.started_at, batch.ended_at]
    for interval in batch.unreachable:
        instants += [interval.after, interval.before]
    for gap in batch.gaps:
        instants += [gap.between.after, gap.between.before]
    for one in batch.rejected:
        instants.append(one.received_at)
    if batch.clock is not None:
        instants.append(batch.clock.measured_at)
    for text in instants:
        parse_utc(text)
    if batch.cursor_to is not None and replaced(batch.cursor_to) != batch.cursor_to:
        raise SchemaViolation(f"the cursor {batch.cursor_to!r} holds U+0000 or a lone surrogate")
    if batch.started_at > batch.ended_at:
        raise SchemaViolation(f"the run ends at {batch.ended_at}, before it starts at {batch.started_at}")
