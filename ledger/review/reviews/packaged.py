"""What an evidence package of a batch holds of its review."""

from sqlalchemy import Connection, select

from ledger.review.reviews import tables as t
from ledger.store.position import index_of
from ledger.trace.bodies import of_log


def decisions(connection: Connection, log: int, size: int, batch: str) -> list[int]:
    """The entries by which findings were deferred for a batch and what was answered about it, by a size, in order."""
    row, pos = t.deferral.c, t.review_answer.c.pos
    deferred = select(row.from_index).distinct().where(row.log == log, row.batch == batch, row.from_index < size)
    answered = select(pos).where(t.review_answer.c.batch == batch, of_log(pos, log, size))
    return sorted({*connection.scalars(deferred), *map(index_of, connection.scalars(answered))})
