"""What a page says beside a record: entered by hand, corrected, excluded; with the way to the other record."""

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import Connection

from ledger.core.address import LogId, parse_address
from ledger.sources.hand_marks import Told, marks_of, marks_told


class ShownMark(msgspec.Struct, frozen=True):
    """The words, and the page of the other record, where the mark is about one."""

    words: str
    url: str | None


Marked = tuple[ShownMark, ...]
"""What is said beside one record."""


def shown_marks(
    connection: Connection, logs: Iterable[LogId], log: LogId, indices: Sequence[int], size: int
) -> dict[int, Marked]:
    """The marks of these records as of a size; `logs`: those of the ledger."""
    names = {one.origin: one.name for one in logs}
    found = marks_of(connection, log, indices, size)
    return {index: tuple(_shown(one, names) for one in marks_told(marks)) for index, marks in found.items()}


def _shown(one: Told, names: dict[str, str]) -> ShownMark:
    if one.address is None:
        return ShownMark(one.words, None)
    place = parse_address(one.address)
    name = names.get(place.origin)
    return ShownMark(one.words, None if name is None else f"/entries/{name}/{place.index}")
