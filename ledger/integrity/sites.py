"""Level 3: what the log says of logs of other ledgers is verified again, from its entries alone.

Each checkpoint is signed by the keys that it was watched under, or by those to which these lead by key events of that
log, and continues the one entered before it; each fault that accuses a log of two views is borne out by both notes. An
incremental run begins, for each log that more was said of, with how it was watched, the checkpoint that was entered
before, and what was entered of its keys.
"""

from collections.abc import Iterator
from typing import Any

from ledger.core.checkpoint import Checkpoint
from ledger.core.entry import Entry
from ledger.core.errors import IntegrityError, LedgerError
from ledger.core.hashing import unb64
from ledger.core.led_keys import ProvenEvent
from ledger.core.merkle import verify_consistency
from ledger.core.note import parse_note
from ledger.core.published_keys import life_of
from ledger.integrity.fault import Fault
from ledger.integrity.scope import Scope
from ledger.store.bulk import Bulk
from ledger.store.position import index_of, pos_of
from ledger.trust.site_watch import anchor_of, proven_keys
from ledger.trust.watch_kinds import (
    FaultSort,
    SiteCheckpoint,
    SiteCheckpoint1,
    SiteFault,
    SiteFault1,
    WatchedLog,
    WatchEvent,
)


def sites_fault(scope: Scope) -> Fault | None:
    """The first entry about a watched log that does not hold."""
    sites = _Sites(scope)
    for entry in _entries(scope):
        try:
            sites.take(entry)
        except LedgerError as error:
            return Fault(log=scope.log.number, index=entry.index, table="body", what=error.message)
        scope.pulse(1)
    return None


class _Sites:
    """What was said of each watched log so far."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._known: set[str] = set()
        self._watched: dict[str, WatchedLog] = {}
        self._last: dict[str, tuple[int, SiteCheckpoint1]] = {}
        self._keys: dict[str, tuple[ProvenEvent, ...]] = {}
        self._life: dict[str, int] = {}
        """The newest entry that holds some of the keys."""

    def take(self, entry: Entry) -> None:
        body: Any = entry.body
        if body.origin not in self._known:
            self._known.add(body.origin)
            self._read_before(body.origin)
        if isinstance(body, WatchedLog):
            self._watched[body.origin] = body
            return
        watched = self._watched.get(body.origin)
        if watched is None or watched.event is not WatchEvent.WATCHED:
            raise IntegrityError(f"log {body.origin} was not watched then")
        if isinstance(body, SiteCheckpoint1):
            self._checkpoint(entry.index, body, watched)
        else:
            self._fault(body, watched)

    def _read_before(self, origin: str) -> None:
        """What a former run judged of a log, as far as what follows rests on it."""
        log, first = self._scope.log.number, self._scope.first(self._scope.log.number)
        if not first:
            return
        bulk = Bulk(self._scope.connection)
        rows = bulk.all("SELECT from_index, to_index FROM watched_log WHERE log = ? AND key = ?", (log, origin))
        changed = [index for row in rows for index in row if index is not None and index < first]
        if changed:
            watched = self._scope.entry(log, max(changed)).body
            if isinstance(watched, WatchedLog):
                self._watched[origin] = watched
        ((last,),) = bulk.all(
            "SELECT max(pos) FROM site_checkpoint WHERE origin = ? AND pos >= ? AND pos < ?",
            (origin, pos_of(log, 0), pos_of(log, first)),
        )
        body = None if last is None else self._shown(index_of(last))
        if last is not None and body is not None:
            self._last[origin] = index_of(last), body
            self._read_keys(origin, index_of(last), body)

    def _read_keys(self, origin: str, index: int, last: SiteCheckpoint1) -> None:
        """The keys as the last checkpoint names their entries, from the newest one back."""
        body: SiteCheckpoint1 | None = last
        while body is not None and not isinstance(body, SiteCheckpoint):  # the first form told of no keys
            index, body = body.previous or 0, None if body.previous is None else self._shown(body.previous)
        if body is None:
            return
        life = index if body.keys else body.life
        if life is not None:
            self._life[origin] = life
        keys: tuple[ProvenEvent, ...] = ()
        while life is not None:
            told = self._shown(life)
            if not isinstance(told, SiteCheckpoint):
                break
            keys, life = (*proven_keys(told), *keys), told.life
        if keys:
            self._keys[origin] = keys

    def _shown(self, index: int) -> SiteCheckpoint1 | None:
        body = self._scope.entry(self._scope.log.number, index).body
        return body if isinstance(body, SiteCheckpoint1) else None

    def _checkpoint(self, index: int, body: SiteCheckpoint1, watched: WatchedLog) -> None:
        keys = self._told(body)
        shown = _opened(watched, body.checkpoint, keys)
        if (shown.size, shown.root) != (body.size, unb64(body.root, 32)):
            raise IntegrityError("size or root are not those of the checkpoint in it")
        previous, last = self._last.get(body.origin, (None, None))
        if body.previous != previous:
            raise IntegrityError(f"it does not name the entry of this log's checkpoint before it, {previous}")
        if last is not None and last.size:
            proof = [unb64(one, 32) for one in body.proof]
            verify_consistency(last.size, body.size, unb64(last.root, 32), shown.root, proof)
        self._last[body.origin] = index, body
        if len(keys) > len(self._keys.get(body.origin, ())):
            self._keys[body.origin], self._life[body.origin] = keys, index

    def _told(self, body: SiteCheckpoint1 | SiteFault1) -> tuple[ProvenEvent, ...]:
        """What was entered of the log's keys up to this entry, with what it adds."""
        before = self._keys.get(body.origin, ())
        if isinstance(body, SiteCheckpoint) and body.life != self._life.get(body.origin):
            raise IntegrityError(f"it does not name the entry of that log's keys, {self._life.get(body.origin)}")
        return (*before, *proven_keys(body)) if isinstance(body, SiteCheckpoint | SiteFault) else before

    def _fault(self, body: SiteFault1, watched: WatchedLog) -> None:
        previous, last = self._last.get(body.origin, (None, None))
        if body.last != previous or body.earlier != (last.checkpoint if last else ""):
            raise IntegrityError("it does not name the checkpoint that was entered before it")
        if body.sort not in (FaultSort.FORKED, FaultSort.SHRUNK):
            return
        shown = _opened(watched, body.checkpoint, self._told(body))
        old = Checkpoint.parse(parse_note(body.earlier.encode()).text)
        if body.sort is FaultSort.SHRUNK:
            borne_out = shown.size < old.size
        elif shown.size == old.size:
            borne_out = shown.root != old.root
        else:
            before = unb64(body.before or "", 32)
            verify_consistency(old.size, shown.size, before, shown.root, [unb64(one, 32) for one in body.proof])
            borne_out = before != old.root
        if not borne_out:
            raise IntegrityError(f"the two checkpoints in it do not show that log {body.origin} {body.sort.value}")


def _opened(watched: WatchedLog, note: str, keys: tuple[ProvenEvent, ...]) -> Checkpoint:
    return anchor_of(watched).open(note.encode(), life_of(keys) if keys else None)[0]


def _entries(scope: Scope) -> Iterator[Entry]:
    """The entries of these kinds, in order; level 2 compares the tables that name them."""
    log = scope.log.number
    found = {*scope.new("site_checkpoint", log), *scope.new("site_fault", log)}
    rows = Bulk(scope.connection).all("SELECT from_index, to_index FROM watched_log WHERE log = ?", (log,))
    found.update(index for row in rows for index in row if index is not None and index >= scope.first(log))
    for index in sorted(found):
        yield scope.entry(log, index)
