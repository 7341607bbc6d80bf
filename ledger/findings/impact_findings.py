"""Findings that rest on affected entries: those about them, and those that are affected themselves."""

from collections.abc import Iterator

from sqlalchemy import select

from ledger.findings.impact import Affected, Artefact, Reading
from ledger.findings.kinds import Finding
from ledger.findings.tables import finding
from ledger.store.position import index_of, pos_of


def impact(reading: Reading, affected: Affected) -> Iterator[Artefact]:
    """Each finding of a log, in its order."""
    for log, members in sorted(affected.items()):
        row = finding.c
        span = row.pos >= pos_of(log, 0), row.pos < pos_of(log + 1, 0)
        listed = {index_of(pos) for pos in reading.connection.scalars(select(row.pos).where(*span))}
        for index in sorted(listed):
            entry = reading.entry(log, index)
            about = entry.body.entries if entry is not None and isinstance(entry.body, Finding) else ()
            because = next((one for one in (*about, index) if one in members), None)
            if because is not None:
                at = reading.address(log, index)
                yield Artefact(sort="finding", id=at, at=at, because=reading.address(log, because))
