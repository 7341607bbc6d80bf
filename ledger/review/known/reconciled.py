"""What sources count otherwise than the log: reconciliations that did not hold, and that nothing settled since."""

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from ledger.core.clock import parse_utc
from ledger.core.entry import decode_leaf
from ledger.core.kinds import KindRegistry
from ledger.sources import tables as t
from ledger.sources.covering import received_of
from ledger.sources.reconcile_kinds import Reconciliation
from ledger.store import schema
from ledger.store.position import index_of, pos_of
from ledger.store.reading import LogReader, body_of


class Break(NamedTuple):
    """A reconciliation by its entry, when it was made, and the record that stands for it: the last of the source in its
    time, or else the last before.
    """

    entry: int
    at_us: int
    anchor: int
    body: Reconciliation


def breaks(connection: Connection, kinds: KindRegistry, log: int, size: int) -> Iterator[Break]:
    """Those that no later one over the same time settled, nor what came since: then the log has as many as the source.

    What the source no longer has is settled by another reconciliation alone.
    """
    row, reader = t.reconciliation.c, LogReader(connection, log)
    mine = row.pos >= pos_of(log, 0), row.pos < pos_of(log, size)
    chosen = select(row.pos, row.source, row.from_us, row.to_us).where(*mine, row.holds == 0).order_by(row.pos)
    for pos, source, from_us, to_us in connection.execute(chosen).all():
        again = select(row.pos).where(
            *mine, row.source == source, row.pos > pos, row.from_us <= from_us, row.to_us >= to_us
        )
        if connection.scalar(again.limit(1)) is not None:
            continue
        stored = reader.entry(index_of(pos))
        body = body_of(stored, kinds["reconciliation"], Reconciliation)
        anchor = _anchor(connection, log, source, to_us, body.size)
        if anchor is not None and (
            body.gone or _held(connection, log, size, source, from_us, to_us) != body.there.count
        ):
            yield Break(stored.index, parse_utc(decode_leaf(stored.leaf).logged_at), anchor, body)


def _held(connection: Connection, log: int, size: int, source: str, from_us: int, to_us: int) -> int:
    """How many records of the time the log has by now."""
    record = schema.record.c
    within = record.occurred_us >= from_us, record.occurred_us < to_us
    return connection.scalar(select(func.count()).where(received_of(log, size, source), *within)) or 0


def _anchor(connection: Connection, log: int, source: str, to_us: int, size: int) -> int | None:
    record = schema.record.c
    before = received_of(log, size, source), record.occurred_us < to_us
    last = select(record.pos).where(*before).order_by(record.occurred_us.desc(), record.pos.desc()).limit(1)
    found = connection.scalar(last)
    return None if found is None else index_of(found)
