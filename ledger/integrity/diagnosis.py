"""Level 1, entry by entry: which entry of a range that does not hold is the first bad one, and why.

Runs only over a range that `chain` found wrong, with the plain functions of the core.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection

from ledger.core.clock import parse_utc
from ledger.core.entry import Entry, LeafData, decode_leaf
from ledger.core.errors import LedgerError, SchemaViolation
from ledger.core.hashing import b64, body_commitment, leaf_hash
from ledger.core.kinds import KindRegistry
from ledger.core.retention import RetentionClass
from ledger.core.time_epoch import goes_back
from ledger.integrity.chain import MarkDiffers, read_marks
from ledger.integrity.columns import COLUMNS
from ledger.integrity.compare import first_difference
from ledger.integrity.edge import Edge, TileDiffers, Tree
from ledger.integrity.fault import Fault, first
from ledger.integrity.streams import DRIVER_ERRORS
from ledger.store import schema
from ledger.store.bulk import Bulk
from ledger.store.gone import Gone
from ledger.store.position import index_of, pos_of
from ledger.store.projections import Live, Rows
from ledger.store.reading import LogReader

Stored = tuple[int, Any, Any, Any]
"""`(pos, leaf data, salt, body)` as the driver gives it."""


class Diagnosis:
    """Looks at the range after an edge that holds. `columns`: the search columns were checked too."""

    def __init__(self, connection: Connection, log: int, kinds: KindRegistry, live: Live, columns: bool) -> None:
        self._connection = connection
        self._bulk = Bulk(connection)
        self._gone = Gone()
        self._log = log
        self._kinds = kinds
        self._live = live
        self._columns = columns

    def first_fault(self, edge: Edge, high: int) -> Fault | None:
        """The first bad entry; None if entry by entry everything holds (two forms of one value looked different)."""
        rows = {index_of(row[0]): row for row in LogReader(self._connection, self._log).rows(edge.size, high)}
        found: list[Fault | None] = [self._first_entry(edge, high, rows), self._first_tile(edge, high, rows)]
        if found == [None, None]:
            found = [self._first_mark(edge, high, rows)]
        if found == [None] and self._columns:
            found += self._column_faults(edge.size, high, rows)
        return first(found)

    def _fault(self, index: int, table: str, column: str, what: str) -> Fault:
        return Fault(log=self._log, index=index, table=table, column=column, what=what)

    def _first_entry(self, edge: Edge, high: int, rows: dict[int, Stored]) -> Fault | None:
        prev, logged = edge.leaf_hash, edge.logged_at.decode()
        for index in range(edge.size, high):
            row = rows.get(index)
            if row is None:
                return self._fault(index, "leaf", "", "the entry is missing")
            _, data, salt, body = row
            if not isinstance(data, bytes):
                return self._fault(index, "leaf", "data", "not bytes")
            try:
                leaf = decode_leaf(data)
                parse_utc(leaf.logged_at)
            except LedgerError as error:
                return self._fault(index, "leaf", "data", error.message)
            if leaf.index != index:
                return self._fault(index, "leaf", "data", f"holds the leaf of entry {leaf.index}")
            if leaf.prev != b64(prev):
                # Which of the two was altered: the one that its own successor doesn't vouch for.
                culprit = index - 1 if self._vouched(index, data, rows.get(index + 1)) else index
                return self._fault(culprit, "leaf", "data", "the chain of leaf hashes breaks here")
            if leaf.logged_at < logged and not goes_back(leaf.kind, body, index, prev, logged, leaf.logged_at):
                return self._fault(index, "leaf", "data", "logged before the entry before it")
            fault = self._body_fault(index, leaf, leaf_hash(data), salt, body)
            if fault is not None:
                return fault
            prev, logged = leaf_hash(data), leaf.logged_at
        return None

    def _vouched(self, index: int, data: bytes, after: Stored | None) -> bool:
        """Whether what follows this leaf names its hash: the next leaf, or the head for the last one."""
        hashed = leaf_hash(data)
        if after is None:
            heads = self._bulk.all("SELECT leaf_hash FROM head WHERE log = ?", (self._log,))
            return any(row[0] == hashed for row in heads)
        try:
            return decode_leaf(after[1]).prev == b64(hashed)
        except (LedgerError, TypeError):
            return False

    def _body_fault(self, index: int, leaf: LeafData, hashed: bytes, salt: Any, body: Any) -> Fault | None:
        if (
            body is None
            and self._kinds[leaf.kind].retention is not RetentionClass.PERMANENT
            and self._gone.names(self._connection, pos_of(self._log, index), hashed)
        ):
            return None
        if body is None or salt is None:
            return self._fault(index, "body", "", "the body is missing, and no entry says that it was disposed of")
        if not isinstance(salt, bytes) or len(salt) != 32:
            return self._fault(index, "body", "salt", "not 32 bytes")
        if not isinstance(body, bytes) or b64(body_commitment(salt, body)) != leaf.body:
            return self._fault(index, "body", "body", "body and salt are not those that the leaf commits to")
        return None

    def _first_tile(self, edge: Edge, high: int, rows: dict[int, Stored]) -> Fault | None:
        tree = Tree(self._connection, self._log, edge)
        try:
            for index in range(edge.size, high):
                if index not in rows or not isinstance(rows[index][1], bytes):
                    return None
                tree.add((leaf_hash(rows[index][1]),))
        except TileDiffers as differs:
            return self._fault(differs.index, "tile", "hashes", differs.message)
        return None

    def _first_mark(self, edge: Edge, high: int, rows: dict[int, Stored]) -> Fault | None:
        try:
            marks = read_marks(self._bulk, self._log, edge.size + 1, high)
        except MarkDiffers as differs:
            return self._fault(differs.size - 1, differs.table, differs.column, differs.message)
        frontier, at = edge.frontier(), edge.size
        for size, table, column, root in marks:
            frontier.extend(leaf_hash(rows[index][1]) for index in range(at, size))
            at = size
            if frontier.root() != root:
                return self._fault(size - 1, table, column, f"its root for size {size} is not that of the entries")
        return None

    def _column_faults(self, low: int, high: int, rows: dict[int, Stored]) -> Iterator[Fault]:
        given: Rows = {}
        for index, (_, data, _, body) in rows.items():
            leaf = decode_leaf(data)
            if leaf.kind == "record" and body is not None:
                logged_us = parse_utc(leaf.logged_at)
                try:
                    decoded = self._kinds[leaf.kind].decode(body)
                except SchemaViolation as error:
                    yield self._fault(index, "body", "body", error.message)
                    return
                entry = Entry(log=self._log, index=index, kind=leaf.kind, logged_us=logged_us, body=decoded)
                self._live.project(entry, given, [])
        table = schema.record.name
        places = [list(schema.record.c.keys()).index(column) for column in COLUMNS]
        expected = [tuple(row[place] for place in places) for row in given.get(table, [])]
        try:
            stored = self._bulk.all(
                f"SELECT {', '.join(COLUMNS)} FROM {table} WHERE pos >= ? AND pos < ?",
                (pos_of(self._log, low), pos_of(self._log, high)),
            )
        except DRIVER_ERRORS as error:
            yield self._fault(low, table, "", f"cannot be read: {error}")
            return
        difference = first_difference(COLUMNS, "pos", expected, stored)
        if difference is not None:
            yield self._fault(index_of(difference.pos), table, difference.column, difference.what)
