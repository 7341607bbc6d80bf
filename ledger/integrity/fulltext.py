"""Level 2 of the full text: SQLite's FTS5 index holds exactly the tokens of the rows, and finds each by each.

FTS5's own integrity check is not used: it takes the write lock for its whole run, compares checksums that can be
forged, and names no row. (PostgreSQL keeps its index itself, out of reach of SQL.)
"""

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Connection

from ledger.integrity.fault import Fault
from ledger.integrity.streams import DRIVER_ERRORS
from ledger.store.engine import is_sqlite
from ledger.store.key_index import doubled
from ledger.store.position import index_of, log_of
from ledger.store.vocabulary import vocabulary

_ROWS = 1000
# The words that the index holds for each row, beside those of the row. (The sort is the database's, in a file.)
_INDEXED = """
    SELECT indexed.doc, indexed.words, {table}.tokens FROM (
        SELECT doc, group_concat(term, ' ') AS words FROM temp.words_instance GROUP BY doc
    ) AS indexed LEFT JOIN {table} ON {table}.pos = indexed.doc
"""
_MISSING = """
    SELECT min(pos) FROM {table} WHERE tokens <> '' AND pos NOT IN (SELECT doc FROM temp.words_instance)
"""
_TERMS = "SELECT term, doc FROM temp.words_row"


def full_text_fault(connection: Connection, table: str, pulse: Callable[[int], None]) -> Fault | None:
    """The first entry whose tokens the index of this table does not hold, or cannot find."""
    if not is_sqlite(connection):
        return None
    raw: Any = connection.connection.driver_connection
    with vocabulary(raw, f"{table}_fts", "instance", "row"):
        try:
            return _first_difference(raw, table, pulse) or _doubled(connection, table)
        except DRIVER_ERRORS as error:
            return Fault(log=0, index=0, table=f"{table}_fts", what=f"the full-text index cannot be read: {error}")


def _first_difference(raw: Any, table: str, pulse: Callable[[int], None]) -> Fault | None:
    indexed = 0
    for rows in _pages(raw.execute(_INDEXED.format(table=table))):
        indexed += len(rows)
        for pos, words, tokens in rows:
            if tokens is None or set(words.split(" ")) != set(tokens.split(" ")):
                return _fault(table, pos, "the full-text index holds other words than the row")
        pulse(0)
    ((due,),) = raw.execute(f"SELECT count(*) FROM {table} WHERE tokens <> ''").fetchall()
    if indexed != due:
        ((pos,),) = raw.execute(_MISSING.format(table=table)).fetchall()
        return _fault(table, pos, "the full-text index lacks the row")
    find = f"SELECT count(*) FROM {table}_fts WHERE {table}_fts MATCH ?"
    for rows in _pages(raw.execute(_TERMS)):
        for term, documents in rows:
            ((found,),) = raw.execute(find, (f'"{term}"',)).fetchall()
            if found != documents:
                pos = _first_with(raw, term)
                return _fault(table, pos, f"the full-text index finds {found} of {documents} rows with {term!r}")
        pulse(0)
    return None


def _doubled(connection: Connection, table: str) -> Fault | None:
    """The first record that a log holds twice: someone took it out of the index for as long as it took to append."""
    pair = doubled(connection, f"{table}_fts")
    if pair is None:
        return None
    return _fault(table, pair[1], f"the record is that of entry {index_of(pair[0])}: the log holds it twice")


def _first_with(raw: Any, term: str) -> int:
    ((pos,),) = raw.execute("SELECT min(doc) FROM temp.words_instance WHERE term = ?", (term,)).fetchall()
    return int(pos)


def _fault(table: str, pos: int, what: str) -> Fault:
    return Fault(log=log_of(pos), index=index_of(pos), table=f"{table}_fts", column="tokens", what=what)


def _pages(cursor: Any) -> Iterator[list[tuple[Any, ...]]]:
    while rows := cursor.fetchmany(_ROWS):
        yield rows
