"""The projector of changes: how each stands, from which entry on."""

from collections.abc import Iterable

from ledger.changes import tables as t
from ledger.core.change import ChangeEntry, ChangeEvent, ChangeState
from ledger.core.entry import Entry
from ledger.core.projector import Projector, Valid


class ChangeProjector:
    """A key is a change; one that was refused is as it was: it waits."""

    name = "change"
    version = 1
    kinds = frozenset({"change"})
    table = t.gmp_change.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        one: ChangeEntry = entry.body
        state = ChangeState.PROPOSED if one.event is ChangeEvent.REFUSED else ChangeState(one.event.value)
        yield Valid(one.change, (state.value, one.request, one.count))


def projectors(_dialect: str) -> tuple[Projector, ...]:
    """The projector of changes."""
    return (ChangeProjector(),)
