"""Level 1, the hot path: stored bytes → commitments → leaf data → leaf hashes → chain → tree → roots.

Bodies are taken as bytes here: that they are canonical JSON of their schema is level 2's to show, which decodes them.

Ranges of entries go through in bulk. Where anything of a range does not hold, `diagnosis` looks at it entry by entry
and names the first that is bad.
"""

import re
from binascii import b2a_base64
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Self

from sqlalchemy import Connection

from ledger.core.checkpoint import MAX_SIZE, Checkpoint
from ledger.core.clock import parse_utc
from ledger.core.errors import ChainBroken, IntegrityError, MalformedNote
from ledger.core.hashing import BODY, HASH_SIZE, LEAF, b64, unb64
from ledger.core.kinds import KIND_NAMES
from ledger.core.note import parse_note
from ledger.core.time_epoch import goes_back
from ledger.integrity.ahead import ahead
from ledger.integrity.columns import RecordColumns
from ledger.integrity.edge import Edge, Tree
from ledger.store.bulk import Bulk
from ledger.store.engine import is_sqlite
from ledger.store.gone import Gone
from ledger.store.position import MAX_INDEX, pos_of
from ledger.store.right_edge import TILE

RANGE = 2048
"""Entries that are read and go through at once: so many that asking for them costs little beside them (of 256 a
quarter more of both sides on PostgreSQL), so few that level 2 needs more memory."""

_KINDS = frozenset(name.encode() for name in KIND_NAMES)
_LEAF = b'{"body":"%b","index":%d,"kind":"%b","prev":"%b","v":1}'
# Between index and predecessor stand kind and time: KIND","logged_at":"TIME. Entries of one commit share them.
_AFTER_INDEX, _BEFORE_PREV = 72, -62
_COMMITMENT = slice(9, 53)
_MIDDLE = re.compile(rb'([a-z-]+)","logged_at":"([^"]{27})')


class MarkDiffers(IntegrityError):
    """A checkpoint or an intent whose root is not that of the tree at its size."""

    def __init__(self, table: str, column: str, size: int, what: str) -> None:
        super().__init__(what)
        self.table = table
        self.column = column
        self.size = size


# SQLite joins in passing; PostgreSQL is spared a join that it could plan badly.
_JOINED = (
    "SELECT leaf.data, body.salt, body.body FROM leaf LEFT JOIN body ON body.pos = leaf.pos"
    " WHERE leaf.pos >= ? AND leaf.pos < ? ORDER BY leaf.pos"
)
_LEAVES = "SELECT data FROM leaf WHERE pos >= ? AND pos < ? ORDER BY pos"
_BODIES_AT = "SELECT pos, salt, body FROM body WHERE pos >= ? AND pos < ?"
_BODIES = "SELECT salt, body FROM body WHERE pos >= ? AND pos < ? ORDER BY pos"
# The tiles of level 0 that are full at the end of a range and were not at its beginning.
_TILES = (
    f"SELECT n, hashes FROM tile WHERE log = {{log}} AND level = 0"
    f" AND n >= (? & {MAX_INDEX}) / {TILE} AND n < (? & {MAX_INDEX}) / {TILE}"
)


class Chain:
    """Verifies the entries of one log from an edge on; `columns` adds the check of the records' search columns.

    Use it as a context; nothing else may use the connection meanwhile.
    """

    def __init__(self, connection: Connection, log: int, edge: Edge, high: int, columns: RecordColumns | None) -> None:
        self._connection = connection
        self._bulk = Bulk(connection)
        self._gone = Gone()
        self._log = log
        self._high = high
        self._columns = columns
        self._tree = Tree(connection, log, edge)
        self.edge = edge
        self._next_mark = self._mark_after(edge.size)
        self._entries = [_JOINED] if is_sqlite(connection) else [_LEAVES, _BODIES]
        statements = [*self._entries, _TILES.format(log=log)]
        if columns is not None:
            statements.append(columns.statement)
        self._ahead = ahead(connection, statements)

    def __enter__(self) -> Self:
        self._ahead.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._ahead.__exit__(*error)

    def range_end(self, low: int) -> int:
        """Where the range that begins at `low` ends."""
        return min(self._high, low + RANGE - low % RANGE)

    def run(self) -> None:
        """Goes on by one range; then `edge` stands at its end.

        Raises whatever shows that something of the range does not hold; `edge` then still stands before it. Raises
        ColumnsDiffer, with `edge` after the range, where only the search columns don't seem to fit.
        """
        low = self.edge.size
        high = self.range_end(low)
        first, until = pos_of(self._log, low), pos_of(self._log, high)
        following = (until, pos_of(self._log, self.range_end(high))) if high < self._high else None
        results = self._ahead.read((first, until), following)
        entries, (tiles, *more) = results[: len(self._entries)], results[len(self._entries) :]
        if len(entries[0]) != high - low:  # positions are unique
            raise ChainBroken("entries are missing")
        leaves = [row[0] for row in entries[0]]
        hashes = [sha256(LEAF + leaf).digest() for leaf in leaves]
        contents, gone = entries[-1], frozenset[int]()
        try:
            commitments = [b2a_base64(sha256(BODY + row[-2] + row[-1]).digest(), newline=False) for row in contents]
        except TypeError:
            commitments = []
        if len(commitments) != high - low:
            contents, gone = self._with_disposed(first, leaves, hashes)
            commitments = [
                leaf[_COMMITMENT]
                if at in gone
                else b2a_base64(sha256(BODY + contents[at][0] + contents[at][1]).digest(), newline=False)
                for at, leaf in enumerate(leaves)
            ]
        if set(map(len, [row[-2] for row in contents])) != {HASH_SIZE}:
            raise ChainBroken("a salt is not of 32 bytes")
        kinds, times = self._check_leaves(low, leaves, commitments, hashes)
        if any(kinds[at] != b"record" for at in gone):
            raise ChainBroken("an entry that is never disposed of has no body")
        self._check_times(low, hashes, kinds, times, [row[-1] for row in contents])
        self._tree.add(hashes, stored=dict(tiles))
        self._check_marks(low, high, hashes)
        self.edge = Edge(size=high, leaf_hash=hashes[-1], logged_at=times[-1], partial=self._tree.partial())
        if self._columns is not None:
            records = [at for at, kind in enumerate(kinds) if kind == b"record" and at not in gone]
            self._columns.check(more[0], [first + at for at in records], [contents[at][-1] for at in records])

    def _with_disposed(
        self, first: int, leaves: Sequence[bytes], hashes: Sequence[bytes]
    ) -> tuple[list[tuple[Any, ...]], frozenset[int]]:
        """Salts and bodies of a range from which some are gone (an empty body instead), and the places of those.

        Raises ChainBroken unless a disposal names each of them by its leaf hash.
        """
        until = first + len(leaves)
        stored = {row[0]: row[1:] for row in self._bulk.all(_BODIES_AT, (first, until))}
        named = self._gone.within(self._connection, first, until)
        gone = frozenset(at for at in range(len(leaves)) if first + at not in stored)
        for at in gone:
            known = named.get(first + at) == b64(hashes[at])
            if not known and not self._gone.names(self._connection, first + at, hashes[at]):
                raise ChainBroken("a body is missing that no entry disposed of")
            unb64(leaves[at][_COMMITMENT].decode(), HASH_SIZE)
        return [stored.get(first + at, (bytes(HASH_SIZE), b"")) for at in range(len(leaves))], gone

    def _check_leaves(
        self, low: int, leaves: Sequence[bytes], commitments: Sequence[bytes], hashes: Sequence[bytes]
    ) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
        """Each leaf equals the one canonical text of its commitment, index, predecessor, and its own kind and time."""
        digits, more = len(str(low)), len(str(low + len(leaves) - 1))
        if digits == more:
            middles = [leaf[_AFTER_INDEX + digits : _BEFORE_PREV] for leaf in leaves]
        else:
            middles = [leaf[_AFTER_INDEX + len(str(index)) : _BEFORE_PREV] for index, leaf in enumerate(leaves, low)]
        before = [self.edge.leaf_hash, *hashes[:-1]]
        prevs = [b2a_base64(one, newline=False) for one in before]
        made = list(map(_LEAF.__mod__, zip(commitments, range(low, low + len(leaves)), middles, prevs)))  # noqa: B905
        if made != leaves:
            raise ChainBroken("a leaf is not the one that its body and its predecessor give")
        parts = {middle: _kind_and_time(middle) for middle in set(middles)}
        kinds, times = zip(*[parts[middle] for middle in middles], strict=True)
        return kinds, times

    def _check_times(
        self,
        low: int,
        hashes: Sequence[bytes],
        kinds: Sequence[bytes],
        times: Sequence[bytes],
        bodies: Sequence[bytes],
    ) -> None:
        """No entry was logged before the one before it, but where it names that; times of the one form sort as they
        read.
        """
        if times[0] >= self.edge.logged_at and list(times) == sorted(times):
            return
        before, head_at = self.edge.leaf_hash, self.edge.logged_at
        for at, logged_at in enumerate(times):
            told = (kinds[at].decode(), bodies[at], low + at, before, head_at.decode(), logged_at.decode())
            if logged_at < head_at and not goes_back(*told):
                raise ChainBroken("an entry was logged before the one before it")
            before, head_at = hashes[at], logged_at

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


def _kind_and_time(middle: bytes) -> tuple[bytes, bytes]:
    """Kind and time of a leaf; raises unless the kind is known and the time of the one form."""
    match = _MIDDLE.fullmatch(middle)
    if match is None or match[1] not in _KINDS:
        raise ChainBroken("a leaf names no known kind")
    parse_utc(match[2].decode())
    return match[1], match[2]


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
