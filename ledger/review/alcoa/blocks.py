"""Blocks: the records of a source of one day, assessed together; and which of them entries can have changed."""

from collections.abc import Iterator
from itertools import groupby
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, func, select

from ledger.core.assessment import Attribute
from ledger.core.errors import IntegrityError
from ledger.review.alcoa.assess import Assessor
from ledger.review.alcoa.cells import BlockCells, grouped, read
from ledger.review.alcoa.tables import assessed
from ledger.review.known.days import HOURS, day_text
from ledger.review.known.rows import there
from ledger.store import schema
from ledger.store.position import index_of, pos_of
from ledger.store.reading import VaultReader

TOGETHER: Final = 4_000
"""Records that are judged at once: what lies around them is read once for all."""
_EVER: Final = (-(2**31), 2**31 - 1)
_KEPT: Final = 4
"""Entries of which the cells are kept at hand."""


class Place(NamedTuple):
    """A block: its source and its day (from 1970-01-01 on)."""

    source: str
    day: int


def assess_block(assessor: Assessor, place: Place) -> BlockCells:
    """The verdicts on all records of a block that are there as of the assessor's size."""
    row = schema.record.c
    chosen = (
        select(row.pos)
        .where(
            row.source == place.source,
            row.hour.between(place.day * HOURS, place.day * HOURS + HOURS - 1),
            *there(assessor.log, assessor.size),
        )
        .order_by(row.at_us, row.pos)
    )
    places = assessor.connection.scalars(chosen).all()
    found = (
        (one.index, one.cells)
        for at in range(0, len(places), TOGETHER)
        for one in assessor.assess(map(index_of, places[at : at + TOGETHER]))
    )
    return BlockCells.of(place.source, day_text(place.day), grouped(found))


def every(connection: Connection, log: int, size: int) -> list[Place]:
    """All blocks with records as of a size, and those that had some when they were assessed, in order."""
    row = assessed.c
    before = connection.execute(
        select(row.source, row.day).where(row.pos.between(pos_of(log, 0), pos_of(log, size) - 1)).distinct()
    )
    return sorted({Place(*one) for one in before} | set(_within(connection, log, size, *_EVER)))


def touched(connection: Connection, log: int, low: int, size: int) -> list[Place]:
    """The blocks that records from `low` to before `size` can change: of all sources those of their days and of the
    days around them, as a clock's error, a series or a companion reaches from one to the next.
    """
    row = schema.record.c
    hours = connection.scalars(
        select(row.hour).where(row.pos.between(pos_of(log, low), pos_of(log, size) - 1)).distinct()
    )
    days = sorted({hour // HOURS + near for hour in hours for near in (-1, 0, 1)})
    found: set[Place] = set()
    for _, run in groupby(enumerate(days), key=lambda one: one[1] - one[0]):
        of_run = [day for _, day in run]
        found.update(_within(connection, log, size, of_run[0] * HOURS, of_run[-1] * HOURS + HOURS - 1))
    return sorted(found)


def _within(connection: Connection, log: int, size: int, low: int, high: int) -> Iterator[Place]:
    row = schema.record.c
    chosen = select(row.source, row.hour).where(row.hour.between(low, high), *there(log, size)).distinct()
    return (Place(source, hour // HOURS) for source, hour in connection.execute(chosen))


def newest(log: int, size: int) -> ColumnElement[bool]:
    """The rows of `assessed` that hold as of a size: of a block those of its newest entry."""
    row, later = assessed.c, assessed.alias().c
    again = select(later.pos).where(
        later.source == row.source,
        later.day == row.day,
        later.attribute == row.attribute,
        later.pos > row.pos,
        later.pos < pos_of(log, size),
    )
    return and_(row.pos.between(pos_of(log, 0), pos_of(log, size) - 1), ~again.exists())


class Held:
    """The cells of blocks as entries have them, as of a size of the log."""

    def __init__(self, connection: Connection, log: int, size: int) -> None:
        self._connection = connection
        self._log = log
        self._size = size
        self._entries: dict[int, dict[tuple[str, str], BlockCells]] = {}

    def of(self, place: Place) -> tuple[int, BlockCells] | None:
        """The newest entry of a block, and its cells there; None where it was never assessed."""
        row = assessed.c
        pos = self._connection.scalar(
            select(func.max(row.pos)).where(
                row.source == place.source,
                row.day == place.day,
                row.attribute == Attribute.ATTRIBUTABLE,
                row.pos.between(pos_of(self._log, 0), pos_of(self._log, self._size) - 1),
            )
        )
        return None if pos is None else (index_of(pos), self.at(index_of(pos), place))

    def at(self, entry: int, place: Place) -> BlockCells:
        """The cells of a block in an entry; raises IntegrityError where it has none."""
        found = self._entries.get(entry)
        if found is None:
            kept = VaultReader(self._connection).original(self._log, entry)
            found = {(one.source, one.day): one for one in read(b"" if kept is None else kept.value)}
            while len(self._entries) >= _KEPT:
                del self._entries[next(iter(self._entries))]
            self._entries[entry] = found
        cells = found.get((place.source, day_text(place.day)))
        if cells is None:
            raise IntegrityError(f"the cells of entry {entry} lack {place.source} of {day_text(place.day)}: verify")
        return cells
