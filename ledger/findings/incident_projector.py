"""Projectors of integrity incidents."""

from collections.abc import Iterable

from ledger.core.entry import Entry
from ledger.core.projector import Projector, Row, Valid
from ledger.findings import incident_tables as t
from ledger.findings.incident_kinds import Epoch, IncidentCase
from ledger.store.position import pos_of


class CaseProjector:
    """The state of each case."""

    name = "incident-case"
    version = 1
    kinds = frozenset({"incident-case"})
    table = t.incident_case.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        body: IncidentCase = entry.body
        opened = entry.index if body.opening is None else body.opening
        yield Valid(body.case, (body.event.value, opened))


class EpochProjector:
    """One row an epoch."""

    name = "epoch"
    version = 1
    kinds = frozenset({"epoch"})
    tables = (t.log_epoch.name,)

    def rows(self, entry: Entry) -> Iterable[Row]:
        body: Epoch = entry.body
        yield t.log_epoch.name, (pos_of(entry.log, entry.index), body.case, body.origin, body.size)


def projectors(_dialect: str) -> tuple[Projector, ...]:
    """All projectors of incidents."""
    return CaseProjector(), EpochProjector()
