"""Stored checkpoints, published by compare-and-swap on their size (who signs is `trust`'s concern)."""

from collections.abc import Iterator
from itertools import groupby

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, func, select

from ledger.core.errors import CheckpointForked, NotFound
from ledger.core.note import with_lines
from ledger.store import schema
from ledger.store.bulk import Bulk


class StoredCheckpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A published checkpoint: tree size and the signed note, with the lines of witnesses that entries bear."""

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
    size = schema.checkpoint.c.size
    wanted = select(func.max(size)).where(schema.checkpoint.c.log == log)
    if at_most is not None:
        wanted = wanted.where(size <= at_most)
    for found in _read(connection, log, size == wanted.scalar_subquery()):
        return found
    raise NotFound(f"log {log} has no checkpoint yet", advice="Run `trailseal serve`, or append an entry.")


def covering(connection: Connection, log: int, index: int) -> StoredCheckpoint | None:
    """The smallest published checkpoint that covers an entry; None while no checkpoint does."""
    size = schema.checkpoint.c.size
    wanted = select(func.min(size)).where(schema.checkpoint.c.log == log, size > index)
    return next(_read(connection, log, size == wanted.scalar_subquery()), None)


def every(connection: Connection, log: int, after: int = -1) -> Iterator[StoredCheckpoint]:
    """All published checkpoints above a size, in order of size."""
    return _read(connection, log, schema.checkpoint.c.size > after)


def _read(connection: Connection, log: int, which: ColumnElement[bool]) -> Iterator[StoredCheckpoint]:
    """Checkpoints in order of size, each with the lines of its witnesses after those of the log."""
    table, line, logs = schema.checkpoint, schema.cosignature, schema.ledger_log
    origin = select(logs.c.origin).where(logs.c.number == log).scalar_subquery()
    rows = connection.execute(
        select(table.c.size, table.c.note, line.c.line)
        .select_from(table.outerjoin(line, and_(line.c.origin == origin, line.c.size == table.c.size)))
        .where(table.c.log == log, which)
        .order_by(table.c.size, line.c.pos, line.c.ordinal)
    )
    for (size, note), found in groupby(rows, key=lambda row: (row.size, bytes(row.note))):
        lines = dict.fromkeys(row.line for row in found if row.line is not None)
        yield StoredCheckpoint(size=size, note=with_lines(note, lines))


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
