"""What no span of entries shows: rows that belong to no entry of any log, and tables that no level would look at."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Table

from ledger.core.kinds import KindRegistry
from ledger.core.tables import TableClass
from ledger.integrity.compare import first_difference
from ledger.integrity.entries import Unreadable, read_entries
from ledger.integrity.fault import Fault
from ledger.integrity.replay import facts_tables
from ledger.store import schema
from ledger.store.bulk import Bulk
from ledger.store.position import index_of, log_of, pos_of
from ledger.store.projections import Live
from ledger.store.reading import HeadRow, LogReader
from ledger.store.right_edge import TILE

_LEVEL_1 = frozenset({"leaf", "body", "tile", "checkpoint", "checkpoint_intent", "head"})
_VAULT = frozenset({"original", "sealed_value", "secret"})
_FIRST, _LAST = -(2**63), 2**63 - 1


def read_heads(connection: Connection) -> dict[int, HeadRow]:
    """The head of every log, by the log's number."""
    numbers = Bulk(connection).all("SELECT log FROM head ORDER BY log", ())
    return {number: LogReader(connection, number).head() for (number,) in numbers}


def structure_faults(connection: Connection, heads: Mapping[int, HeadRow]) -> Iterator[Fault]:
    """Level 1 beyond the entries: rows of log and body tables outside every log, and of tiles and signed sizes."""
    bulk = Bulk(connection)
    sizes = {log: head.size for log, head in heads.items()}
    for log, size in _headless(bulk, heads):
        sizes[log] = size
        yield Fault(log=log, index=size - 1, table="head", what="the log has entries, but no head")
    for name in ("leaf", "body"):
        yield from _outside(bulk, name, sizes)
    for log, head in heads.items():
        yield from _tiles(bulk, log, head.size)
        yield from _marks(bulk, log, head.size)
    for name in ("tile", "checkpoint", "checkpoint_intent"):
        yield from _unknown_logs(bulk, name, sizes)


def projection_faults(
    connection: Connection, heads: Mapping[int, HeadRow], kinds: KindRegistry, live: Live
) -> Iterator[Fault]:
    """Level 2 beyond the entries: the list of logs, rows outside every log, and tables without a projector."""
    bulk = Bulk(connection)
    covered = {*_LEVEL_1, *_VAULT, *facts_tables(live)}
    validities = [one.table for one in live.validities]
    sizes = {log: head.size for log, head in heads.items()} | dict(_headless(bulk, heads))
    for name in (*facts_tables(live), *sorted(_VAULT)):
        yield from _outside(bulk, name, sizes)
    for name in validities:
        covered.add(name)
        yield from _unknown_logs(bulk, name, sizes)
        yield from _beyond(bulk, name, heads)
    for name in (name for one in live.facts for name in one.tables):
        if name not in covered:
            covered.add(name)
            yield from _first_entries(connection, schema.metadata.tables[name], heads, kinds, live)
    for table in schema.metadata.sorted_tables:
        if table.info["class"] is not TableClass.OPERATIONAL and table.name not in covered:
            yield Fault(log=0, index=0, table=table.name, what="no live projector accounts for this table")


def _headless(bulk: Bulk, heads: Mapping[int, HeadRow]) -> Iterator[tuple[int, int]]:
    """Logs that have entries but no head, with the size that their last entry gives."""
    at = _FIRST
    while rows := bulk.all("SELECT pos FROM leaf WHERE pos >= ? ORDER BY pos LIMIT 1", (at,)):
        log = log_of(rows[0][0])
        if log >= 0 and log not in heads:
            ((last,),) = bulk.all("SELECT max(pos) FROM leaf WHERE pos < ?", (pos_of(log + 1, 0),))
            yield log, index_of(last) + 1
        at = pos_of(log + 1, 0)


def _outside(bulk: Bulk, name: str, sizes: Mapping[int, int]) -> Iterator[Fault]:
    """The first row in each gap between the logs' entries."""
    begins = [_FIRST, *(pos_of(log, size) for log, size in sorted(sizes.items()))]
    ends = [*(pos_of(log, 0) for log in sorted(sizes)), _LAST]
    query = f"SELECT min(pos) FROM {name} WHERE pos >= ? AND pos < ?"
    for pos in _each(bulk, [(query, gap) for gap in zip(begins, ends, strict=True)]):
        if pos is not None:
            yield Fault(log=log_of(pos), index=index_of(pos), table=name, what="there is a row beyond every log's head")


def _unknown_logs(bulk: Bulk, name: str, known: Collection[int]) -> Iterator[Fault]:
    for (log,) in bulk.all(f"SELECT DISTINCT log FROM {name}", ()):
        if log not in known:
            yield Fault(log=log, index=0, table=name, column="log", what="there is a row of a log that does not exist")


def _tiles(bulk: Bulk, log: int, size: int) -> Iterator[Fault]:
    """Tiles are stored full ones only, and each of them (which the entries compare) once."""
    for level, count, low, high in bulk.all(
        "SELECT level, count(*), min(n), max(n) FROM tile WHERE log = ? GROUP BY level ORDER BY level", (log,)
    ):
        due = size // TILE ** (level + 1) if 0 <= level < 8 else 0
        if count > due or low < 0 or high >= due:
            index = min(size - 1, high * TILE ** (level + 1)) if high >= due and level >= 0 else 0
            yield Fault(log=log, index=max(0, index), table="tile", what=f"there is a tile {level}/{high} too many")


def _marks(bulk: Bulk, log: int, size: int) -> Iterator[Fault]:
    """Signed sizes lie within the log; each was meant first; and all but the last intent led to a checkpoint."""
    for name in ("checkpoint_intent", "checkpoint"):
        for (mark,) in bulk.all(f"SELECT size FROM {name} WHERE log = ? AND (size < 1 OR size > ?)", (log, size)):
            what = f"size {mark} is beyond the log, which holds {size} entries"
            yield Fault(log=log, index=max(0, min(mark, size) - 1), table=name, column="size", what=what)
    for (mark,) in bulk.all(
        "SELECT size FROM checkpoint c WHERE log = ? AND NOT EXISTS"
        " (SELECT 1 FROM checkpoint_intent i WHERE i.log = c.log AND i.size = c.size) ORDER BY size LIMIT 1",
        (log,),
    ):
        yield Fault(log=log, index=mark - 1, table="checkpoint_intent", what=f"size {mark} was signed but never meant")
    # A crash may lie between the last intent and its checkpoint: the publisher then signs that very size and root.
    for (mark,) in bulk.all(
        "SELECT size FROM checkpoint_intent i WHERE log = ? AND NOT EXISTS"
        " (SELECT 1 FROM checkpoint c WHERE c.log = i.log AND c.size = i.size)"
        " AND size < (SELECT max(size) FROM checkpoint_intent j WHERE j.log = i.log) ORDER BY size LIMIT 1",
        (log,),
    ):
        yield Fault(log=log, index=mark - 1, table="checkpoint", what=f"the checkpoint of size {mark} is missing")


def _beyond(bulk: Bulk, name: str, heads: Mapping[int, HeadRow]) -> Iterator[Fault]:
    places = [(log, column) for log in heads for column in ("from_index", "to_index")]
    queries = [
        (
            f"SELECT {column} FROM {name} WHERE log = ? AND ({column} < 0 OR {column} >= ?) LIMIT 1",
            (log, heads[log].size),
        )
        for log, column in places
    ]
    for (log, column), index in zip(places, _each(bulk, queries), strict=True):
        if index is not None:
            yield Fault(log=log, index=index, table=name, column=column, what="names an entry that is not there")


def _each(bulk: Bulk, queries: Sequence[tuple[str, tuple[int, ...]]]) -> tuple[int | None, ...]:
    """The one value that each query gives, None where it gives none: asked in one round trip, as most give none."""
    if not queries:
        return ()
    asked = ", ".join(f"({query})" for query, _ in queries)
    return bulk.one(f"SELECT {asked}", tuple(chain.from_iterable(values for _, values in queries)))


def _first_entries(
    connection: Connection, table: Table, heads: Mapping[int, HeadRow], kinds: KindRegistry, live: Live
) -> Iterator[Fault]:
    """A facts table without a position has rows of entry 0 of each log only: one row a log, named by its number."""
    columns = [column.name for column in table.columns]
    expected: list[tuple[Any, ...]] = []
    for log, head in heads.items():
        if head.size:
            rows: dict[str, list[tuple[Any, ...]]] = {}
            try:
                for entry in read_entries(connection, log, 0, 1, kinds):
                    live.project(entry, rows, [])
            except Unreadable as error:
                yield Fault(log=log, index=0, table="body", what=error.message)
            expected += rows.get(table.name, [])
    stored_rows = Bulk(connection).all(f"SELECT {', '.join(columns)} FROM {table.name}", ())
    difference = first_difference(columns, columns[0], expected, stored_rows)
    if difference is not None:
        yield Fault(log=difference.pos, index=0, table=table.name, column=difference.column, what=difference.what)
