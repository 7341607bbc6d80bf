"""Watches logs of other ledgers: an enterprise enters what its sites' logs show, so that none can be rewritten unseen.

Of a site nothing is trusted but its keys, and those to which they lead by rotations that the site's log holds: each new
checkpoint is verified (signature, policy, that it continues the one entered before) and entered in the system log here,
with what is new of the keys. A log that forks, shrinks, shows what does not
verify, or falls silent is a finding; both signed notes are kept, and the site cannot deny them.
"""

import threading
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from typing import TypeVar

import msgspec
from sqlalchemy import Connection, Table, func, select

from ledger.core.address import check_origin
from ledger.core.audit import Tiles, tree_before
from ledger.core.authority import Authority
from ledger.core.checkpoint import Checkpoint
from ledger.core.clock import MICROSECONDS, parse_utc, utc_text
from ledger.core.cosignature import parse_verifier
from ledger.core.entry import Draft, decode_leaf, draft
from ledger.core.errors import ConfigError, Conflict, IntegrityError, LedgerError, NotFound, Unreachable
from ledger.core.hashing import b64
from ledger.core.led_keys import ProvenEvent, parsed, unpacked
from ledger.core.note import parse_note
from ledger.core.policy import Policy
from ledger.core.published_keys import KEY_LIFE, life_of, published_events, texts
from ledger.core.tiles import TileReader
from ledger.findings.kinds import Finding, FindingSort
from ledger.store.append import Batch, Closing, Placed, Transaction
from ledger.store.logs import SYSTEM_LOG
from ledger.store.position import index_of, pos_of
from ledger.store.reading import LogReader
from ledger.store.store import Store
from ledger.trust import watch_tables as t
from ledger.trust.auditing import Anchor
from ledger.trust.published import fetcher, published
from ledger.trust.watch_kinds import (
    FaultSort,
    SiteCheckpoint,
    SiteCheckpoint1,
    SiteFault,
    SiteFault1,
    SiteKeyEvent,
    WatchedLog,
    WatchEvent,
)

Body = TypeVar("Body", bound=msgspec.Struct)
AT_ONCE = 8
"""Logs that are looked at at a time."""
MAX_KEPT = 64 * 1024
"""Characters of the longest note that is kept as a proof."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A watched log and what was last entered of it."""

    watched: WatchedLog
    since: int
    """The entry from which it is watched so."""
    last: SiteCheckpoint1 | None
    last_index: int | None
    keys: tuple[ProvenEvent, ...]
    """What the log told of its keys so far."""
    life: int | None
    """The entry that holds the newest of that."""
    shown_us: int
    """When it last showed something new, or began to be watched."""
    faults: tuple[SiteFault1, ...]
    """What was found since then, each sort once."""


class Came(StrEnum):
    """What came of a look."""

    ENTERED = "entered"
    UNCHANGED = "unchanged"
    WRONG = "wrong"
    UNREACHABLE = "unreachable"


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """One look at a watched log."""

    origin: str
    came: Came
    detail: str
    size: int | None = None
    index: int | None = None
    """The entry that was made of it."""


class Watch:
    """Safe to use from any number of threads and processes: what was entered first decides."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._looking: dict[str, threading.Lock] = defaultdict(threading.Lock)

    def put(self, watched: WatchedLog) -> int:
        """Watches a log, in place of how it was watched before; returns the entry's index.

        Raises ConfigError, InvalidEntry or MalformedNote for keys, policy or address that are none.
        """
        check_origin(watched.origin)
        anchor = anchor_of(watched)
        held = anchor.keys if anchor.policy is None else tuple(log.key for log in anchor.policy.logs)
        if not any(key.name == watched.origin for key in held):
            raise ConfigError(
                f"no key given is of the log {watched.origin!r}",
                advice="Give the log's verifier key: its name is the origin.",
            )
        with published(watched.tiles):
            return self._store.append_one(SYSTEM_LOG, draft(watched)).index

    def release(self, origin: str, reason: str, authority: Authority) -> int:
        """Watches a log no more; what was entered of it stays. Raises NotFound."""
        was = self.standing(origin).watched
        body = msgspec.structs.replace(was, event=WatchEvent.RELEASED, reason=reason, authority=authority)
        return self._store.append_one(SYSTEM_LOG, draft(body)).index

    def standings(self) -> list[Standing]:
        """Every watched log, by origin."""
        row = t.watched_log.c
        with self._store.reading() as connection:
            rows = connection.execute(
                select(row.from_index).where(row.log == SYSTEM_LOG, row.to_index.is_(None)).order_by(row.key)
            ).scalars()
            return [self._standing(connection, index) for index in rows]

    def standing(self, origin: str) -> Standing:
        """One watched log; raises NotFound."""
        for one in self.standings():
            if one.watched.origin == origin:
                return one
        raise NotFound(f"no log {origin!r} is watched", advice="`trailseal log watch list` names those that are.")

    def work(self) -> list[Look]:
        """Looks at every watched log, and enters what is new and what is wrong; a slow one keeps no other waiting."""
        origins = [one.watched.origin for one in self.standings()]
        if not origins:
            return []
        with ThreadPoolExecutor(min(AT_ONCE, len(origins)), thread_name_prefix="watch") as pool:
            return list(pool.map(self.look, origins))

    def look(self, origin: str) -> Look:
        """Looks at one watched log now. Raises NotFound."""
        with self._looking[origin]:
            standing = self.standing(origin)
            try:
                found = self._look(standing)
            except (Unreachable, ConfigError, OSError) as error:
                said = error.message if isinstance(error, LedgerError) else str(error.strerror or error)
                found = Look(origin=origin, came=Came.UNREACHABLE, detail=said)
            except Conflict:
                return Look(origin=origin, came=Came.UNCHANGED, detail="Another process looked at the same time.")
            return self._silent(standing, found)

    def _look(self, standing: Standing) -> Look:
        with published(standing.watched.tiles) as tiles:
            note = b""
            try:
                note = tiles.read("checkpoint")
                keys = _new_keys(tiles, parsed(note), standing.keys)
                told = (*standing.keys, *keys)
                checkpoint, _ = anchor_of(standing.watched).open(note, life_of(told) if told else None)
                return self._judge(standing, tiles, note, checkpoint, keys)
            except (Unreachable, Conflict, ConfigError):
                raise
            except LedgerError as error:
                return self._wrong(standing, FaultSort.UNVERIFIED, error.message, note)

    def _judge(
        self, standing: Standing, tiles: Tiles, note: bytes, shown: Checkpoint, keys: Sequence[ProvenEvent]
    ) -> Look:
        last = standing.last
        if last is None:
            return self._enter(standing, note, shown, (), keys)
        old = Checkpoint.parse(parse_note(last.checkpoint.encode()).text)
        if shown.size < old.size:
            detail = f"It shows {shown.size} entries, and has shown {old.size} before."
            return self._wrong(standing, FaultSort.SHRUNK, detail, note, keys=keys)
        if shown.size == old.size:
            if shown.root == old.root:
                return Look(origin=shown.origin, came=Came.UNCHANGED, detail="Nothing new.", size=shown.size)
            detail = f"It signed two roots at size {shown.size}."
            return self._wrong(standing, FaultSort.FORKED, detail, note, keys=keys)
        before = tree_before(TileReader(shown.size, fetcher(tiles)), old.size, shown)
        proof = tuple(map(b64, before.proof))
        if before.root != old.root:
            detail = f"Its tree of size {shown.size} had another root at size {old.size} than it signed then."
            return self._wrong(standing, FaultSort.FORKED, detail, note, b64(before.root), proof, keys)
        return self._enter(standing, note, shown, proof, keys)

    def _enter(
        self,
        standing: Standing,
        note: bytes,
        shown: Checkpoint,
        proof: tuple[str, ...],
        keys: Sequence[ProvenEvent],
    ) -> Look:
        body = SiteCheckpoint(
            origin=shown.origin,
            size=shown.size,
            root=b64(shown.root),
            checkpoint=note.decode(),
            previous=standing.last_index,
            proof=proof,
            keys=_site_keys(keys),
            life=standing.life,
        )
        index = self._append(standing, [draft(body)])[0].index
        return Look(
            origin=shown.origin, came=Came.ENTERED, detail="Verified and entered.", size=shown.size, index=index
        )

    def _wrong(
        self,
        standing: Standing,
        sort: FaultSort,
        detail: str,
        note: bytes,
        before: str | None = None,
        proof: tuple[str, ...] = (),
        keys: Sequence[ProvenEvent] = (),
    ) -> Look:
        """Enters what is wrong, with a finding that names it; once of a sort until the log shows good news again."""
        origin = standing.watched.origin
        came = Came.UNREACHABLE if sort is FaultSort.SILENT else Came.WRONG
        if any(one.sort is sort for one in standing.faults):
            return Look(origin=origin, came=came, detail=detail)
        fault = SiteFault(
            sort=sort,
            origin=origin,
            detail=detail,
            last=standing.last_index,
            earlier=standing.last.checkpoint if standing.last else "",
            checkpoint=_kept(note),
            before=before,
            proof=proof,
            keys=_site_keys(keys),
        )

        def finding(_transaction: Transaction, placed: Sequence[Placed]) -> list[Draft]:
            entries = (*([] if standing.last_index is None else [standing.last_index]), placed[0].index)
            told = f"Log {origin}, which is watched: {detail} Entry {placed[0].index} keeps what it showed."
            return [draft(Finding(sort=FINDINGS[sort], source=None, entries=entries, detail=told))]

        index = self._append(standing, [draft(fault)], finding)[0].index
        return Look(origin=origin, came=came, detail=detail, index=index)

    def _silent(self, standing: Standing, found: Look) -> Look:
        """Tells of a log that has shown nothing new for too long, whatever else came of the look."""
        silent_us = self._store.clock.now_us() - standing.shown_us
        if found.came is Came.ENTERED or silent_us <= standing.watched.silent_s * MICROSECONDS:
            return found
        detail = f"It has shown nothing new since {utc_text(standing.shown_us)}."
        told = self._wrong(standing, FaultSort.SILENT, detail, b"")
        if found.index is not None or told.index is None:
            return found
        return msgspec.structs.replace(found, index=told.index, detail=f"{found.detail} {detail}")

    def _append(self, standing: Standing, drafts: list[Draft], closing: Closing | None = None) -> list[Placed]:
        """Appends what a look made, unless another process entered something of this log since: then Conflict."""

        def check(transaction: Transaction) -> None:
            latest = _latest(transaction.connection, t.site_checkpoint, standing.watched.origin)
            if latest != standing.last_index:
                raise Conflict("another process entered a checkpoint of this log")

        return self._store.append(SYSTEM_LOG, Batch(drafts, closing=closing, before=check))

    def _standing(self, connection: Connection, index: int) -> Standing:
        watched, begun_us = self._read(connection, index, WatchedLog)
        last_index = _latest(connection, t.site_checkpoint, watched.origin)
        last, good, shown_us = None, index, begun_us
        if last_index is not None:
            last, entered_us = self._read(connection, last_index, SiteCheckpoint1)
            good, shown_us = max(index, last_index), max(begun_us, entered_us)
        life = last_index if isinstance(last, SiteCheckpoint) and last.keys else None
        if life is None and isinstance(last, SiteCheckpoint):
            life = last.life
        row = t.site_fault.c
        since_then = (row.origin == watched.origin, row.pos > pos_of(SYSTEM_LOG, good))
        faults = connection.execute(select(row.pos).where(*since_then).order_by(row.pos)).scalars()
        return Standing(
            watched=watched,
            since=index,
            last=last,
            last_index=last_index,
            keys=self._keys(connection, life),
            life=life,
            shown_us=shown_us,
            faults=tuple(self._read(connection, index_of(pos), SiteFault1)[0] for pos in faults),
        )

    def _keys(self, connection: Connection, life: int | None) -> tuple[ProvenEvent, ...]:
        """What was entered of a watched log's keys, in their order, from the newest entry with any back."""
        found: tuple[ProvenEvent, ...] = ()
        while life is not None:
            body, _ = self._read(connection, life, SiteCheckpoint)
            found, life = (*proven_keys(body), *found), body.life
        return found

    def _read(self, connection: Connection, index: int, sort: type[Body]) -> tuple[Body, int]:
        entry = LogReader(connection, SYSTEM_LOG).entry(index)
        leaf = decode_leaf(entry.leaf)
        body = self._store.kinds[leaf.kind].decode(entry.body or b"")
        if not isinstance(body, sort):
            raise NotFound(f"entry {index} of the system log is of another kind")
        return body, parse_utc(leaf.logged_at)


FINDINGS = {
    FaultSort.FORKED: FindingSort.SITE_LOG_FORKED,
    FaultSort.SHRUNK: FindingSort.SITE_LOG_SHRUNK,
    FaultSort.UNVERIFIED: FindingSort.SITE_LOG_UNVERIFIED,
    FaultSort.SILENT: FindingSort.SITE_LOG_SILENT,
}


def anchor_of(watched: WatchedLog) -> Anchor:
    """What the log is trusted by; raises ConfigError or MalformedNote."""
    if watched.policy and watched.keys:
        raise ConfigError("a policy names the keys itself", advice="Give keys or a policy, not both.")
    policy = Policy.parse(watched.policy) if watched.policy else None
    return Anchor(keys=tuple(map(parse_verifier, watched.keys)), policy=policy, origin=watched.origin)


def proven_keys(body: SiteCheckpoint | SiteFault) -> tuple[ProvenEvent, ...]:
    """The key events that an entry holds, as they are proven under the checkpoint in it; raises MalformedNote."""
    if not body.keys:
        return ()
    head = parsed(body.checkpoint.encode())
    return tuple(unpacked(msgspec.structs.asdict(one), head) for one in body.keys)


def _site_keys(keys: Sequence[ProvenEvent]) -> tuple[SiteKeyEvent, ...]:
    return tuple(msgspec.convert(texts(one), SiteKeyEvent) for one in keys)


def _new_keys(tiles: Tiles, shown: Checkpoint, known: Sequence[ProvenEvent]) -> tuple[ProvenEvent, ...]:
    """The key events that the log tells of and that were not entered; raises IntegrityError if it tells no more."""
    found = published_events(tiles, shown, known[-1].index if known else -1)
    if found is None and known:
        raise IntegrityError(f"{KEY_LIFE} is missing, and was there before")
    return found or ()


def _latest(connection: Connection, table: Table, origin: str) -> int | None:
    """The newest entry of the system log that has a row there for a log."""
    pos = connection.scalar(select(func.max(table.c.pos)).where(table.c.origin == origin))
    return None if pos is None else index_of(pos)


def _kept(note: bytes) -> str:
    """A note as it is kept; empty for bytes that are none."""
    try:
        parse_note(note)
    except LedgerError:
        return ""
    return note.decode()[:MAX_KEPT]
