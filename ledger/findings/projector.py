"""Projectors of findings and incidents."""

from collections.abc import Iterable

from ledger.core.entry import Entry
from ledger.core.projector import Projector, Row
from ledger.findings import tables as t
from ledger.findings.kinds import Finding, Incident
from ledger.store.position import pos_of


class FindingProjector:
    """One row a finding."""

    name = "finding"
    version = 1
    kinds = frozenset({"finding"})
    tables = (t.finding.name,)

    def rows(self, entry: Entry) -> Iterable[Row]:
        found: Finding = entry.body
        yield t.finding.name, (pos_of(entry.log, entry.index), found.sort.value, found.source, found.detail)


class IncidentProjector:
    """One row an incident."""

    name = "incident"
    version = 1
    kinds = frozenset({"incident"})
    tables = (t.incident.name,)

    def rows(self, entry: Entry) -> Iterable[Row]:
        incident: Incident = entry.body
        yield t.incident.name, (pos_of(entry.log, entry.index), incident.code, incident.source, incident.detail)


def projectors(_dialect: str) -> tuple[Projector, ...]:
    """All projectors of this domain."""
    return FindingProjector(), IncidentProjector()
