"""Evidence packages that hold affected entries, and batches to which affected records belong by their equipment."""

from collections.abc import Iterator

import msgspec
from sqlalchemy import literal, select, union_all

from ledger.core.errors import ConfigError, LedgerError
from ledger.core.looks import Span
from ledger.core.members import Members
from ledger.core.record import Action, LinkKind, RecordBody
from ledger.findings.impact import Affected, Artefact, Reading, places
from ledger.store import schema
from ledger.store.position import index_of, pos_of
from ledger.store.reading import LogReader
from ledger.trace.assets import Assets
from ledger.trace.batch import BATCH_KINDS, occupations
from ledger.trace.bodies import placed
from ledger.trace.kinds import PackageIssued
from ledger.trace.selection import ByBatch, Chosen, Selection, has_link, matches
from ledger.trace.tables import package_issued
from ledger.trace.windows import Occupation, Windows, overlaps


def impact(reading: Reading, affected: Affected) -> Iterator[Artefact]:
    """Batches by equipment, then packages, log by log."""
    for log, members in sorted(affected.items()):
        yield from _by_equipment(reading, log, members)
    for log, members in sorted(affected.items()):
        yield from _packages(reading, log, members)


def _by_equipment(reading: Reading, log: int, members: Members) -> Iterator[Artefact]:
    """Batches, orders and lots that had the equipment that an affected record concerns when it happened, or in the time
    before and after, or may have.
    """
    known: dict[str, list[tuple[str, str, Occupation | None]]] = {}
    found: dict[tuple[str, str], int] = {}
    size = LogReader(reading.connection, log).head().size
    try:
        assets = Assets(reading.connection, log, size)
    except ConfigError:  # tables of an earlier version have no moments: what is told goes by links alone
        assets = None
    for index, equipment, span in sorted(_used(reading, log, members, assets), key=lambda one: one[:2]):
        if equipment not in known:
            known[equipment] = list(_occupied(reading, log, size, equipment, assets))
        for kind, name, occupation in known[equipment]:
            if span is None or occupation is None or overlaps(span, occupation):
                found.setdefault((kind, name), index)
    for (kind, name), index in sorted(found.items()):
        yield Artefact(sort=f"link:{kind}", id=name, because=reading.address(log, index))


def _used(
    reading: Reading, log: int, members: Members, assets: Assets | None
) -> Iterator[tuple[int, str, Span | None]]:
    """Equipment that affected records concern, by link, tag or room, and when they happened: as their rows have it, and
    as their bodies do.
    """
    row, record = schema.record_link.c, schema.record.c
    for low, high in places(log, members):
        links = (
            select(row.pos, row.kind, row.id, record.source, record.at_us, record.occurred_us)
            .outerjoin(schema.record, record.pos == row.pos)
            .where(row.kind.in_([LinkKind.EQUIPMENT.value, LinkKind.LOCATION.value]), row.pos >= low, row.pos < high)
        )
        tags = select(
            record.pos, literal(LinkKind.LOCATION.value), record.object_id, record.source, record.at_us,
            record.occurred_us,
        ).where(record.pos >= low, record.pos < high)  # fmt: skip
        for pos, kind, name, source, at_us, occurred_us in reading.connection.execute(union_all(links, tags)):
            equipment: str | None = name
            if kind == LinkKind.LOCATION.value:
                equipment = None if assets is None or at_us is None else assets.equipment(source, name, at_us)
            if equipment is not None:
                span = None if occurred_us is None else Span(low_us=occurred_us, high_us=occurred_us, measured=False)
                yield index_of(pos), equipment, span
    for entry in reading.entries(log, members):
        if isinstance(entry.body, RecordBody):
            place = placed(entry.body)
            for equipment in _concerned(entry.body, assets):
                yield entry.index, equipment, None if place is None else place.span


def _concerned(body: RecordBody, assets: Assets | None) -> list[str]:
    if assets is None:
        return [link.id for link in body.record.links if link.kind is LinkKind.EQUIPMENT]
    return [equipment for equipment, _ in assets.of(body)]


def _occupied(
    reading: Reading, log: int, size: int, equipment: str, assets: Assets | None
) -> Iterator[tuple[str, str, Occupation | None]]:
    """Everything that ever had this equipment, and from when to when; None where that cannot be told."""
    by, of, beside, batch = (schema.record_link.alias(name).c for name in ("e", "b", "o", "n"))
    record = schema.record.c
    named = (
        select(of.kind, of.id)
        .distinct()
        .where(of.pos == by.pos, record.pos == by.pos)
        .where(by.kind == LinkKind.EQUIPMENT.value, by.id == equipment, record.action == Action.START.value)
        .where(of.kind.in_([kind.value for kind in BATCH_KINDS]))
        .where(by.pos >= pos_of(log, 0), by.pos < pos_of(log + 1, 0))
    )
    # An order had it for the batches that a record names together with that order.
    through = (
        named.with_only_columns(batch.kind, batch.id)
        .where(of.kind == LinkKind.ORDER.value, beside.kind == of.kind, beside.id == of.id)
        .where(beside.pos >= pos_of(log, 0), beside.pos < pos_of(log + 1, 0))
        .where(batch.pos == beside.pos, batch.kind == LinkKind.BATCH.value)
    )
    had = {(kind, name) for query in (named, through) for kind, name in reading.connection.execute(query)}
    windows = None if assets is None else Windows(assets)
    for kind, name in sorted(had):
        try:
            for one in occupations(reading.connection, log, size, LinkKind(kind), name, windows).intervals:
                if one.equipment == equipment:
                    yield kind, name, one
        except LedgerError:
            yield kind, name, None


def _packages(reading: Reading, log: int, members: Members) -> Iterator[Artefact]:
    row = package_issued.c
    span = row.pos >= pos_of(log, 0), row.pos < pos_of(log + 1, 0)
    for pos in reading.connection.scalars(select(row.pos).where(*span).order_by(row.pos)).all():
        index = index_of(pos)
        entry = reading.entry(log, index)
        issued = entry.body if entry is not None and isinstance(entry.body, PackageIssued) else None
        because = index if index in members or issued is None else _held(reading, log, members, issued)
        if because is not None:
            yield Artefact(
                sort="package",
                id=reading.address(log, index) if issued is None else issued.package,
                at=reading.address(log, index),
                because=reading.address(log, because),
                to=() if issued is None else (issued.authority.actor,),
            )


def _held(reading: Reading, log: int, members: Members, issued: PackageIssued) -> int | None:
    """The first affected entry that a package holds; one that is gone altogether, it holds for all that is known."""
    if members.first >= issued.size:
        return None
    try:
        selection = msgspec.json.decode(issued.selection, type=Selection)
    except msgspec.DecodeError:
        return members.first  # what it holds cannot be told
    head = LogReader(reading.connection, log).head().size
    try:
        chosen = Chosen(reading.connection, log, min(issued.size, head), selection)
        held = [one.index for one in chosen if one.index in members]
    except LedgerError:
        held = [members.first]  # what it holds cannot be told
    readable = set()
    for entry in reading.entries(log, members):
        readable.add(entry.index)
        if entry.index < issued.size and isinstance(entry.body, RecordBody) and _asked(selection, entry.body):
            held.append(entry.index)
    lost = next((one for one in members if one not in readable), None)
    if lost is not None and lost < issued.size:
        held.append(lost)
    return min(held, default=None)


def _asked(selection: Selection, body: RecordBody) -> bool:
    if isinstance(selection, ByBatch):
        return has_link(body, selection.kind, selection.id)
    return matches(selection.query, body)
