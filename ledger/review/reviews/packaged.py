"""What an evidence package holds of the reviews of batches."""

from collections.abc import Collection

from sqlalchemy import Connection, select

from ledger.review.reviews import tables as t
from ledger.store.position import index_of
from ledger.trace.bodies import of_log


def decisions(connection: Connection, log: int, size: int, batches: Collection[str]) -> list[int]:
    """The entries by which findings were deferred for batches and what was answered about them, by a size, in order."""
    row, answer = t.deferral.c, t.review_answer.c
    deferred = select(row.batch, row.from_index).distinct().where(row.log == log, row.from_index < size)
    answered = select(answer.batch, answer.pos).where(of_log(answer.pos, log, size))
    found = {index for batch, index in connection.execute(deferred) if batch in batches}
    found |= {index_of(pos) for batch, pos in connection.execute(answered) if batch in batches}
    return sorted(found)
