"""PostgreSQL by logical decoding: every row that came, changed or went, with its old and new values, from the log.

A replication slot gives committed transactions in the order of their commits, by the built-in plugin `pgoutput` or by
`wal2json`. Old values are logged where a table has REPLICA IDENTITY FULL.

- The slot is confirmed only up to the cursor that the ledger holds, at the start of a run; what is read after that
  stays in the slot until the next one. A crash loses nothing, and what comes again was not handed over.
- A run reads at most `max_changes` rows of the slot and whole transactions; batches may end within one, and the cursor
  then says how many of its changes were handed over.
- A slot that somebody else moved, that was lost or made anew, and a log of another timeline are stated as gaps.
- The log names no user. Where an application says who it acts for, by `pg_logical_emit_message(true, 'trailseal.user',
  'NAME')` at the start of its transaction, or by a column, the mapping has it.
- The server's clock is measured by a SELECT, half the round trip as uncertainty. Of itself the server tells its
  version, the columns of the tables, and how whole their changes are logged.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import ClassVar

import msgspec

from collectors.base import CheckReport, Option, Secret, Stop, read_cursor
from collectors.batch import BatchBuilder
from collectors.facts import AUDIT_TRAIL, SCHEMA, VERSION
from collectors.it.pg_feed import MEDIA_TYPE, Changed, Feed, to_item
from collectors.it.pg_logical_check import MEBIBYTE, check_wal, judge_slot, source_facts
from collectors.it.pg_output import Begin, Commit
from collectors.it.pg_wal import Slot, WalSession, check_url, connected, lsn_number, lsn_text
from collectors.mapping.collector import MappedCollector
from collectors.mapping.expression import Item
from collectors.options import read_list
from ledger.core.clock import WallClock, utc_text
from ledger.core.errors import FatalSource, SkippableRecord
from ledger.core.record import Interval, Original
from ledger.core.run import Gap, RunBatch, SourceState
from ledger.core.source import SourceConfig

_STEP = 1024 * MEBIBYTE
"""Bytes of the log that one run goes through at most."""
_ROOM = 8 * MEBIBYTE
"""Bytes of originals in one batch, but for its last one."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A transaction of which some changes were handed over: where its commit stands, and how many they are."""

    commit_lsn: str
    done: int


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """Whatever was committed before `lsn` was handed over, and `part` of the next transaction."""

    system: str
    timeline: int
    lsn: str
    part: Part | None = None


class PgLogical(MappedCollector):
    """See the module."""

    type = "pg-logical"
    title = "PostgreSQL rows by logical decoding"
    format: ClassVar[str] = "1"
    tells = (VERSION, SCHEMA, AUDIT_TRAIL)
    options = (
        Option(name="url", meaning="postgresql://USER@HOST:PORT/DATABASE, without password", required=True),
        Option(name="slot", meaning="logical slot (pgoutput or wal2json), made by the owner", default="trailseal"),
        Option(name="publication", meaning="publication whose tables are collected (pgoutput)", default="trailseal"),
        Option(name="tables", meaning="SCHEMA.NAME, comma-separated, or all where empty (wal2json)"),
        Option(
            name="user_message",
            meaning="prefix of the logical messages by which an application names its user",
            default="trailseal.user",
        ),
        Option(
            name="max_changes", meaning="rows of the slot that a run takes, and whole transactions", default="20000"
        ),
        Option(name="warn_mebibytes", meaning="more log than this kept for the slot is a warning", default="1024"),
    )
    secrets = (Secret(name="password", meaning="the account's password; it has the attribute REPLICATION"),)

    def __init__(self, config: SourceConfig, secrets: Mapping[str, str], clock: WallClock) -> None:
        super().__init__(config, secrets, clock)
        self._account = check_url(config.id, self.option("url"))
        self._slot = self.option("slot")
        self._most = int(self.number("max_changes", 1, 1_000_000))
        self._warn_bytes = self.number("warn_mebibytes", 1, 1e9) * MEBIBYTE

    def item(self, original: Original) -> Item:
        """See `collectors.it.pg_feed.to_item`."""
        return to_item(original.data)

    def check(self) -> CheckReport:
        place = (self.option("url"), self._account, self.secret("password"))
        names = (self._slot, self.option("publication"), self.option("tables"))
        return check_wal(place, names, self._warn_bytes, self.clock)

    def collect(self, state: SourceState, stop: Stop) -> Iterator[RunBatch]:
        cursor = read_cursor(state.cursor, Cursor, self.config.id)
        with self._session() as wal:
            slot = self._usable(wal)
            cursor, gaps = self._resume(wal, slot, cursor, state)
            yield from _Run(self, wal, state, cursor, gaps).batches(slot, stop)

    def _session(self) -> AbstractContextManager[WalSession]:
        return connected(self.option("url"), self._account, self.secret("password"), self.clock)

    def _usable(self, wal: WalSession) -> Slot:
        slot = wal.slot(self._slot)
        judged = judge_slot(slot, self._slot, self.option("publication"), wal)
        if slot is None or not judged.ok:
            raise FatalSource(f"{wal.place}: {judged.says}", advice=judged.advice)
        return slot

    def _resume(
        self, wal: WalSession, slot: Slot, cursor: Cursor | None, state: SourceState
    ) -> tuple[Cursor, list[Gap]]:
        """Where this run begins, after the slot was confirmed up to there; with what cannot be had any more."""
        server, confirmed = wal.server, slot.confirmed or "0/0"
        start = Cursor(system=server.system, timeline=server.timeline, lsn=confirmed)
        if cursor is None:
            return start, []
        if cursor.system != server.system:
            raise FatalSource(
                f"{wal.place} is another cluster than the one that was collected until now",
                advice="Correct `url`, or register the new one as a source of its own.",
            )
        gaps = []
        if cursor.timeline != server.timeline:
            reason = (
                f"the log goes on in timeline {server.timeline} instead of {cursor.timeline}: restored, or failed over"
            )
            gaps.append(self._gap(reason, state))
        if lsn_number(cursor.lsn) > lsn_number(wal.flushed()):
            raise FatalSource(
                f"the log at {wal.place} ends before {cursor.lsn}, up to which it was collected: it was set back",
                advice="See who restored it. To go on, register it anew under another id; both sets of records stay.",
            )
        if lsn_number(cursor.lsn) < lsn_number(confirmed):
            reason = (
                f"slot {self._slot!r} was moved or made anew: it gives nothing between {cursor.lsn} and {confirmed}"
            )
            return start, [*gaps, self._gap(reason, state)]
        if cursor.lsn != confirmed:
            wal.confirm(self._slot, cursor.lsn)
        return msgspec.structs.replace(cursor, timeline=server.timeline), gaps

    def _gap(self, reason: str, state: SourceState) -> Gap:
        now = utc_text(self.clock.now_us())
        after = min(state.last_run_ended_at or now, now)
        return Gap(subject=self._slot, reason=reason, between=Interval(after=after, before=now))


class _Run:
    """One run: what it read of the slot, and where the next one goes on."""

    def __init__(self, of: PgLogical, wal: WalSession, state: SourceState, cursor: Cursor, gaps: list[Gap]) -> None:
        self._of = of
        self._wal = wal
        self._state = state
        self._text = state.cursor
        self._cursor = cursor
        self._commit = ""
        self._builder = self._fresh()
        self._builder.gaps += gaps
        self._size = 0

    def batches(self, slot: Slot, stop: Stop) -> Iterator[RunBatch]:
        of, wal = self._of, self._wal
        until = min(lsn_number(wal.flushed()), lsn_number(self._cursor.lsn) + _STEP)
        feed = Feed(slot.plugin or "", of.option("user_message"), wal.primary_key)
        names = (of._slot, slot.plugin or "", of.option("publication"), of.option("tables"))
        self._builder.facts = source_facts(wal, slot, of.option("publication"), read_list(of.option("tables")))
        count = 0
        try:
            for lsn, data in wal.peek(*names, lsn_text(until), of._most):
                count += 1
                for event in self._events(feed, lsn, data):
                    self._take(event)
                    if self._builder.full or self._size > _ROOM:
                        yield self._build()
                        if stop.is_set():
                            return
        except Exception:
            if len(self._builder):
                yield self._build()
            raise
        if count < of._most and lsn_number(self._cursor.lsn) < until:
            self._cursor = msgspec.structs.replace(self._cursor, lsn=lsn_text(until), part=None)
        yield self._build()

    def _events(self, feed: Feed, lsn: str, data: bytes) -> Iterator[Begin | Changed | Commit]:
        try:
            yield from feed.events(lsn, data)
        except SkippableRecord as error:
            raise FatalSource(
                f"{self._wal.place}: {error.message}", advice="Report this with the versions of server and plugin."
            ) from None

    def _take(self, event: Begin | Changed | Commit) -> None:
        part = self._cursor.part
        if isinstance(event, Begin):
            self._commit = event.commit_lsn
            if part is not None and part.commit_lsn != event.commit_lsn:
                reason = f"the rest of the transaction at {part.commit_lsn} is not given any more"
                self._builder.gaps.append(self._of._gap(reason, self._state))
                self._cursor = msgspec.structs.replace(self._cursor, part=None)
        elif isinstance(event, Commit):
            self._cursor = msgspec.structs.replace(self._cursor, lsn=event.end_lsn, part=None)
        elif part is None or event.n > part.done:
            self._add(event)
            done = Part(commit_lsn=self._commit, done=event.n)
            self._cursor = msgspec.structs.replace(self._cursor, part=done)

    def _add(self, change: Changed) -> None:
        received = utc_text(self._of.clock.now_us())
        self._size += len(change.data)
        if change.unreadable:
            self._builder.reject(change.data, "application/octet-stream", change.unreadable, received)
        else:
            self._builder.add(self._of.original(change.data, MEDIA_TYPE), received)

    def _build(self) -> RunBatch:
        text = msgspec.json.encode(self._cursor).decode()
        batch = self._builder.build(self._text, text)
        self._text, self._builder, self._size = text, self._fresh(), 0
        return batch

    def _fresh(self) -> BatchBuilder:
        return BatchBuilder(self._of.config.id, self._of.clock, self._of.derive, self._wal.source_clock)
