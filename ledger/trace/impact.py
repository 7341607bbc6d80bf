"""Evidence packages that hold affected entries, and batches to which affected records belong by their equipment."""

from collections.abc import Iterator

import msgspec
from sqlalchemy import select

from ledger.core.errors import LedgerError
from ledger.core.looks import Span
from ledger.core.members import Members
from ledger.core.record import Action, LinkKind, RecordBody
from ledger.findings.impact import Affected, Artefact, Reading, places
from ledger.store import schema
from ledger.store.position import index_of, pos_of
from ledger.store.reading import LogReader
from ledger.trace.batch import BATCH_KINDS, occupations
from ledger.trace.instants import occurred
from ledger.trace.kinds import PackageIssued
from ledger.trace.selection import ByBatch, Chosen, Selection, has_link, matches
from ledger.trace.tables import package_issued
from ledger.trace.windows import Occupation


def impact(reading: Reading, affected: Affected) -> Iterator[Artefact]:
    """Batches by equipment, then packages, log by log."""
    for log, members in sorted(affected.items()):
        yield from _by_equipment(reading, log, members)
    for log, members in sorted(affected.items()):
        yield from _packages(reading, log, members)


def _by_equipment(reading: Reading, log: int, members: Members) -> Iterator[Artefact]:
    """Batches that had the equipment of an affected record when it happened, or may have had."""
    known: dict[str, list[tuple[str, str, Occupation | None]]] = {}
    found: dict[tuple[str, str], int] = {}
    for index, equipment, span in sorted(_used(reading, log, members), key=lambda one: one[:2]):
        if equipment not in known:
            known[equipment] = list(_occupied(reading, log, equipment))
        for kind, name, occupation in known[equipment]:
            if span is None or occupation is None or _may_overlap(span, occupation):
                found.setdefault((kind, name), index)
    for (kind, name), index in sorted(found.items()):
        yield Artefact(sort=f"link:{kind}", id=name, because=reading.address(log, index))


def _used(reading: Reading, log: int, members: Members) -> Iterator[tuple[int, str, Span | None]]:
    """Equipment of affected records and when they happened: as their rows have it, and as their bodies do."""
    row, record = schema.record_link.c, schema.record.c
    for low, high in places(log, members):
        query = (
            select(row.pos, row.id, record.occurred_us)
            .outerjoin(schema.record, record.pos == row.pos)
            .where(row.kind == LinkKind.EQUIPMENT.value, row.pos >= low, row.pos < high)
        )
        for pos, name, at in reading.connection.execute(query):
            yield index_of(pos), name, None if at is None else Span(low_us=at, high_us=at, measured=False)
    for entry in reading.entries(log, members):
        for link in entry.body.record.links if isinstance(entry.body, RecordBody) else ():
            if link.kind is LinkKind.EQUIPMENT:
                yield entry.index, link.id, occurred(entry.body)


def _occupied(reading: Reading, log: int, equipment: str) -> Iterator[tuple[str, str, Occupation | None]]:
    """Everything that ever had this equipment, and from when to when; None where that cannot be told."""
    size = LogReader(reading.connection, log).head().size
    by, of, record = schema.record_link.alias("e").c, schema.record_link.alias("b").c, schema.record.c
    query = (
        select(of.kind, of.id)
        .distinct()
        .where(of.pos == by.pos, record.pos == by.pos)
        .where(by.kind == LinkKind.EQUIPMENT.value, by.id == equipment, record.action == Action.START.value)
        .where(of.kind.in_([kind.value for kind in BATCH_KINDS]))
        .where(by.pos >= pos_of(log, 0), by.pos < pos_of(log + 1, 0))
    )
    for kind, name in sorted((kind, name) for kind, name in reading.connection.execute(query)):
        try:
            for one in occupations(reading.connection, log, size, LinkKind(kind), name).intervals:
                if one.equipment == equipment:
                    yield kind, name, one
        except LedgerError:
            yield kind, name, None


def _may_overlap(span: Span, occupation: Occupation) -> bool:
    high = occupation.high_us
    return span.high_us >= occupation.low_us and (high is None or span.low_us <= high)


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
