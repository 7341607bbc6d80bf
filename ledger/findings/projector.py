"""Projectors of findings and incidents."""

from collections.abc import Iterable
from typing import Final

from ledger.core.entry import Entry
from ledger.core.projector import Projector, Row, Valid
from ledger.findings import tables as t
from ledger.findings.kinds import Finding, Incident, RuleEvent, RuleFinding
from ledger.store.position import pos_of

RULE: Final = "rule"
"""The sort of a finding that a rule made."""


class FindingProjector:
    """One row a finding."""

    name = "finding"
    version = 1
    kinds = frozenset({"finding"})
    tables = (t.finding.name,)

    def rows(self, entry: Entry) -> Iterable[Row]:
        found: Finding | RuleFinding = entry.body
        sort = found.sort.value if isinstance(found, Finding) else RULE
        yield t.finding.name, (pos_of(entry.log, entry.index), sort, found.source, found.detail)


class RuleFindingProjector:
    """A key is a finding of a rule; what else is found concerns it not."""

    name = "rule-finding"
    version = 1
    kinds = frozenset({"finding"})
    table = t.rule_finding.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        one = entry.body
        if isinstance(one, RuleFinding):
            stands = int(one.event is RuleEvent.OPENED)
            yield Valid(one.key, (one.rule, one.version, one.anchor, one.source, one.severity.value, stands))


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
    return FindingProjector(), IncidentProjector(), RuleFindingProjector()
