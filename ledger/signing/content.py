"""Whether what a request is about is still what it was: told from the log, so that a signed record shows as unsigned.

A record has changed once its source gave it again with other content; an entry of Trailseal's own once a later one took
its place; a set once its query finds another one. What was signed stays valid for the old version.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import msgspec
from sqlalchemy import Connection, select

from ledger.core.address import Address, LogId
from ledger.core.clock import parse_utc
from ledger.core.entry import Entry, decode_leaf
from ledger.core.errors import SchemaViolation
from ledger.core.members import Members
from ledger.core.signature import MAX_ENTRIES, members
from ledger.core.workflow import Changed, RequestEntry
from ledger.findings.kinds import Finding, FindingSort
from ledger.findings.tables import finding
from ledger.signing.performers import Performers, performers_of
from ledger.signing.sets import bodies_of, body_of, population
from ledger.store import schema
from ledger.store.logs import SYSTEM_LOG, choose, read_logs
from ledger.store.position import index_of, pos_of
from ledger.store.question import Query
from ledger.store.reading import LogReader
from ledger.store.store import Store


def changes(store: Store, connection: Connection, request: RequestEntry) -> tuple[Changed, ...]:
    """What has changed of a request's target since it was opened, as of this snapshot; empty: nothing.

    Of a query's population the first changes of each sort: as many as are ever listed.
    """
    log = choose(read_logs(connection), request.target.origin)
    reader, wanted = LogReader(connection, log.number), members(request.target)
    if request.population is not None:
        now = population_now(connection, log, request)
        replaced = dict(_replaced(store, reader, log, wanted))
        replacing = set(replaced.values())
        gone = (Changed(entry=_at(log, one)) for one in wanted if one not in now and one not in replaced)
        new = (Changed(by=_at(log, one)) for one in now if one not in wanted and one not in replacing)
        return (
            *(Changed(entry=_at(log, one), by=_at(log, replaced[one])) for one in sorted(replaced)),
            *islice(gone, MAX_ENTRIES),
            *islice(new, MAX_ENTRIES),
        )
    return tuple(Changed(entry=_at(log, old), by=_at(log, new)) for old, new in _replaced(store, reader, log, wanted))


def told(change: Changed) -> str:
    """A change as a sentence."""
    if change.entry is None:
        return f"entry {change.by} has joined the set"
    if change.by is None:
        return f"entry {change.entry} is no longer of the set"
    return f"entry {change.by} took the place of entry {change.entry}"


def population_now(connection: Connection, log: LogId, request: RequestEntry) -> Members:
    """What a request's query finds now; raises SchemaViolation for more than can be signed."""
    query = msgspec.json.decode(request.population or "{}", type=Query)
    return population(connection, log.number, LogReader(connection, log.number).head().size, query)


def performers_now(store: Store, connection: Connection, request: RequestEntry) -> Performers:
    """Who performed the work, as the identity map has it now."""
    log = choose(read_logs(connection), request.target.origin)
    reader = LogReader(connection, log.number)
    bodies = bodies_of(store, reader, members(request.target))
    return performers_of(connection, log.number, (body for _, body in bodies))


def _replaced(store: Store, reader: LogReader, log: LogId, entries: Members) -> Iterator[tuple[int, int]]:
    """Each of these entries that a later one took the place of, with that one."""
    if log.number == SYSTEM_LOG:
        yield from _superseded(store, reader, entries)
        return
    row = finding.c
    found = reader.connection.scalars(
        select(row.pos)
        .where(row.pos >= pos_of(log.number, entries.first), row.pos < pos_of(log.number + 1, 0))
        .where(row.sort == FindingSort.RECORD_CHANGED_AFTER_COLLECTION.value)
        .order_by(row.pos)
    ).all()
    later: dict[int, int] = {}
    for pos in found:
        body = body_of(store, reader, index_of(pos))
        if isinstance(body, Finding) and body.sort is FindingSort.RECORD_CHANGED_AFTER_COLLECTION:
            old, new = body.entries[0], body.entries[-1]
            if old in entries:
                later[old] = new
    yield from sorted(later.items())


def _superseded(store: Store, reader: LogReader, entries: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Of entries of Trailseal's own: those that opened a row of a table of validities which a later entry closed."""
    live = store.projections.read_live(reader.connection)
    for index in entries:
        stored = reader.entry(index)
        leaf, body = decode_leaf(stored.leaf), body_of(store, reader, index)
        entry = Entry(log=SYSTEM_LOG, index=index, kind=leaf.kind, logged_us=parse_utc(leaf.logged_at), body=body)
        closed = [
            closing
            for projector in live.validities
            if leaf.kind in projector.kinds
            for change in projector.changes(entry)
            if (closing := _closed_by(reader.connection, projector.table, change.key, index)) is not None
        ]
        if closed:
            yield index, min(closed)


def _closed_by(connection: Connection, table: str, key: str, index: int) -> int | None:
    row = schema.metadata.tables[table].c
    return connection.scalar(select(row.to_index).where(row.log == SYSTEM_LOG, row.key == key, row.from_index == index))


def _at(log: LogId, index: int) -> str:
    return str(Address(log.origin, index))


def renewed_entries(connection: Connection, request: RequestEntry, changed: Sequence[Changed]) -> Members:
    """What a new request over the changed content is about; empty where nothing is left, or too much."""
    log = choose(read_logs(connection), request.target.origin)
    if request.population is not None:
        try:
            return population_now(connection, log, request)
        except SchemaViolation:
            return Members()
    by = {_index(one.entry): _index(one.by) for one in changed if one.entry is not None and one.by is not None}
    entries = {_latest(by, index) for index in members(request.target)}
    return Members.of(sorted(entries))


def _latest(by: dict[int, int], index: int) -> int:
    while index in by:
        index = by[index]
    return index


def _index(address: str) -> int:
    return int(address.rpartition("#")[2])


def replaced_by(store: Store, connection: Connection, log: LogId, entries: Members) -> int | None:
    """The first entry that took the place of one of these; None where all of them stand."""
    return next((new for _, new in _replaced(store, LogReader(connection, log.number), log, entries)), None)
