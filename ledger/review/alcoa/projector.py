"""Projector of assessments."""

from collections.abc import Iterable

from ledger.core.assessment import Assessment
from ledger.core.entry import Entry
from ledger.core.projector import Projector, Row
from ledger.review.alcoa import tables as t
from ledger.review.known.days import day_of
from ledger.store.position import pos_of


class AssessmentProjector:
    """One row an entry, and one for each attribute of each of its blocks."""

    name = "assessment"
    version = 1
    kinds = frozenset({"assessment"})
    tables = (t.assessment.name, t.assessed.name)

    def rows(self, entry: Entry) -> Iterable[Row]:
        one: Assessment = entry.body
        place = pos_of(entry.log, entry.index)
        yield t.assessment.name, (place, one.low, one.size, int(one.last))
        tallies = ((block, tally) for block in one.blocks for tally in block.tallies)
        for ordinal, (block, tally) in enumerate(tallies):
            numbers = (tally.passed, tally.failed, tally.open)
            yield (
                t.assessed.name,
                (place, ordinal, block.source, day_of(block.day), tally.attribute.value, *numbers),
            )


def projectors(_dialect: str) -> tuple[Projector, ...]:
    """The projector of assessments."""
    return (AssessmentProjector(),)
