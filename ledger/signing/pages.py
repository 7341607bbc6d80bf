"""What a request or a signature is about, page by page: a set can be too large to be told at once."""

from collections.abc import Iterator
from itertools import islice
from typing import Final

import msgspec

from ledger.core.members import Members
from ledger.core.progress import MAX_SHOWN
from ledger.signing.sets import decoded
from ledger.store.reading import LogReader
from ledger.store.store import Store

MAX_BYTES: Final = 4 << 20
"""Bodies of one page are together no longer than this, but for the last of them."""


class SetPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some of `count` entries of a log, in order; the next page begins with `next_from`. None: this was the last."""

    log: str
    count: int
    entries: tuple[int, ...]
    next_from: int | None


def page_of(log: str, members: Members, begin: int, most: int = MAX_SHOWN) -> SetPage:
    """The first entries from index `begin` on, `most` at most."""
    found = tuple(islice(members.since(begin), most + 1))
    return SetPage(
        log=log, count=len(members), entries=found[:most], next_from=found[most] if len(found) > most else None
    )


def shown_of(
    store: Store, reader: LogReader, members: Members, begin: int, most: int
) -> Iterator[tuple[int, msgspec.Struct]]:
    """Index and body of the first entries from `begin` on, as many as one page shows."""
    left = MAX_BYTES
    for stored in reader.chosen(islice(members.since(begin), most)):
        yield stored.index, decoded(store, stored)
        left -= len(stored.body or b"")
        if left <= 0:
            return
