"""Whether records can be had: some of each source are fetched with their proof, and read by themselves."""

import time
from collections.abc import Iterator

import msgspec
from sqlalchemy import Connection, func, select

from ledger.core.assessment import ASSESSMENT, Assessment, Retrieved
from ledger.core.entry import decode_leaf
from ledger.core.errors import LedgerError
from ledger.core.hashing import b64, body_commitment, leaf_hash
from ledger.core.kinds import RECORD
from ledger.core.merkle import verify_inclusion
from ledger.review.alcoa.tables import assessment
from ledger.sources import tables as t
from ledger.store import schema
from ledger.store.position import index_of, pos_of
from ledger.store.reading import LogReader, VaultReader, body_of

MOST_SOURCES = 500


def measured(connection: Connection, log: int, size: int) -> tuple[Retrieved, ...]:
    """Fetches the last record of the oldest and of the newest run of each source that brought some."""
    reader = LogReader(connection, log)
    root = reader.root(size)
    return tuple(_retrieve(reader, size, root, source, index) for source, index in _sample(connection, log, size))


def newest(connection: Connection, log: int, size: int) -> dict[str, list[Retrieved]]:
    """What was measured last below a size, by source."""
    row = assessment.c
    mine = row.pos.between(pos_of(log, 0), pos_of(log, size) - 1)
    # Such an entry judges nothing: it ends where it began.
    found = connection.scalar(select(func.max(row.pos)).where(mine, row.low == row.size))
    by_source: dict[str, list[Retrieved]] = {}
    if found is None:
        return by_source
    for one in body_of(LogReader(connection, log).entry(index_of(found)), ASSESSMENT, Assessment).retrieval:
        by_source.setdefault(one.source, []).append(one)
    return by_source


def _sample(connection: Connection, log: int, size: int) -> Iterator[tuple[str, int]]:
    run, row = t.collection_run.c, schema.record.c
    mine = run.pos.between(pos_of(log, 0), pos_of(log, size) - 1)
    ends = select(run.source, func.min(run.pos), func.max(run.pos)).where(mine, run.records > 0)
    for source, *places in connection.execute(ends.group_by(run.source).order_by(run.source).limit(MOST_SOURCES)).all():
        for place in sorted(set(places)):
            # A run's entry comes after its records.
            last = connection.scalar(
                select(row.pos)
                .where(row.pos.between(pos_of(log, 0), place), row.source == source)
                .order_by(row.pos.desc())
                .limit(1)
            )
            if last is not None:
                yield source, index_of(last)


def _retrieve(reader: LogReader, size: int, root: bytes, source: str, index: int) -> Retrieved:
    begun = time.perf_counter()
    opened = True
    try:
        stored, proof = reader.entry(index), reader.inclusion(index, size)
        VaultReader(reader.connection).original(reader.log, index)
        if stored.body is not None:
            # From here on nothing is asked of the ledger any more.
            verify_inclusion(index, size, leaf_hash(stored.leaf), proof, root)
            committed = decode_leaf(stored.leaf).body
            opened = b64(body_commitment(stored.salt or b"", stored.body)) == committed
            RECORD.decode(stored.body)
    except (LedgerError, msgspec.DecodeError):
        opened = False
    milliseconds = round((time.perf_counter() - begun) * 1000)
    return Retrieved(source=source, index=index, milliseconds=milliseconds, opened=opened)
