"""Projectors of statements of completeness and of reconciliations: of which source and time there are some."""

from collections.abc import Iterable

from ledger.core.clock import parse_utc
from ledger.core.entry import Entry
from ledger.core.projector import Projector, Row
from ledger.sources import tables as t
from ledger.sources.complete_kinds import CoverageStatement
from ledger.sources.reconcile_kinds import Reconciliation
from ledger.store.position import pos_of


class StatementProjector:
    """One row a statement."""

    name = "coverage-statement"
    version = 1
    kinds = frozenset({"coverage-statement"})
    tables = (t.coverage_statement.name,)

    def rows(self, entry: Entry) -> Iterable[Row]:
        one: CoverageStatement = entry.body
        place = pos_of(entry.log, entry.index)
        yield t.coverage_statement.name, (place, one.source, parse_utc(one.from_at), parse_utc(one.to_at))


class ReconciliationProjector:
    """One row a reconciliation."""

    name = "reconciliation"
    version = 1
    kinds = frozenset({"reconciliation"})
    tables = (t.reconciliation.name,)

    def rows(self, entry: Entry) -> Iterable[Row]:
        one: Reconciliation = entry.body
        row = (pos_of(entry.log, entry.index), one.source, parse_utc(one.from_at), parse_utc(one.to_at), int(one.holds))
        yield t.reconciliation.name, row


def projectors(_dialect: str) -> tuple[Projector, ...]:
    """The projectors of both."""
    return StatementProjector(), ReconciliationProjector()
