"""Searches that somebody saved, as entries of the system log."""

from enum import StrEnum
from typing import Annotated, Final

import msgspec

from ledger.core.authority import Authority
from ledger.core.kinds import Kind
from ledger.core.record import Name, Text

Title = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class SavedEvent(StrEnum):
    """It was saved, perhaps once more with another question; or it is there no more."""

    SAVED = "saved"
    REMOVED = "removed"


class SavedQueryEntry(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="saved-query/1"
):
    """`owner` saved a search of log `log` under `name`, or it was removed.

    `query` and `where` are the canonical JSON of what is asked for (`store.question.Query`, `sources.narrowing.Where`):
    no person, whose every search takes a purpose. `columns`: those shown; the page's where there are none. `shared`:
    whoever may read sees it.
    """

    saved: Name
    event: SavedEvent
    name: Title
    owner: Name
    log: Name
    query: Text
    where: Text
    sort: Name
    authority: Authority
    ascending: bool = False
    columns: tuple[Name, ...] = ()
    shared: bool = False


KIND: Final = Kind("saved-query", [SavedQueryEntry])
KINDS = (KIND,)
