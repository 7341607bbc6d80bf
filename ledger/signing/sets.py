"""What is signed: entries of a log, found by index or by a query, as the target of a signature."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection

from ledger.core.address import LogId
from ledger.core.entry import decode_leaf
from ledger.core.errors import Conflict, NotFound, SchemaViolation
from ledger.core.hashing import b64, leaf_hash
from ledger.core.signature import MAX_ENTRIES, Target, TargetSort, target_root
from ledger.store.logs import SYSTEM_LOG
from ledger.store.reading import LogReader
from ledger.store.search import MAX_PAGE, Query, search
from ledger.store.store import Store


def population(connection: Connection, log: int, size: int, query: Query) -> list[int]:
    """All entries that a query finds as of a size, in order; raises SchemaViolation for more than can be listed."""
    found: list[int] = []
    before: int | None = None
    while True:
        page = search(connection, log, size, query, before, MAX_PAGE)
        found += page.indices
        if len(found) > MAX_ENTRIES:
            raise SchemaViolation(
                f"the query finds more than {MAX_ENTRIES} records: so many cannot be opened and listed one by one",
                advice="Narrow it, and open several requests.",
            )
        if page.next_before is None:
            return sorted(found)
        before = page.next_before


def target_of(reader: LogReader, log: LogId, indices: Sequence[int], size: int, title: str, whole: bool) -> Target:
    """The target of these entries as of a size; raises NotFound for one that is not there, SchemaViolation for none.

    `whole`: they are all that a query found.
    """
    if not indices or len(indices) > MAX_ENTRIES:
        raise SchemaViolation(
            f"a request is about 1 to {MAX_ENTRIES} entries, not {len(indices)}",
            advice="Each is listed in what is signed.",
        )
    if indices[0] < 0 or indices[-1] >= size:
        raise NotFound(f"log {log.name} has {size} entries: there is no entry {indices[-1]} yet")
    leaves = [leaf_hash(reader.entry(index).leaf) for index in indices]
    single = TargetSort.DOCUMENT if log.number == SYSTEM_LOG else TargetSort.ENTRIES
    return Target(
        sort=TargetSort.RECORD_SET if whole else single,
        id=title,
        version=f"as of {size} entries",
        origin=log.origin,
        count=len(indices),
        root=target_root(leaves),
        entries=tuple(indices),
        leaves=tuple(b64(leaf) for leaf in leaves),
    )


def body_of(store: Store, reader: LogReader, index: int) -> msgspec.Struct:
    """The decoded body of an entry; raises Conflict for one that was disposed of."""
    stored = reader.entry(index)
    if stored.body is None:
        raise Conflict(f"entry {index} was disposed of: there is nothing left of it to sign")
    return store.kinds[decode_leaf(stored.leaf).kind].decode(stored.body)
