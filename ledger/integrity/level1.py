"""Level 1 over a span of one log: the chain from an edge to an edge, or the first entry that does not hold."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
from sqlalchemy import Connection

from ledger.core.clock import parse_utc
from ledger.core.errors import LedgerError
from ledger.core.hashing import HASH_SIZE
from ledger.core.kinds import KindRegistry
from ledger.integrity.chain import Chain
from ledger.integrity.columns import ColumnsDiffer, RecordColumns
from ledger.integrity.diagnosis import Diagnosis
from ledger.integrity.edge import Edge, read_edge
from ledger.integrity.fault import Fault
from ledger.store import schema
from ledger.store.projections import Live
from ledger.store.reading import HeadRow

Pulse = Callable[[int], None]
"""Told how many entries were verified since it was told last; raises to stop."""


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a span: the edges between which everything holds, and the fault that ended it, if one did."""

    before: Edge
    after: Edge
    fault: Fault | None = None


def verify_span(
    connection: Connection, log: int, low: int, high: int, kinds: KindRegistry, live: Live, columns: bool, pulse: Pulse
) -> Span:
    """Verifies the entries from `low` (a multiple of 256, or where an earlier span ended) to the one before `high`.

    Nothing before `low` is verified: the caller joins spans by comparing edges.
    """
    try:
        before = read_edge(connection, log, low)
    except LedgerError as error:
        index = max(0, low - 1)
        start = Edge(size=low, leaf_hash=b"", logged_at=b"", partial=())
        return Span(before=start, after=start, fault=Fault(log=log, index=index, table="tile", what=error.message))
    chain = Chain(connection, log, before, high, RecordColumns(connection) if columns else None)
    diagnosis = Diagnosis(connection, log, kinds, live, columns)
    with _no_collection(), chain:
        while chain.edge.size < high:
            done = chain.edge.size
            until = chain.range_end(done)
            fault = _range(chain, diagnosis, until)
            if fault is not None:
                return Span(before=before, after=chain.edge, fault=fault)
            pulse(until - done)
        return Span(before=before, after=chain.edge)


def _range(chain: Chain, diagnosis: Diagnosis, until: int) -> Fault | None:
    before = chain.edge
    try:
        chain.run()
    except ColumnsDiffer:
        # Two spellings of one value may look different: only the diagnosis decides.
        return diagnosis.first_fault(before, until)
    except Exception:  # bytes of any form may stand in the tables
        fault = diagnosis.first_fault(before, until)
        if fault is None:
            raise
        return fault
    return None


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keeps the collector of cycles off while many small objects come and go; they hold no cycles."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def head_fault(log: int, head: HeadRow, edge: Edge) -> Fault | None:
    """Whether the head row is the right edge of the verified log; it is named by the last entry."""
    frontier = b"".join(edge.frontier().hashes)
    checks = (
        ("size", head.size == edge.size),
        ("leaf_hash", head.leaf_hash == edge.leaf_hash),
        ("logged_us", head.logged_us == (parse_utc(edge.logged_at.decode()) if edge.size else 0)),
        ("frontier", len(head.frontier) % HASH_SIZE == 0 and head.frontier == frontier),
    )
    for column, holds in checks:
        if not holds:
            what = "not the right edge of the entries"
            return Fault(log=log, index=max(0, edge.size - 1), table=schema.head.name, column=column, what=what)
    return None
