"""The first receipt, given again: a request repeated under its `Idempotency-Key` is answered as it was at first.

The receipt is written in the very transaction of the run, so that neither is there without the other. Before it is
given again it is held against the log: a forged row can't make a caller believe in records that were never appended.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import delete, select

from ledger.core.address import LogId
from ledger.core.digests import Digests
from ledger.core.entry import Draft, decode_leaf
from ledger.core.errors import Conflict, IntegrityError, NotFound
from ledger.core.run import RunBatch, RunReceipt, Status
from ledger.people.tables import request_receipt
from ledger.store.append import Transaction
from ledger.store.bulk import Bulk
from ledger.store.reading import LogReader
from ledger.store.store import Store

KEPT_US: Final = 7 * 24 * 3600 * 1_000_000
"""How long a receipt is kept for a repeated request."""

_row = request_receipt.c
_receipt = msgspec.json.Decoder(RunReceipt)


class Answered(Conflict):
    """The request was answered before, under the same key and with the same body."""


class KeyReused(Conflict):
    """The key was used for a request with another body."""


class Request(msgspec.Struct, frozen=True):
    """What an `Idempotency-Key` is scoped to."""

    caller: str
    route: str
    key: str
    body: bytes


class Exchange:
    """One request on its way into the log (`sources.ingest.Beside`)."""

    def __init__(self, store: Store, digests: Callable[[], Digests], request: Request) -> None:
        self._store = store
        self._digests = digests
        self._digest = digests()(request.body)
        self._request = request
        self._names = (request.caller, request.route, request.key)

    def admit(self, transaction: Transaction) -> None:
        """Raises Answered if the request was answered before, KeyReused if its key was used for another body."""
        earlier = transaction.scratch.get(("receipt", *self._names)) or transaction.connection.scalar(
            select(_row.digest).where(*self._where())
        )
        if earlier is not None:
            self._compare(bytes(earlier))
            raise Answered("this request was answered before")

    def keep(self, transaction: Transaction, receipt: RunReceipt) -> Sequence[Draft]:
        """Writes the receipt beside the run; no entry of its own."""
        row = (*self._names, self._digest, self._store.clock.now_us(), msgspec.json.encode(receipt))
        Bulk(transaction.connection).insert(request_receipt, [row], 1)
        transaction.scratch["receipt", *self._names] = self._digest
        return ()

    def again(self, log: LogId, batch: RunBatch) -> RunReceipt:
        """The first receipt, once the log bears it out for the batch that was sent again.

        Raises NotFound if there is none (any more), KeyReused if the key was used for another body, IntegrityError if
        the receipt names entries that are not the batch's.
        """
        with self._store.reader(log.number) as reader:
            row = reader.connection.execute(select(_row.digest, _row.receipt).where(*self._where())).one_or_none()
            if row is None:
                raise NotFound("the first answer to this request is not kept any more")
            self._compare(bytes(row.digest))
            receipt = _receipt.decode(bytes(row.receipt))
            self._check(reader, log, batch, receipt)
        return receipt

    def _check(self, reader: LogReader, log: LogId, batch: RunBatch, receipt: RunReceipt) -> None:
        run = self._body(reader, receipt.run, "collection-run")
        sent = len(batch.submissions)
        holds = (
            receipt.origin == log.origin
            and len(receipt.outcomes) == sent + len(batch.rejected)
            and run.source == batch.source
            and run.authority.actor == self._request.caller
        )
        for submission, outcome in zip(batch.submissions, receipt.outcomes, strict=False):
            if not holds:
                break
            if outcome.status is not Status.QUARANTINED:
                record = self._body(reader, outcome.index, "record").record
                wanted = submission.record
                holds = (record.source, record.source_record_id) == (wanted.source, wanted.source_record_id)
        for outcome in receipt.outcomes:
            if holds and outcome.status is Status.QUARANTINED:
                holds = self._body(reader, outcome.index, "quarantine").source == batch.source
        if not holds:
            raise _forged(receipt.run)

    def _body(self, reader: LogReader, index: int, kind: str) -> Any:
        try:
            stored = reader.entry(index)
        except NotFound:
            raise _forged(index) from None
        if stored.body is None or decode_leaf(stored.leaf).kind != kind:
            raise _forged(index)
        return self._store.kinds[kind].decode(stored.body)

    def _compare(self, earlier: bytes) -> None:
        if earlier != self._digest and earlier not in self._digests().every(self._request.body):
            raise KeyReused(
                "this Idempotency-Key was used for another request",
                advice="Use a new key for each new request; only a repetition keeps its key.",
            )

    def _where(self) -> tuple[Any, ...]:
        return _row.caller == self._names[0], _row.route == self._names[1], _row.key == self._names[2]


def forget_old(store: Store) -> None:
    """Deletes the receipts that are older than a week."""
    with store.writing() as connection:
        connection.execute(delete(request_receipt).where(_row.at_us < store.clock.now_us() - KEPT_US))


def _forged(index: int) -> IntegrityError:
    return IntegrityError(
        f"a stored receipt names entry {index}, which is not what was sent: the ledger's tables were altered",
        advice="Do not rely on that receipt. Run `trailseal verify --full` and open an incident.",
    )
