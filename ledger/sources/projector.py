"""Projectors of the sources domain."""

from collections.abc import Iterable

from ledger.core.clock import parse_utc
from ledger.core.entry import Entry
from ledger.core.hashing import unb64
from ledger.core.projector import Projector, Row, Valid
from ledger.sources import tables as t
from ledger.sources.kinds import CollectionRun, MappingAdopted, Quarantined, SourceRegistered
from ledger.store.position import pos_of


class SourceProjector:
    """Which sources there are, and since which entry each is configured as it is."""

    name = "source"
    version = 1
    kinds = frozenset({"source"})
    table = t.source.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        registered: SourceRegistered = entry.body
        yield Valid(registered.id, (registered.type, registered.title))


class MappingProjector:
    """Which entry holds the mapping of each source, and its length; null where it has none any more."""

    name = "mapping"
    version = 1
    kinds = frozenset({"mapping"})
    table = t.mapping.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        adopted: MappingAdopted = entry.body
        yield Valid(adopted.source, (None if adopted.text is None else len(adopted.text),))


class RunProjector:
    """One row a collection run."""

    name = "collection-run"
    version = 1
    kinds = frozenset({"collection-run"})
    tables = (t.collection_run.name,)

    def rows(self, entry: Entry) -> Iterable[Row]:
        run: CollectionRun = entry.body
        yield (
            t.collection_run.name,
            (
                pos_of(entry.log, entry.index),
                run.source,
                parse_utc(run.started_at),
                parse_utc(run.ended_at),
                run.cursor_to,
                unb64(run.chain, 32),
                run.records,
                len(run.duplicates),
                len(run.quarantined),
                len(run.unreachable),
                len(run.gaps),
            ),
        )


class QuarantineProjector:
    """One row a quarantined input."""

    name = "quarantine"
    version = 1
    kinds = frozenset({"quarantine"})
    tables = (t.quarantine.name,)

    def rows(self, entry: Entry) -> Iterable[Row]:
        kept: Quarantined = entry.body
        yield t.quarantine.name, (pos_of(entry.log, entry.index), kept.source, kept.reason, parse_utc(kept.received_at))


def projectors(_dialect: str) -> tuple[Projector, ...]:
    """All projectors of this domain."""
    return SourceProjector(), MappingProjector(), RunProjector(), QuarantineProjector()
