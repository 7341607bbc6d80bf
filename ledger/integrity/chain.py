"""Level 1, the hot path: stored bytes → commitments → leaf data → leaf hashes → chain → tree → roots.

Bodies are taken as bytes here: that they are canonical JSON of their schema is level 2's to show, which decodes them.

Ranges of entries go through in bulk. Where anything of a range does not hold, `diagnosis` looks at it entry by entry
and names the first that is bad.
"""

from binascii import b2a_base64
from collections.abc import Sequence
from hashlib import sha256

from sqlalchemy import Connection

from ledger.core.checkpoint import MAX_SIZE, Checkpoint
from ledger.core.clock import parse_utc
from ledger.core.errors import ChainBroken, IntegrityError, MalformedNote
from ledger.core.hashing import BODY, HASH_SIZE, LEAF
from ledger.core.kinds import KIND_NAMES
from ledger.core.note import parse_note
from ledger.integrity.columns import RecordColumns
from ledger.integrity.edge import Edge, Tree
from ledger.store.bulk import Bulk
from ledger.store.position import pos_of
from ledger.store.reading import LogReader

RANGE = 256
"""Entries that go through at once: a tile's, and few enough to stay in a processor's cache."""

_KINDS = frozenset(name.encode() for name in KIND_NAMES)
_LEAF = b'{"body":"%b","index":%d,"kind":"%b","logged_at":"%b","prev":"%b","v":1}'
# Where kind and time stand in a canonical leaf, besides the digits of its index: before them, and from the end.
_BEFORE_KIND, _AFTER_KIND, _TIME, _AFTER_TIME = 72, -104, -89, -62


class MarkDiffers(IntegrityError):
    """A checkpoint or an intent whose root is not that of the tree at its size."""

    def __init__(self, table: str, column: str, size: int, what: str) -> None:
        super().__init__(what)
        self.table = table
        self.column = column
        self.size = size


class Chain:
    """Verifies the entries of one log from an edge on; `columns` adds the check of the records' search columns."""

    def __init__(self, connection: Connection, log: int, edge: Edge, columns: RecordColumns | None) -> None:
        self._bulk = Bulk(connection)
        self._reader = LogReader(connection, log)
        self._log = log
        self._columns = columns
        self._tree = Tree(connection, log, edge)
        self.edge = edge
        self._next_mark = self._mark_after(edge.size)

    def run(self, high: int) -> None:
        """Goes on to the entry before `high`, at most RANGE entries; then `edge` stands there.

        Raises whatever shows that something of the range does not hold; `edge` then still stands before it. Raises
        ColumnsDiffer, with `edge` after the range, where only the search columns don't seem to fit.
        """
        low = self.edge.size
        rows = self._reader.rows(low, high)
        first = pos_of(self._log, low)
        if len(rows) != high - low or rows[0][0] != first or rows[-1][0] != first + high - low - 1:
            raise ChainBroken("entries are missing")
        _, leaves, salts, bodies = (list(column) for column in zip(*rows, strict=True))
        commitments = [
            b2a_base64(sha256(BODY + salt + body).digest(), newline=False)
            for salt, body in zip(salts, bodies, strict=True)
        ]
        if set(map(len, salts)) != {HASH_SIZE}:
            raise ChainBroken("a salt is not of 32 bytes")
        hashes = [sha256(LEAF + leaf).digest() for leaf in leaves]
        kinds, times = self._check_leaves(low, leaves, commitments, hashes)
        self._check_times(times)
        self._tree.add(hashes)
        self._check_marks(low, high, hashes)
        self.edge = Edge(size=high, leaf_hash=hashes[-1], logged_at=times[-1], partial=self._tree.partial())
        if self._columns is not None:
            places = [at for at, kind in enumerate(kinds) if kind == b"record"]
            self._columns.check(low, high, [low + at for at in places], [bodies[at] for at in places])

    def _check_leaves(
        self, low: int, leaves: Sequence[bytes], commitments: Sequence[bytes], hashes: Sequence[bytes]
    ) -> tuple[list[bytes], list[bytes]]:
        """Each leaf equals the one canonical text of its commitment, index, predecessor, and its own kind and time."""
        kinds = self._kinds(low, leaves)
        times = [leaf[_TIME:_AFTER_TIME] for leaf in leaves]
        before = [self.edge.leaf_hash, *hashes[:-1]]
        prevs = [b2a_base64(one, newline=False) for one in before]
        made = list(map(_LEAF.__mod__, zip(commitments, range(low, low + len(leaves)), kinds, times, prevs)))  # noqa: B905
        if made != leaves or not _KINDS.issuperset(kinds):
            raise ChainBroken("a leaf is not the one that its body and its predecessor give")
        return kinds, times

    def _kinds(self, low: int, leaves: Sequence[bytes]) -> list[bytes]:
        digits, more = len(str(low)), len(str(low + len(leaves) - 1))
        if digits == more:
            return [leaf[_BEFORE_KIND + digits : _AFTER_KIND] for leaf in leaves]
        return [leaf[_BEFORE_KIND + len(str(index)) : _AFTER_KIND] for index, leaf in enumerate(leaves, low)]

    def _check_times(self, times: list[bytes]) -> None:
        """Every time is of the one form (which sorts as it reads), and none is before the one before it."""
        for time in dict.fromkeys(times):
            parse_utc(time.decode())
        if times[0] < self.edge.logged_at or times != sorted(times):
            raise ChainBroken("an entry was logged before the one before it")

    def _check_marks(self, low: int, high: int, hashes: Sequence[bytes]) -> None:
        """Root at every size that an intent or a checkpoint names."""
        if high < self._next_mark:
            return
        marks = read_marks(self._bulk, self._log, low + 1, high)
        self._next_mark = self._mark_after(high)
        frontier, at = self.edge.frontier(), low
        for size, table, column, root in marks:
            frontier.extend(hashes[at - low : size - low])
            at = size
            if root != frontier.root():
                raise MarkDiffers(table, column, size, f"the root for size {size} is not that of the entries")

    def _mark_after(self, size: int) -> int:
        """The next size that an intent or a checkpoint names."""
        found = [
            row[0]
            for name in ("checkpoint_intent", "checkpoint")
            for row in self._bulk.all(f"SELECT min(size) FROM {name} WHERE log = ? AND size > ?", (self._log, size))
        ]
        return min((one for one in found if one is not None), default=MAX_SIZE)


def read_marks(bulk: Bulk, log: int, low: int, high: int) -> list[tuple[int, str, str, bytes]]:
    """`(size, table, column, root)` of the intents and checkpoints of sizes from `low` to `high`, by size.

    Raises MarkDiffers for a checkpoint that is not one, or of another size than its row.
    """
    values = (log, low, high)
    where = "WHERE log = ? AND size >= ? AND size <= ?"
    marks = [
        (size, "checkpoint_intent", "root", root)
        for size, root in bulk.all(f"SELECT size, root FROM checkpoint_intent {where}", values)
    ]
    for size, note in bulk.all(f"SELECT size, note FROM checkpoint {where}", values):
        try:
            checkpoint = Checkpoint.parse(parse_note(note).text)
        except (MalformedNote, AttributeError, TypeError) as error:
            raise MarkDiffers("checkpoint", "note", size, f"not a checkpoint: {error}") from None
        if checkpoint.size != size:
            raise MarkDiffers("checkpoint", "size", size, f"holds the checkpoint of size {checkpoint.size}")
        marks.append((size, "checkpoint", "note", checkpoint.root))
    return sorted(marks)
