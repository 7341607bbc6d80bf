"""The records of objects, on either database: SQLite finds them by exact tokens of its full-text index."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from sqlalchemy import Connection

from ledger.core.tokens import exact
from ledger.store.bulk import Bulk
from ledger.store.changes import Thing
from ledger.store.engine import is_sqlite
from ledger.store.position import pos_of

AT_ONCE: Final = 25
"""Objects of one statement."""


def records_of(connection: Connection, log: int, size: int, things: Iterable[Thing]) -> Iterator[tuple[Thing, int]]:
    """The places of the records of each of these objects, as of a size of the log; in no order."""
    bulk, sqlite, span = Bulk(connection), is_sqlite(connection), (pos_of(log, 0), pos_of(log, size))
    source = iter(dict.fromkeys(things))
    while some := list(islice(source, AT_ONCE)):
        named = ", ".join(["(?, ?, ?)"] * len(some))
        values = [part for thing in some for part in thing]
        sql = (
            "SELECT source, object_type, object_id, pos FROM record WHERE pos >= ? AND pos < ?"
            f" AND (source, object_type, object_id) IN (VALUES {named})"
        )
        given = (*span, *values)
        if sqlite:
            match = " OR ".join(dict.fromkeys(f'"{exact("object_id", thing.id)}"' for thing in some))
            sql += " AND pos IN (SELECT rowid FROM record_fts WHERE record_fts MATCH ? AND rowid >= ? AND rowid < ?)"
            given = (*given, match, *span)
        for from_, type_, id_, pos in bulk.all(sql, given):
            yield Thing(from_, type_, id_), pos
