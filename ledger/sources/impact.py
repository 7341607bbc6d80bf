"""Batches, lots and whatever else affected records are linked to, by what the records say of themselves."""

from collections.abc import Iterator

from sqlalchemy import select

from ledger.core.record import RecordBody
from ledger.findings.impact import Affected, Artefact, Reading, places
from ledger.store import schema
from ledger.store.position import index_of


def impact(reading: Reading, affected: Affected) -> Iterator[Artefact]:
    """Each link once, by the first affected record that has it: in the table of links, or in the record's own body."""
    row = schema.record_link.c
    for log, members in sorted(affected.items()):
        found: dict[tuple[str, str], int] = {}
        for low, high in places(log, members):
            query = select(row.kind, row.id, row.pos).where(row.pos >= low, row.pos < high)
            for kind, name, pos in reading.connection.execute(query):
                found[kind, name] = min(index_of(pos), found.get((kind, name), index_of(pos)))
        for entry in reading.entries(log, members):
            for link in entry.body.record.links if isinstance(entry.body, RecordBody) else ():
                key = link.kind.value, link.id
                found[key] = min(entry.index, found.get(key, entry.index))
        for (kind, name), index in sorted(found.items()):
            yield Artefact(sort=f"link:{kind}", id=name, because=reading.address(log, index))
