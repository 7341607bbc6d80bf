"""The append transaction: entries, tree, projections and head in one commit, or nothing at all.

This is the only place that inserts into the log. Whatever can be computed before the head is locked is in the drafts;
here they get index, time, predecessor and tree.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from ledger.core.clock import WallClock, utc_text
from ledger.core.entry import ORIGINAL, SEALED, Draft, Entry, SourceKey, draft, encode_leaf
from ledger.core.errors import ClockOutOfBounds, LedgerError
from ledger.core.hashing import b64, leaf_hash, unb64
from ledger.core.kinds import RECORD
from ledger.core.time_epoch import NAME as TIME_EPOCH
from ledger.core.tokens import key_token
from ledger.store import schema
from ledger.store.bulk import Bulk
from ledger.store.engine import is_sqlite, raised
from ledger.store.gone import known_again
from ledger.store.key_filter import KeyFilter
from ledger.store.key_index import find, has_tokens_of_keys
from ledger.store.known import Stored, decode_record, find_known, leads_nowhere, leads_to_another, names_of
from ledger.store.position import index_of, pos_of
from ledger.store.projections import Live, Projections, Rows
from ledger.store.right_edge import HEAD_POSTGRES, HEAD_SQLITE, Head, read_head

CLOCK_BEHIND_NOTED_US = 1_000_000
"""Behind the head by more than this, entries go on at the head's time and one of them says so (clock-step)."""
CLOCK_BEHIND_REFUSED_US = 600_000_000
"""Our clock is behind the head by more than this: the append is refused."""


class ClockStep(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="clock-step/1"):
    """Our clock stood at `clock_at`, `behind_us` microseconds before the log's head; entries go on at `head_at`."""

    clock_at: str
    head_at: str
    behind_us: int


class Placed(msgspec.Struct, frozen=True, gc=False):
    """Where a draft is. `duplicate`: the entry was there before. `changed_from`: same record id, other content."""

    index: int
    leaf_hash: bytes
    duplicate: bool = False
    changed_from: int | None = None


class Transaction:
    """One append transaction under the head lock: what closing callbacks may read."""

    def __init__(
        self,
        connection: Connection,
        log: int,
        head: Head,
        live: Live,
        logged_us: int,
        disposes: bool = False,
        key_filter: KeyFilter | None = None,
    ) -> None:
        self.connection = connection
        self.log = log
        self.disposes = disposes
        self.logged_us = logged_us
        self.scratch: dict[Any, Any] = {}
        """Shared by the batches of one group commit, whose rows are not in the database yet."""
        self._live = live
        self._head = head
        self._filter = key_filter
        self._logged_at = utc_text(logged_us)
        self._index = head.size
        self._prev = b64(head.leaf_hash)
        self._hashes: list[bytes] = []
        self._rows: Rows = {"leaf": [], "body": []}
        self._entries: list[Entry] = []
        self._found: dict[SourceKey, int] = {}
        self._opened: dict[int, bytes] = {}
        self._gone: dict[SourceKey, Placed] = {}
        self._others: dict[tuple[str, str], list[int]] = {}
        self._keys: dict[SourceKey, Placed] = {}
        self._ids: dict[tuple[str, str], int] = {}

    @property
    def next_index(self) -> int:
        return self._index

    @property
    def head(self) -> Head:
        """The log as it was before this transaction."""
        return self._head

    @property
    def kinds_placed(self) -> frozenset[str]:
        """Kinds of entries of this transaction so far: their projections do not stand in the database yet."""
        return frozenset(entry.kind for entry in self._entries)

    def find_known(self, drafts: Iterable[Draft]) -> None:
        """Looks up, in one go for the whole group, which of the drafts' records the log already has (idempotency)."""
        wanted = {key for draft in drafts for key in names_of(draft)}
        if not wanted:
            return
        for source, record_id, digest, pos, hashed in self._look_up(wanted):
            key = SourceKey(source, record_id, bytes(digest))
            self._ids[source, record_id] = max(index_of(pos), self._ids.get((source, record_id), -1))
            if hashed is not None:
                self._opened[pos] = hashed
            if key in wanted:
                self._found[key] = pos
            else:
                self._others.setdefault((source, record_id), []).append(pos)
        if self.disposes:
            left = [key for key in wanted if key not in self._found]
            for key, pos, hashed in known_again(self.connection, self.log, left):
                self._gone[key] = Placed(index_of(pos), hashed, duplicate=True)

    def _look_up(self, wanted: set[SourceKey]) -> Iterable[Stored]:
        if self._filter is None:
            return find_known(self.connection, self.log, list(wanted))
        keys = {key_token(key.source, key.record_id): (key.source, key.record_id) for key in wanted}
        known = self._filter.known(self.connection, self._head.mark, keys)
        return find(self.connection, self.log, {keys[token] for token in known})

    def known_otherwise(self, drafts: Iterable[Draft]) -> Iterator[int]:
        """The positions of stored entries that are of a draft's record id, and by no digest of a draft's its record."""
        for one in drafts if self._others else ():
            names = names_of(one)
            if names and not any(name in self._found or name in self._gone for name in names):
                yield from self._others.get((names[0].source, names[0].record_id), ())

    def open_known(self, drafts: Sequence[Draft]) -> None:
        """Opens the earlier entries that these drafts' records were found at; raises IntegrityError for another one."""
        if not self._found and not self._gone:
            return
        for one in drafts:
            for name in names_of(one):
                pos, gone = self._found.get(name), self._gone.get(name)
                if one.key is not None and gone is not None:
                    self._keys[one.key] = gone
                    break
                if one.key is not None and pos is not None:
                    self._keys[one.key] = Placed(index_of(pos), self._open_known(name, pos), duplicate=True)
                    break

    def place(self, draft: Draft) -> Placed:
        """Gives the draft its index; a record that the log has already is answered with its earlier entry."""
        changed_from = None
        if draft.key is not None:
            earlier = self._keys.get(draft.key)
            if earlier is not None:
                return earlier
            changed_from = self._ids.get((draft.key.source, draft.key.record_id))
        index = self._index
        pos = pos_of(self.log, index)
        leaf = encode_leaf(draft.commitment, index, draft.kind, self._logged_at, self._prev)
        hashed = leaf_hash(leaf)
        self._rows["leaf"].append((pos, leaf))
        self._rows["body"].append((pos, draft.salt, draft.body_bytes))
        for item in draft.vault:
            if item.sort == ORIGINAL:
                self._add("original", (pos, item.salt, item.value))
            elif item.sort == SEALED:
                self._add("sealed_value", (pos, item.ordinal, item.meta, item.salt, item.value))
            else:
                self._add("secret", (pos, item.meta, item.value))
        self._entries.append(
            Entry(log=self.log, index=index, kind=draft.kind, logged_us=self.logged_us, body=draft.body)
        )
        self._hashes.append(hashed)
        self._prev = b64(hashed)
        self._index = index + 1
        if draft.key is not None:
            self._keys[draft.key] = Placed(index, hashed, duplicate=True)
            self._ids[draft.key.source, draft.key.record_id] = index
        return Placed(index, hashed, changed_from=changed_from)

    def write(self) -> Head:
        """Sends all rows to the database and returns the head that the commit will make true."""
        if not self._hashes:
            return self._head
        head, tiles = self._head.advanced(self._hashes, self.logged_us)
        for level, n, hashes in tiles:
            self._add("tile", (self.log, level, n, hashes))
        bulk = Bulk(self.connection)
        with bulk.at_once(few=len(self._entries) == 1):
            for table, rows in self._rows.items():
                bulk.insert(schema.metadata.tables[table], rows, len(rows))
            self._live.write(self.connection, bulk, self._entries)
            self._write_head(bulk, head)
        return head

    def committed(self, head: Head) -> None:
        """Once the commit is durable: what it appended is known."""
        if self._filter is not None and self._filter.complete and head is not self._head:
            records = [entry.body.record for entry in self._entries if entry.kind == RECORD.name]
            tokens = [key_token(one.source, one.source_record_id) for one in records]
            self._filter.committed(self._head.mark, head.mark, tokens)

    def _write_head(self, bulk: Bulk, head: Head) -> None:
        bulk.run(
            "UPDATE head SET size = ?, leaf_hash = ?, logged_us = ?, frontier = ? WHERE log = ?",
            (head.size, head.leaf_hash, head.logged_us, b"".join(head.frontier.hashes), self.log),
        )

    def _add(self, table: str, row: tuple[Any, ...]) -> None:
        self._rows.setdefault(table, []).append(row)

    def _open_known(self, key: SourceKey, pos: int) -> bytes:
        """Opens the earlier entry that a key row points to: a forged row must not swallow a record."""
        if pos in self._opened:
            return self._opened[pos]
        row = self.connection.execute(
            select(schema.body.c.body, schema.leaf.c.data)
            .select_from(schema.leaf.outerjoin(schema.body, schema.leaf.c.pos == schema.body.c.pos))
            .where(schema.leaf.c.pos == pos)
        ).one_or_none()
        if row is not None and row.body is None:
            # Its disposal may have come between the look at the key and this one.
            for _, _, hashed in known_again(self.connection, self.log, [key]):
                return hashed
        if row is None or row.body is None:
            raise leads_nowhere((key.source, key.record_id), pos)
        body = decode_record(row.body)
        if (
            body is None
            or body.record.source != key.source
            or body.record.source_record_id != key.record_id
            or unb64(body.digest.hmac, 32) != key.digest
        ):
            raise leads_to_another((key.source, key.record_id), pos)
        return leaf_hash(row.data)


Closing = Callable[[Transaction, Sequence[Placed]], Sequence[Draft]]
"""Makes the entries that close a batch, from where its drafts were placed; runs under the head lock."""


class Batch:
    """Drafts that belong together: all in one transaction, in order, then those that `closing` makes of them.

    `before` may refuse the batch (by raising) once the head is locked and before anything is placed. `after` does in
    the same transaction what the entries say, once they and their projections stand; what it raises undoes them.
    """

    __slots__ = ("after", "before", "closing", "drafts")

    def __init__(
        self,
        drafts: Sequence[Draft],
        closing: Closing | None = None,
        before: Callable[[Transaction], None] | None = None,
        after: Callable[[Connection], None] | None = None,
    ) -> None:
        self.drafts = drafts
        self.closing = closing
        self.before = before
        self.after = after

    def admit(self, transaction: Transaction) -> None:
        """Raises the LedgerError for which the batch is refused, before anything of it was placed."""
        if self.before is not None:
            self.before(transaction)
        transaction.open_known(self.drafts)

    def place(self, transaction: Transaction) -> list[Placed]:
        """Places the drafts, then the entries that close the batch."""
        placed = [transaction.place(draft) for draft in self.drafts]
        if self.closing is not None:
            placed += [transaction.place(draft) for draft in self.closing(transaction, placed)]
        return placed


def rehearsed(connection: Connection, log: int, projections: Projections, drafts: Iterable[Draft]) -> tuple[int, int]:
    """Places drafts at the time of the log's last entry, in a transaction that the caller undoes.

    Returns the sizes of the log before and after them.
    """
    size, leaf, logged_us, frontier, _, disposes = Bulk(connection).one(
        HEAD_SQLITE if is_sqlite(connection) else HEAD_POSTGRES, (log,)
    )
    head = read_head(connection, log, size, bytes(leaf), logged_us, bytes(frontier))
    transaction = Transaction(connection, log, head, projections.read_live(connection), logged_us, bool(disposes))
    for one in drafts:
        transaction.place(one)
    transaction.write()
    return head.size, transaction.next_index


class Appender:
    """Appends groups of batches to one log. Not thread-safe: the sequencer calls it from one thread at a time."""

    def __init__(
        self,
        connection: Connection,
        log: int,
        clock: WallClock,
        projections: Projections,
        turn: AbstractContextManager[object],
        key_filter: KeyFilter | None = None,
    ) -> None:
        self._connection = connection
        self._filter = key_filter
        self._turn = turn
        self._log = log
        self._clock = clock
        self._projections = projections
        self._live = projections.live({})
        self._versions = ""
        self._disposes = False
        self._head: Head | None = None
        self._step_noted = False

    def commit(self, batches: Sequence[Batch]) -> list[list[Placed] | LedgerError]:
        """Appends all batches in one transaction and returns, once it is durable, where each draft was placed.

        A batch that is refused before anything of it was placed is answered with its error and leaves no trace.
        Raises whatever else goes wrong (ClockOutOfBounds, the database's errors); nothing of the group is stored then.
        """
        noted = self._step_noted
        try:
            with self._turn, self._connection.begin():
                head = self._lock()
                logged_us, step = self._time(head, batches)
                transaction = Transaction(
                    self._connection, self._log, head, self._live, logged_us, self._disposes, self._key_filter()
                )
                if step is not None:
                    transaction.place(draft(step))
                transaction.find_known(draft for batch in batches for draft in batch.drafts)
                answers = [self._place(transaction, batch) for batch in batches]
                after = transaction.write()
                for batch, answer in zip(batches, answers, strict=True):
                    if batch.after is not None and not isinstance(answer, LedgerError):
                        batch.after(self._connection)
        except BaseException as error:
            self._head, self._step_noted = None, noted
            if isinstance(error, self._connection.dialect.loaded_dbapi.Error):
                # `Bulk` speaks to the driver itself; whoever appends knows the errors of SQLAlchemy.
                raise raised(self._connection, "append", error) from error
            raise
        self._head = after
        transaction.committed(after)
        return answers

    def close(self) -> None:
        """Ends what runs beside the appends; the connection stays its owner's."""
        if self._filter is not None:
            self._filter.close()

    def _key_filter(self) -> KeyFilter | None:
        """The filter, where the live tables are such that it is filled from them."""
        return self._filter if has_tokens_of_keys(self._connection, self._live) else None

    def _place(self, transaction: Transaction, batch: Batch) -> list[Placed] | LedgerError:
        try:
            batch.admit(transaction)
        except LedgerError as refused:
            return refused
        return batch.place(transaction)

    def _lock(self) -> Head:
        """Takes the head's lock for this transaction, and the head itself if another process moved it."""
        size, leaf, logged_us, frontier, versions, disposes = Bulk(self._connection).one(
            HEAD_SQLITE if is_sqlite(self._connection) else HEAD_POSTGRES, (self._log,)
        )
        self._disposes = bool(disposes)
        if versions != self._versions:
            self._live = self._projections.read_live(self._connection)
            self._versions = versions
        head = self._head
        if head is None or head.size != size or head.leaf_hash != leaf:
            self._head = None
            head = read_head(self._connection, self._log, size, bytes(leaf), logged_us, bytes(frontier))
        return head

    def _time(self, head: Head, batches: Sequence[Batch]) -> tuple[int, ClockStep | None]:
        now = self._clock.now_us()
        behind = head.logged_us - now
        if behind <= CLOCK_BEHIND_NOTED_US:
            self._step_noted = False
            return max(now, head.logged_us), None
        if behind > CLOCK_BEHIND_REFUSED_US:
            if len(batches) == 1 and [one.kind for one in batches[0].drafts] == [TIME_EPOCH]:
                return now, None  # it says by itself what it goes back over, and two people signed that
            raise ClockOutOfBounds(
                f"this machine's clock says {utc_text(now)}, the log's last entry {utc_text(head.logged_us)}"
            )
        step = None
        if not self._step_noted:
            step = ClockStep(clock_at=utc_text(now), head_at=utc_text(head.logged_us), behind_us=behind)
            self._step_noted = True
        return head.logged_us, step
