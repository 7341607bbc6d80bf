"""Projectors of what people enter by hand, and of what is excluded from evaluations."""

from collections.abc import Iterable

from ledger.core.entry import Entry
from ledger.core.members import Members
from ledger.core.projector import Projector, Row, Valid
from ledger.sources import tables as t
from ledger.sources.hand_kinds import ByHand, Exclusion, ExclusionEvent
from ledger.store.position import pos_of


class HandProjector:
    """Where each stands, of which record it is, and which it corrects."""

    name = "by-hand"
    version = 1
    kinds = frozenset({"by-hand"})
    table = t.by_hand.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        one: ByHand = entry.body
        yield Valid(one.hand, (one.state.value, one.record, one.corrects))


class ExclusionProjector:
    """One row a run of indices, when it is excluded and again when that is lifted."""

    name = "exclusion"
    version = 1
    kinds = frozenset({"exclusion"})
    tables = (t.exclusion_run.name,)

    def rows(self, entry: Entry) -> Iterable[Row]:
        one: Exclusion = entry.body
        place, excluded = pos_of(entry.log, entry.index), int(one.event is ExclusionEvent.EXCLUDED)
        for ordinal, (low, high) in enumerate(Members.read(one.members).runs()):
            yield t.exclusion_run.name, (place, ordinal, one.exclusion, low, high, excluded)


def projectors(_dialect: str) -> tuple[Projector, ...]:
    """The projectors of both."""
    return HandProjector(), ExclusionProjector()
