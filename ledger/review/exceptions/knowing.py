"""What rules go by, opened as of a size of a log."""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, select

from ledger.core.kinds import KindRegistry
from ledger.review.exceptions.left import Last
from ledger.review.known.facts import Told
from ledger.review.known.reach import Reach
from ledger.review.rules.known import Known
from ledger.sources.parameters import Parameters
from ledger.store import schema
from ledger.store.position import index_of, pos_of

AT_ONCE: Final = 5_000
"""Entries that are looked through at once."""


def known_since(
    connection: Connection, kinds: KindRegistry, parameters: Parameters, log: int, size: int, last: Last
) -> Known:
    """What is known as of a size; new is what came since the run `last`, whose size that is at most."""
    reach = Reach({} if last.reach is None else last.reach)
    known = Known(connection, kinds, parameters, log, size, last.size, reach)
    for new in records(known, 0 if last.reach is None else last.size, size):
        reach.widen(new)
    return known


def records(known: Known, low: int, high: int) -> Iterator[list[Told]]:
    """The records from an entry on to before another, some at a time."""
    row = schema.record.c
    for first in range(low, high, AT_ONCE):
        span = pos_of(known.log, first), pos_of(known.log, min(first + AT_ONCE, high)) - 1
        yield known.told(map(index_of, known.connection.scalars(select(row.pos).where(row.pos.between(*span))).all()))
