"""Projectors of the logs of other ledgers that are watched."""

from collections.abc import Iterable

from ledger.core.entry import Entry
from ledger.core.hashing import unb64
from ledger.core.projector import Projector, Row, Valid
from ledger.store.position import pos_of
from ledger.trust import watch_tables as t
from ledger.trust.watch_kinds import SiteCheckpoint1, SiteFault1, WatchedLog, WatchEvent


class WatchedLogProjector:
    """The logs that are watched, by origin."""

    name = "watched-log"
    version = 1
    kinds = frozenset({"watched-log"})
    table = t.watched_log.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        body: WatchedLog = entry.body
        yield Valid(body.origin, (body.tiles, body.silent_s) if body.event is WatchEvent.WATCHED else None)


class SiteCheckpointProjector:
    """One row a checkpoint that a watched log showed."""

    name = "site-checkpoint"
    version = 1
    kinds = frozenset({"site-checkpoint"})
    tables = (t.site_checkpoint.name,)

    def rows(self, entry: Entry) -> Iterable[Row]:
        body: SiteCheckpoint1 = entry.body
        yield t.site_checkpoint.name, (pos_of(entry.log, entry.index), body.origin, body.size, unb64(body.root, 32))


class SiteFaultProjector:
    """One row a fault of a watched log."""

    name = "site-fault"
    version = 1
    kinds = frozenset({"site-fault"})
    tables = (t.site_fault.name,)

    def rows(self, entry: Entry) -> Iterable[Row]:
        body: SiteFault1 = entry.body
        yield t.site_fault.name, (pos_of(entry.log, entry.index), body.origin, body.sort.value)


def projectors(_dialect: str) -> tuple[Projector, ...]:
    """All projectors of this part."""
    return WatchedLogProjector(), SiteCheckpointProjector(), SiteFaultProjector()
