"""The size that an answer is given as of, and the checkpoint that proves it: asked again there, it is the same."""

import msgspec
from sqlalchemy import Connection, func, select

from ledger.core.address import LogId
from ledger.core.checkpoint import Checkpoint
from ledger.core.errors import NotFound, SchemaViolation
from ledger.core.hashing import b64
from ledger.core.note import parse_note
from ledger.store import schema
from ledger.store.reading import LogReader


class AtCheckpoint(msgspec.Struct, frozen=True, kw_only=True):
    """The newest checkpoint that an answer reaches: `root` in base64, `note` as the log itself signed it.

    Lines of witnesses come later and are not in it, so that the same answer always has the same bytes.
    """

    origin: str
    size: int
    root: str
    note: str


def as_of(reader: LogReader, log: LogId, size: int | None, *, at_checkpoint: bool = False) -> int:
    """The size to answer as of: the one asked for, that of the newest checkpoint, or the log's now.

    Raises SchemaViolation for a size that the log does not have yet, or that is asked for beside a checkpoint, and
    NotFound where there is no checkpoint yet.
    """
    if size is not None and at_checkpoint:
        raise SchemaViolation("a size and the newest checkpoint are asked for at once", advice="Give one of the two.")
    if at_checkpoint:
        found = checkpoint_of(reader.connection, log, None)
        if found is None:
            raise NotFound(f"log {log.name} has no checkpoint yet", advice="Leave it out, or ask again in a moment.")
        return found.size
    now = reader.head().size
    if size is not None and size > now:
        raise SchemaViolation(f"log {log.name} has {now} entries, not {size} yet")
    return now if size is None else size


def checkpoint_of(connection: Connection, log: LogId, size: int | None) -> AtCheckpoint | None:
    """The newest published checkpoint of a log, at most of this size; None where there is none."""
    table = schema.checkpoint.c
    newest = select(func.max(table.size)).where(table.log == log.number)
    if size is not None:
        newest = newest.where(table.size <= size)
    note = connection.scalar(select(table.note).where(table.log == log.number, table.size == newest.scalar_subquery()))
    if note is None:
        return None
    found = Checkpoint.parse(parse_note(bytes(note)).text)
    return AtCheckpoint(origin=found.origin, size=found.size, root=b64(found.root), note=bytes(note).decode())
