"""What is signed: entries of a log, found by index or by a query, as the target of a signature."""

from array import array
from collections.abc import Iterable, Iterator

import msgspec
from sqlalchemy import Connection

from ledger.core.address import LogId
from ledger.core.entry import decode_leaf
from ledger.core.errors import Conflict, NotFound, SchemaViolation
from ledger.core.hashing import b64, leaf_hash
from ledger.core.members import Members
from ledger.core.signature import MAX_ENTRIES, MAX_SET, Target, TargetSort, target_root
from ledger.store.logs import SYSTEM_LOG
from ledger.store.question import Query
from ledger.store.reading import LogReader, StoredEntry
from ledger.store.search import MAX_PAGE, search
from ledger.store.store import Store


def population(connection: Connection, log: int, size: int, query: Query) -> Members:
    """All entries that a query finds as of a size; raises SchemaViolation for more than can be signed."""
    found = array("q")
    before: int | None = None
    while True:
        page = search(connection, log, size, query, before, MAX_PAGE)
        found.extend(page.indices)
        if len(found) > MAX_SET:
            raise SchemaViolation(
                f"the query finds more than {MAX_SET} records: so many cannot be one set",
                advice="Narrow it, and open several requests.",
            )
        if page.next_before is None:
            return Members.of(reversed(found))
        before = page.next_before


def target_of(
    reader: LogReader, log: LogId, chosen: Members, size: int, title: str, whole: bool, listed: int = MAX_ENTRIES
) -> Target:
    """The target of these entries as of a size; raises NotFound for one that is not there, SchemaViolation for none.

    `whole`: they are all that a query found. Above `listed` of them they are a set: fixed by its Merkle root alone.
    """
    most = MAX_ENTRIES if log.number == SYSTEM_LOG else MAX_SET
    if not 0 < len(chosen) <= most:
        raise SchemaViolation(
            f"a request is about 1 to {most} entries of log {log.name}, not {len(chosen)}",
            advice="Choose fewer, and open several requests.",
        )
    if chosen.last >= size:
        raise NotFound(f"log {log.name} has {size} entries: there is no entry {chosen.last} yet")
    single = TargetSort.DOCUMENT if log.number == SYSTEM_LOG else TargetSort.ENTRIES
    return fixed(
        reader,
        log,
        chosen,
        sort=TargetSort.RECORD_SET if whole else single,
        name=title,
        version=f"as of {size} entries",
        by_root=len(chosen) > listed,
    )


def fixed(
    reader: LogReader, log: LogId, chosen: Members, *, sort: TargetSort, name: str, version: str, by_root: bool
) -> Target:
    """These entries as one thing to sign: listed with their hashes, or told by runs and fixed `by_root`.

    Raises SchemaViolation for a set that lies so scattered that its runs are no text that an entry holds.
    """
    hashes = map(leaf_hash, reader.leaves(chosen))
    leaves = [] if by_root else list(hashes)
    target = Target(
        sort=sort,
        id=name,
        version=version,
        origin=log.origin,
        count=len(chosen),
        root=target_root(hashes if by_root else leaves),
        entries=() if by_root else tuple(chosen),
        leaves=tuple(map(b64, leaves)),
        runs=chosen.text if by_root else None,
    )
    try:
        return msgspec.convert(msgspec.to_builtins(target), Target)
    except msgspec.ValidationError as error:
        raise SchemaViolation(f"what is to be signed cannot be so: {error}", advice="Choose fewer entries.") from None


def bodies_of(store: Store, reader: LogReader, chosen: Iterable[int]) -> Iterator[tuple[int, msgspec.Struct]]:
    """The decoded bodies of these entries, one after the other; raises Conflict at one that was disposed of."""
    for stored in reader.chosen(chosen):
        yield stored.index, decoded(store, stored)


def decoded(store: Store, stored: StoredEntry) -> msgspec.Struct:
    """The body of a stored entry; raises Conflict for one that was disposed of."""
    if stored.body is None:
        raise Conflict(f"entry {stored.index} was disposed of: there is nothing left of it to sign")
    body: msgspec.Struct = store.kinds[decode_leaf(stored.leaf).kind].decode(stored.body)
    return body


def body_of(store: Store, reader: LogReader, index: int) -> msgspec.Struct:
    """The decoded body of an entry; raises Conflict for one that was disposed of."""
    return next(bodies_of(store, reader, (index,)))[1]
