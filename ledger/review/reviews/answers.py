"""What was answered to whoever asked whether a batch's review is complete."""

from typing import Final

import msgspec
from sqlalchemy import Connection, select

from ledger.core.entry import decode_leaf
from ledger.core.review_answer import REVIEW_ANSWER, ReviewAnswer
from ledger.review.reviews.tables import review_answer
from ledger.store.position import index_of, pos_of
from ledger.store.reading import LogReader, body_of
from ledger.trace.bodies import of_log

SHOWN: Final = 500


class KnownAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer by its entry, and when it was given."""

    entry: int
    at: str
    answer: ReviewAnswer


def answers(
    connection: Connection,
    log: int,
    size: int,
    batch: str | None = None,
    before: int | None = None,
    limit: int = SHOWN,
) -> list[KnownAnswer]:
    """The answers as of a size, newest first: about a batch, before an entry."""
    row = review_answer.c
    chosen = select(row.pos).where(of_log(row.pos, log, size)).order_by(row.pos.desc()).limit(limit)
    chosen = chosen if batch is None else chosen.where(row.batch == batch)
    chosen = chosen if before is None else chosen.where(row.pos < pos_of(log, before))
    stored = LogReader(connection, log).chosen(map(index_of, connection.scalars(chosen).all()))
    return [
        KnownAnswer(
            entry=one.index, at=decode_leaf(one.leaf).logged_at, answer=body_of(one, REVIEW_ANSWER, ReviewAnswer)
        )
        for one in stored
    ]
