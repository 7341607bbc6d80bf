"""Everything of a log that does not hold, and the last checkpoint that does: what a case is opened on.

Level 1 is held entry by entry (`leaves`), so that one fault hides no other; level 2 goes on after each fault. Where a
suffix of the log was written anew, or is gone, that is told by the checkpoints and by what the signer signed last,
which stands outside of the database.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from ledger.core.address import LogId
from ledger.core.checkpoint import open_checkpoint
from ledger.core.errors import LedgerError
from ledger.core.kinds import KindRegistry
from ledger.core.members import Members, Spans
from ledger.core.merkle import Frontier, complete_root
from ledger.core.note import Verifier
from ledger.core.witness_policy import Quorum
from ledger.integrity.authority import authority_fault
from ledger.integrity.edge import Edge
from ledger.integrity.entries import Unreadable
from ledger.integrity.fault import Fault
from ledger.integrity.incidents.leaves import Leaves
from ledger.integrity.level1 import Pulse, head_fault
from ledger.integrity.replay import facts_tables, replay_span
from ledger.store import checkpoints
from ledger.store.bulk import Bulk
from ledger.store.position import index_of, pos_of
from ledger.store.projections import Live
from ledger.store.reading import HeadRow, LogReader
from ledger.store.right_edge import TILE
from ledger.trust.witness_tables import witnessed

BINDING: Final = "log_binding"
"""Where a fault is that tells of another log: the entry that vouches for that log is not what is damaged."""
WHOLE: Final = ("head", "")
"""Table and column of a fault of the log as a whole (it is older than what was signed): it names its last entry."""
MOST: Final = 500
"""Faults of level 2 that are told one by one; beyond them every entry up to the head counts as affected."""
WINDOW: Final = 128
"""Entries that are replayed at once after a fault, at least."""
MOST_AUTHORITY: Final = 25
"""The same, of entries whose authority does not hold."""


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """A size and root that were signed, by the signer's own state outside of the database or as another log has it."""

    size: int
    root: bytes


class Damage(msgspec.Struct, frozen=True, kw_only=True):
    """What does not hold of a log of `size` entries: `faults`, and every entry that they touch.

    `proven`, `root`: the last checkpoint that the log still continues; 0 where there is none. `witnessed`: the last of
    those that had its quorum of witnesses, with its root. `lost`: how many entries were signed for and are not there.
    `rewritten`: from there on the log is not what was signed, if it is not.
    """

    log: int
    size: int
    faults: tuple[Fault, ...]
    affected: Members
    proven: int
    root: bytes | None
    witnessed: tuple[int, bytes] | None = None
    lost: int = 0
    rewritten: int | None = None


def damage_of(
    connection: Connection,
    log: LogId,
    keys: Sequence[Verifier],
    signed: Sequence[Signed],
    kinds: KindRegistry,
    live: Live,
    known: Sequence[Fault] = (),
    pulse: Pulse = lambda _: None,
) -> Damage:
    """Looks through a whole log of this snapshot. `known`: faults that a verification named already.

    `signed`: what is known of the log from outside of its own tables. `pulse` is told of entries that were looked at;
    it raises to stop.
    """
    try:
        head = LogReader(connection, log.number).head()
    except LedgerError as error:
        head = HeadRow(size=_stored(connection, log.number), leaf_hash=b"", logged_us=0, frontier=b"")
        known = [*known, Fault(log=log.number, index=0, table="head", what=error.message)]
    tree = _Tree(connection, log, head, keys, signed)
    tree.walk(pulse)
    replayed, wide = _level_2(connection, log.number, head.size, kinds, live, pulse)
    faults = [*tree.faults, *replayed]
    spans = Spans()
    for fault in (*faults, *known):
        if fault.log == log.number and fault.table != BINDING and (fault.table, fault.column) != WHOLE:
            spans.add(fault.index, fault.index)
    for low, high in (*tree.spans, *wide, *_beyond(connection, log.number, head.size, live)):
        spans.add(low, high)
    lost = max(0, *(one.size - head.size for one in signed), 0)
    if lost:
        spans.add(head.size, head.size + lost - 1)
    if tree.rewritten is not None and tree.rewritten < head.size:
        spans.add(tree.rewritten, head.size - 1)
    return Damage(
        log=log.number,
        size=head.size,
        faults=tuple(sorted({(one.index, one.table): one for one in (*known, *faults)}.values(), key=_place)),
        affected=spans.members(),
        proven=tree.proven,
        root=tree.root,
        witnessed=tree.witnessed,
        lost=lost,
        rewritten=tree.rewritten,
    )


def _place(fault: Fault) -> tuple[int, int, str]:
    return fault.log, fault.index, fault.table


def _stored(connection: Connection, log: int) -> int:
    """How many entries a log without a head has, by its last leaf."""
    query = "SELECT max(pos) FROM leaf WHERE pos >= ? AND pos < ?"
    ((last,),) = Bulk(connection).all(query, (pos_of(log, 0), pos_of(log + 1, 0)))
    return 0 if last is None else index_of(last) + 1


class _Tree:
    """Level 1 and the checkpoints over the leaf hashes that the log vouches for."""

    def __init__(
        self, connection: Connection, log: LogId, head: HeadRow, keys: Sequence[Verifier], signed: Sequence[Signed]
    ) -> None:
        self._bulk = Bulk(connection)
        self._log = log
        self._head = head
        self._marks = _Marks(connection, log, keys, signed)
        self._leaves = Leaves(connection, log.number, head.size, head.leaf_hash)
        self._partial: list[list[bytes]] = []
        self.spans: list[tuple[int, int]] = []
        self.faults: list[Fault] = []
        self._full: list[int] = []
        self.proven = 0
        self.root: bytes | None = None
        self.witnessed: tuple[int, bytes] | None = None
        self.rewritten: int | None = None

    def walk(self, pulse: Pulse) -> None:
        """Goes over the log once."""
        frontier, last, size = Frontier(), b"", 0
        due = self._marks.sizes()
        following = next(due, None)
        for hashed in self._leaves.hashes():
            if hashed is None:
                break  # nothing says what stood here: no checkpoint beyond can be held to the entries
            frontier.extend((hashed,))
            self._add(0, hashed)
            last, size = hashed, size + 1
            if size % TILE == 0:
                pulse(TILE)
            if size == following:
                self._marks.judge(size, frontier.root())
                following = next(due, None)
        self.faults += self._leaves.faults
        if size == self._head.size:
            logged_at = self._leaves.logged_at.encode()
            partial = tuple(tuple(level) for level in self._partial)
            edge = Edge(size=size, leaf_hash=last, logged_at=logged_at, partial=partial)
            fault = head_fault(self._log.number, self._head, edge) if size else None
            self.faults += [] if fault is None else [fault]
        self.faults += self._marks.faults
        self.proven, self.root, self.rewritten = self._marks.proven, self._marks.root, self._marks.rewritten()
        self.witnessed = self._marks.witnessed

    def _add(self, level: int, hashed: bytes) -> None:
        """Puts a hash into its tile; one that fills up is compared with the stored one."""
        if level == len(self._partial):
            self._partial.append([])
            self._full.append(0)
        row = self._partial[level]
        row.append(hashed)
        if len(row) < TILE:
            return
        full, self._partial[level] = b"".join(row), []
        n = self._full[level]
        self._full[level] += 1
        query = "SELECT hashes FROM tile WHERE log = ? AND level = ? AND n = ?"
        rows = self._bulk.all(query, (self._log.number, level, n))
        stored, span = rows[0][0] if rows else None, TILE**level
        if not isinstance(stored, bytes) or len(stored) != len(full):
            self.spans.append((n * TILE * span, (n + 1) * TILE * span - 1))
            self._fault(n * TILE * span, "tile", "", f"tile {level}/{n} is missing")
        elif stored != full and level:  # of level 0 the leaves tell
            for at in range(TILE):
                if stored[at * 32 : at * 32 + 32] != full[at * 32 : at * 32 + 32]:
                    first = (n * TILE + at) * span
                    self.spans.append((first, first + span - 1))
                    self._fault(first, "tile", "hashes", f"tile {level}/{n} is not what the entries below it give")
        self._add(level + 1, complete_root(full))

    def _fault(self, index: int, table: str, column: str, what: str) -> None:
        self.faults.append(Fault(log=self._log.number, index=index, table=table, column=column, what=what))


class _Marks:
    """Sizes at which a root was signed, or meant to be: in the database, and in the signer's state beside it."""

    def __init__(self, connection: Connection, log: LogId, keys: Sequence[Verifier], signed: Sequence[Signed]) -> None:
        self._connection = connection
        self._log = log
        self._keys = keys
        self._signed = signed
        self._good: list[int] = []
        self._bad: dict[int, list[Fault]] = {}
        self.faults: list[Fault] = []
        self.proven = 0
        self.root: bytes | None = None
        row = witnessed.c
        met = select(row.size).where(row.origin == log.origin, row.state == Quorum.MET.value)
        self._met = frozenset(connection.scalars(met))
        self.witnessed: tuple[int, bytes] | None = None

    def sizes(self) -> Iterator[int]:
        """All sizes, in order."""
        query = (
            "SELECT size FROM checkpoint WHERE log = ? UNION SELECT size FROM checkpoint_intent WHERE log = ?"
            " ORDER BY size"
        )
        found = {row[0] for row in Bulk(self._connection).all(query, (self._log.number, self._log.number))}
        found.update(one.size for one in self._signed)
        yield from sorted(found)

    def judge(self, size: int, root: bytes) -> None:
        """Holds what was signed at a size to the root of the entries."""
        good, number = False, self._log.number
        bad: list[Fault] = []
        intents = "SELECT root FROM checkpoint_intent WHERE log = ? AND size = ?"
        for (meant,) in Bulk(self._connection).all(intents, (number, size)):
            good, bad = self._compared(good, bad, size, "checkpoint_intent", "root", meant == root)
        for stored in checkpoints.every(self._connection, number, size - 1):
            if stored.size > size:
                break
            try:
                same = open_checkpoint(stored.note, self._log.origin, self._keys).checkpoint
                holds = (same.size, same.root) == (size, root)
            except LedgerError:
                holds = False
            good, bad = self._compared(good, bad, size, "checkpoint", "note", holds)
            if holds:
                self.proven, self.root = size, root
                self.witnessed = (size, root) if size in self._met else self.witnessed
        for one in self._signed:
            if one.size == size:
                good, bad = self._compared(good, bad, size, "head", "", one.root == root)
        if good:
            self._good.append(size)
            self.faults += bad
        elif bad:
            self._bad[size] = bad

    def rewritten(self) -> int | None:
        """From which entry on the log is not the one that was signed; None where it is to its end.

        What was signed at one size alone is a damaged row, if the log continues a later checkpoint.
        """
        last = self._good[-1] if self._good else 0
        later = [size for size in self._bad if size > last]
        for faults in self._bad.values():
            self.faults += faults
        return last if later else None

    def _compared(
        self, good: bool, bad: list[Fault], size: int, table: str, column: str, holds: bool
    ) -> tuple[bool, list[Fault]]:
        if holds:
            return True, bad
        what = f"size {size} was signed with another root, or by no key of this log"
        return good, [*bad, self._fault(size, table, column, what)]

    def _fault(self, size: int, table: str, column: str, what: str) -> Fault:
        return Fault(log=self._log.number, index=max(0, size - 1), table=table, column=column, what=what)


def _level_2(
    connection: Connection, log: int, size: int, kinds: KindRegistry, live: Live, pulse: Pulse
) -> tuple[list[Fault], list[tuple[int, int]]]:
    """Entries whose projected rows, vault values or authority are not what the log gives; and where there were too many
    to tell one by one."""

    def replayed(low: int, high: int) -> Fault | None:
        return replay_span(connection, log, low, high, kinds, live, pulse)

    def allowed(low: int, high: int) -> Fault | None:
        return authority_fault(connection, log, low, high, kinds, pulse)

    found: list[Fault] = []
    spans: list[tuple[int, int]] = []
    # Each look at authority reads the whole system log.
    for most, check in ((MOST, replayed), (MOST_AUTHORITY, allowed)):
        faults, low = _each(log, size, most, check, WINDOW if check is replayed else size)
        found += faults
        spans += [] if low is None else [(low, max(low, size - 1))]
    return found, spans


def _each(
    log: int, size: int, most: int, check: Callable[[int, int], Fault | None], width: int
) -> tuple[list[Fault], int | None]:
    """Every fault that a check finds, and from which entry on there were too many.

    A check reads what stands beside its whole span: after a fault it goes on in a step as wide as faults lie apart, and
    in ever larger ones.
    """
    found: list[Fault] = []
    low, step, last = 0, size, 0
    while low < size:
        high = min(size, low + step)
        try:
            fault = check(low, high)
        except Unreadable as error:
            fault = Fault(log=log, index=error.index, table="body", what=error.message)
        except LedgerError as error:
            fault = Fault(log=log, index=max(0, size - 1), table=WHOLE[0], column=WHOLE[1], what=error.message)
            return [*found, fault], None
        if fault is None:
            low, step = high, step * 4
            continue
        found.append(fault)
        if fault.log != log or fault.index < low:
            return found, None  # the system log cannot be read: whose rights allowed anything cannot be told
        low, step, last = fault.index + 1, max(width, 2 * (fault.index - last)), fault.index
        if len(found) >= most:
            return found, low
    return found, None


def _beyond(connection: Connection, log: int, size: int, live: Live) -> Iterator[tuple[int, int]]:
    """Places after the head at which rows stand."""
    span = pos_of(log, size), pos_of(log + 1, 0)
    for name in ("leaf", "body", "original", "sealed_value", *facts_tables(live)):
        for (pos,) in Bulk(connection).all(f"SELECT DISTINCT pos FROM {name} WHERE pos >= ? AND pos < ?", span):
            yield index_of(pos), index_of(pos)
