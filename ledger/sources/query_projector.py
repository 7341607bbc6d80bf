"""The projector of saved searches."""

from collections.abc import Iterable

from ledger.core.entry import Entry
from ledger.core.projector import Projector, Valid
from ledger.sources import tables as t
from ledger.sources.query_kinds import SavedEvent, SavedQueryEntry


class SavedQueryProjector:
    """Which searches are saved, and whose they are."""

    name = "saved-query"
    version = 1
    kinds = frozenset({"saved-query"})
    table = t.saved_query.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        body: SavedQueryEntry = entry.body
        there = body.event is SavedEvent.SAVED
        yield Valid(body.saved, (body.owner, body.name, int(body.shared)) if there else None)


def projectors(_dialect: str) -> tuple[Projector, ...]:
    """The projector of saved searches."""
    return (SavedQueryProjector(),)
