"""Stored checkpoints, published by compare-and-swap on their size (who signs is `trust`'s concern)."""

from collections.abc import Iterator

import msgspec
from sqlalchemy import Connection, func, select

from ledger.core.errors import CheckpointForked, NotFound
from ledger.store import schema
from ledger.store.bulk import Bulk


class StoredCheckpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A published checkpoint: tree size and the signed note."""

    size: int
    note: bytes


def record_intent(connection: Connection, log: int, size: int, root: bytes) -> bool:
    """Commits to signing `root` at `size`, durable once the transaction is. False: another publisher is as far.

    Raises CheckpointForked if this size was once meant to be signed with another root. Call it in a writer's
    transaction: its lock (the head row's in PostgreSQL) orders all publishers.
    """
    bulk = Bulk(connection)
    if connection.dialect.name == "postgresql":
        bulk.all("SELECT size FROM head WHERE log = ? FOR UPDATE", (log,))
    table = schema.checkpoint_intent
    last = connection.execute(
        select(table.c.size, table.c.root).where(table.c.log == log).order_by(table.c.size.desc()).limit(1)
    ).one_or_none()
    if last is not None and last.size >= size:
        if last.size == size and bytes(last.root) != root:
            raise CheckpointForked(f"log {log}: size {size} was to be signed with another root before")
        return False
    bulk.insert(table, [(log, size, root)], 1)
    return True


def publish(connection: Connection, log: int, size: int, note: bytes) -> None:
    """Stores a signed checkpoint; its intent is committed already, so one that is there has the same root."""
    Bulk(connection).run("INSERT INTO checkpoint VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (log, size, note))


def latest(connection: Connection, log: int, at_most: int | None = None) -> StoredCheckpoint:
    """The largest published checkpoint (not above a size, if given); raises NotFound if there is none yet."""
    table = schema.checkpoint
    query = select(table.c.size, table.c.note).where(table.c.log == log).order_by(table.c.size.desc()).limit(1)
    if at_most is not None:
        query = query.where(table.c.size <= at_most)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"log {log} has no checkpoint yet", advice="Run `trailseal serve`, or append an entry.")
    return StoredCheckpoint(size=row.size, note=bytes(row.note))


def covering(connection: Connection, log: int, index: int) -> StoredCheckpoint | None:
    """The smallest published checkpoint that covers an entry; None while no checkpoint does."""
    table = schema.checkpoint
    row = connection.execute(
        select(table.c.size, table.c.note)
        .where(table.c.log == log, table.c.size > index)
        .order_by(table.c.size)
        .limit(1)
    ).one_or_none()
    return None if row is None else StoredCheckpoint(size=row.size, note=bytes(row.note))


def every(connection: Connection, log: int, after: int = -1) -> Iterator[StoredCheckpoint]:
    """All published checkpoints above a size, in order of size."""
    table = schema.checkpoint
    rows = connection.execute(
        select(table.c.size, table.c.note).where(table.c.log == log, table.c.size > after).order_by(table.c.size)
    )
    for row in rows:
        yield StoredCheckpoint(size=row.size, note=bytes(row.note))


def unfinished(connection: Connection, log: int) -> tuple[int, bytes] | None:
    """The last intent that no checkpoint follows (a crash lies between): size and root, to be signed as they are."""
    intent, done = schema.checkpoint_intent, schema.checkpoint
    row = connection.execute(
        select(intent.c.size, intent.c.root).where(intent.c.log == log).order_by(intent.c.size.desc()).limit(1)
    ).one_or_none()
    published = connection.scalar(select(func.max(done.c.size)).where(done.c.log == log))
    if row is None or (published is not None and published >= row.size):
        return None
    return row.size, bytes(row.root)
