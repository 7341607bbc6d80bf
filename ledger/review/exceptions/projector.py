"""Projector of runs of the rules."""

from collections.abc import Iterable

from ledger.core.entry import Entry
from ledger.core.projector import Projector, Row
from ledger.core.rule_run import RuleRun
from ledger.review.exceptions import tables as t
from ledger.store.position import pos_of


class RuleRunProjector:
    """One row a run."""

    name = "rule-run"
    version = 1
    kinds = frozenset({"rule-run"})
    tables = (t.rule_run.name,)

    def rows(self, entry: Entry) -> Iterable[Row]:
        one: RuleRun = entry.body
        yield t.rule_run.name, (pos_of(entry.log, entry.index), one.low, one.size)


def projectors(_dialect: str) -> tuple[Projector, ...]:
    """The projector of runs."""
    return (RuleRunProjector(),)
