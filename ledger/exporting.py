"""Exports of all that a search finds: the same at every surface."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

import msgspec

from ledger.core.address import LogId
from ledger.core.authority import Authority
from ledger.core.canonical import encode_struct
from ledger.core.hashing import b64
from ledger.present.times import site_zone
from ledger.privacy.look_up_kinds import Purpose
from ledger.privacy.look_ups import Allowed
from ledger.service import Service
from ledger.sources.imports import archives
from ledger.sources.narrowing import Where, narrow
from ledger.store.as_of import as_of, checkpoint_of
from ledger.store.ordering import Sort
from ledger.store.question import Query
from ledger.store.search import count
from ledger.trace.columns import chosen
from ledger.trace.exporting import Table, chunks
from reports.exports import Format, Source, pieces


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be exported: which records, as of what, in which order, which columns of them (None: the page's).

    `zone`: of local times; the site's, if not given.
    """

    query: Query
    where: Where
    size: int | None
    at_checkpoint: bool
    sort: Sort
    columns: str | None = None
    zone: ZoneInfo | None = None


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """An export whose first records are read: what it is of, and its pieces.

    `entered`: it is for a person, and must be entered (`enter`) before a piece goes out, as of `matched` records.
    """

    source: Source
    pieces: Iterator[bytes]
    entered: Allowed | None
    matched: int

    def enter(self, service: Service, log: LogId, account: str, authority: Authority) -> None:
        """Enters an export for a person; durable once it returns."""
        if self.entered is not None:
            service.look_ups.enter(self.entered, log.name, self.matched, account, authority)


def begin(
    service: Service, log: LogId, wanted: Wanted, format_: Format, account: str, purpose: Purpose | None
) -> Begun:
    """Begins an export. What can be wrong with the question is raised here, before there is a piece of it.

    Raises as a search does, and SchemaViolation for a column that there is not.
    """
    columns = chosen(wanted.columns)
    zone = wanted.zone or site_zone(service.settings.zone)
    with service.store.reader(log.number) as reader:
        connection = reader.connection
        entered = service.look_ups.allow(connection, log.number, wanted.query, account, purpose, wanted.where.person)
        size = as_of(reader, log, wanted.size, at_checkpoint=wanted.at_checkpoint)
        question = narrow(connection, log.number, size, wanted.query, wanted.where)
        matched = 0 if entered is None else count(connection, log.number, size, question)
        proven = checkpoint_of(connection, log, size)
        asked = (wanted.query, wanted.where)
        source = Source(
            origin=log.origin,
            size=size,
            root=b64(reader.root(size)),
            checkpoint=None if proven is None else proven.note,
            asked=", ".join(encode_struct(one).decode() for one in asked if one != type(one)()) or "{}",
            order=f"{wanted.sort.by} {'asc' if wanted.sort.ascending else 'desc'}",
            zone=zone.key,
        )
        table = Table(columns=columns, zone=zone, old=archives(connection, log.number), size=size)
    found = chunks(service.store, log.number, size, question, wanted.sort, table)
    return Begun(source=source, pieces=pieces(format_, columns, found, source), entered=entered, matched=matched)
