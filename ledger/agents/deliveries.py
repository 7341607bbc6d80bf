"""Takes signed batches: each once, in the order in which its agent numbered them, with a signed receipt."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, select

from ledger.agents.agents import Agents
from ledger.agents.kinds import AgentEntry, Delivery
from ledger.agents.tables import agent_batch
from ledger.core.address import LogId
from ledger.core.authority import Authority
from ledger.core.batch import (
    BatchHeader,
    BatchReceipt,
    SignedBatch,
    SignedReceipt,
    batch_digest,
    sign_receipt,
    verify_batch,
    verify_header,
)
from ledger.core.entry import Draft, decode_leaf, draft
from ledger.core.errors import AccessDenied, Conflict, IntegrityError, NotFound, SchemaViolation, SignatureInvalid
from ledger.core.hashing import b64, unb64
from ledger.core.note import SigningSecret
from ledger.core.run import RunBatch, RunReceipt
from ledger.sources.ingest import Ingest
from ledger.sources.kinds import CollectionRun
from ledger.store.append import Transaction
from ledger.store.position import index_of, pos_of
from ledger.store.reading import LogReader
from ledger.store.store import Store

_run = msgspec.json.Decoder(RunBatch)


class Delivered(Conflict):
    """The same batch was taken before."""


class NumberReused(Conflict):
    """The number was another batch's."""


class NotBound(AccessDenied):
    """The agent signed the batch, but may not deliver this source or in this epoch."""


class Last(msgspec.Struct, frozen=True):
    """The last batch of an agent's epoch that a log has; 0 for none."""

    number: int
    digest: str | None


class Deliveries:
    """Takes the batches of all agents for one record log."""

    def __init__(self, store: Store, log: LogId, agents: Agents, ingest: Ingest) -> None:
        self._store = store
        self._log = log
        self._agents = agents
        self._ingest = ingest

    def take(self, batch: SignedBatch, receipt_key: SigningSecret) -> SignedReceipt:
        """Appends what a batch brings, durable once this returns; a batch that was taken before gets its receipt again.

        Raises AccessDenied (not an agent in use, not its key, epoch or source, not its signature), Conflict (a number
        out of order, or one that was used for another batch), SchemaViolation (the payload is not the run that the
        header tells of), and what `Ingest.submit` raises.
        """
        head = batch.header
        with self._store.reading() as connection:
            standing = self._agents.standing(connection, head.agent)
        now, authority = _allowed(batch, standing, self._log.origin)
        run = _read(batch)
        with suppress(Delivered):
            self._ingest.submit(run, authority, _Beside(self._log.number, batch, self._agents, now))
        return sign_receipt(self.receipt(head), self._log.origin, receipt_key)

    def last(self, agent: str) -> Last:
        """Where the agent's present epoch stands in this log; raises NotFound for one that is not in use."""
        with self._store.reading() as connection:
            standing = self._agents.standing(connection, agent)
            if standing is None:
                raise NotFound(f"no agent {agent!r} is in use")
            return _last(connection, self._log.number, agent, standing[0].epoch)

    def receipt(self, head: BatchHeader) -> BatchReceipt:
        """What the log holds of a batch, read from its entries; raises NotFound if it has not been taken."""
        digest = batch_digest(head)
        with self._store.reader(self._log.number) as reader:
            row = _row(reader.connection, self._log.number, head.agent, head.epoch, head.number)
            if row is None or b64(bytes(row.digest)) != digest:
                raise NotFound(f"batch {head.number} of agent {head.agent!r} has not been taken")
            index = index_of(row.pos)
            told = self._body(reader, index, "delivery")
            if not isinstance(told, Delivery) or batch_digest(told.header) != digest:
                raise IntegrityError(f"entry {index} is not the delivery of batch {head.number}")
            run = self._body(reader, told.run, "collection-run")
            if not isinstance(run, CollectionRun) or run.source != head.source:
                raise IntegrityError(f"entry {told.run} is not the run of batch {head.number}")
        return BatchReceipt(
            agent=head.agent,
            epoch=head.epoch,
            number=head.number,
            digest=digest,
            run=told.run,
            first=run.first,
            size=index + 1,
        )

    def _body(self, reader: LogReader, index: int, kind: str) -> msgspec.Struct:
        stored = reader.entry(index)
        if stored.body is None or decode_leaf(stored.leaf).kind != kind:
            raise IntegrityError(f"entry {index} is no {kind}")
        return self._store.kinds[kind].decode(stored.body)


class _Beside:
    """What stands beside the run of a batch (`sources.ingest.Beside`)."""

    def __init__(self, log: int, batch: SignedBatch, agents: Agents, now: AgentEntry) -> None:
        self._log = log
        self._batch = batch
        self._agents = agents
        self._now = now

    def admit(self, transaction: Transaction) -> None:
        """Under the head lock: the agent's right is what it was, and this is the next batch of its epoch."""
        head, connection = self._batch.header, transaction.connection
        standing = self._agents.standing(connection, head.agent)
        if standing is None or standing[0] != self._now:
            raise AccessDenied(f"agent {head.agent!r} was changed meanwhile")
        key = ("agent", head.agent, head.epoch)
        last = transaction.scratch.get(key) or _last(connection, self._log, head.agent, head.epoch)
        if head.number <= last.number:
            row = _row(connection, self._log, head.agent, head.epoch, head.number)
            if row is not None and b64(bytes(row.digest)) != batch_digest(head):
                raise NumberReused(
                    f"number {head.number} of agent {head.agent!r} was another batch",
                    advice="A number is given once. If the agent was restored, approve a new epoch.",
                )
            raise Delivered(f"batch {head.number} was taken before")
        if head.number != last.number + 1 or head.previous != last.digest:
            raise Conflict(
                f"batch {head.number} of agent {head.agent!r} does not follow the last one, {last.number}",
                advice="Send the batches in the order of their numbers.",
            )
        transaction.scratch[key] = Last(head.number, batch_digest(head))

    def keep(self, transaction: Transaction, receipt: RunReceipt) -> Sequence[Draft]:
        """The delivery's own entry, after the run's."""
        told = Delivery(header=self._batch.header, signature=self._batch.signature, run=receipt.run)
        return (draft(told),)


def check_delivery(told: Delivery, origin: str, agent: AgentEntry) -> None:
    """Returns only if the agent's key signed the batch that a delivery entry tells of; raises SignatureInvalid."""
    if agent.public_key is None:
        raise SignatureInvalid(f"agent {agent.agent!r} had no key")
    verify_header(told.header, told.signature, origin, unb64(agent.public_key, 32))


def _allowed(
    batch: SignedBatch, standing: tuple[AgentEntry, Authority] | None, origin: str
) -> tuple[AgentEntry, Authority]:
    head = batch.header
    if standing is None:
        raise AccessDenied(f"agent {head.agent!r} is not in use", advice="Enrol it, and have its key confirmed.")
    now, authority = standing
    try:
        verify_batch(batch, origin, unb64(now.public_key or "", 32))
    except SignatureInvalid as error:
        raise AccessDenied(f"batch {head.number} of agent {head.agent!r}: {error.message}") from None
    if head.source not in now.sources:
        raise NotBound(f"agent {head.agent!r} is not bound to source {head.source!r}")
    if head.epoch != now.epoch:
        raise NotBound(
            f"agent {head.agent!r} is in epoch {now.epoch}, the batch in {head.epoch}",
            advice="A restored agent goes on in a new epoch once a person approves it.",
        )
    return now, authority


def _read(batch: SignedBatch) -> RunBatch:
    head = batch.header
    try:
        run = _run.decode(batch.payload)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise SchemaViolation(f"batch {head.number} holds no run: {error}") from None
    if (run.source, len(run.submissions) + len(run.rejected), run.cursor_to) != (head.source, head.count, head.cursor):
        raise SchemaViolation(f"the run of batch {head.number} is not the one that its header tells of")
    return run


def _last(connection: Connection, log: int, agent: str, epoch: int) -> Last:
    row = agent_batch.c
    found = connection.execute(
        select(row.batch_number, row.digest)
        .where(row.agent == agent, row.epoch == epoch, *_within(log))
        .order_by(row.batch_number.desc())
        .limit(1)
    ).one_or_none()
    return Last(0, None) if found is None else Last(found.batch_number, b64(bytes(found.digest)))


def _row(connection: Connection, log: int, agent: str, epoch: int, number: int) -> Row[Any] | None:
    row = agent_batch.c
    wanted = (row.agent == agent, row.epoch == epoch, row.batch_number == number, *_within(log))
    return connection.execute(select(agent_batch).where(*wanted)).one_or_none()


def _within(log: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return agent_batch.c.pos >= pos_of(log, 0), agent_batch.c.pos < pos_of(log + 1, 0)
