"""Which records change attributes near others in time, of whatever object: by the hours in which they happened."""

from collections.abc import Collection, Iterable, Iterator
from typing import Final, NamedTuple

from sqlalchemy import Connection, select

from ledger.review.known.cases import Elsewhere
from ledger.review.known.facts import Told
from ledger.review.known.reach import Reach
from ledger.store import schema
from ledger.store.position import index_of
from ledger.store.records import HOUR_US
from ledger.trace.bodies import of_log

_AT_ONCE: Final = 400
"""Hours of one statement."""


class Around(NamedTuple):
    """From so long before each of these records to so long after it."""

    told: Iterable[Told]
    back_us: int
    on_us: int
    reach: Reach

    def hours(self, sources: Collection[str]) -> list[int]:
        """The hours in which what these sources tell can have happened then."""
        found = set[int]()
        for one in self.told:
            low, high = one.about.low_us - self.back_us, one.about.high_us + self.on_us
            reach = max((self.reach.over(source, low, high) for source in sources), default=0)
            found.update(range((low - reach) // HOUR_US, (high + reach) // HOUR_US + 1))
        return sorted(found)


def changed(
    connection: Connection, log: int, size: int, of: Elsewhere, attributes: Collection[str], around: Around
) -> Iterator[int]:
    """The records of these systems and types that change one of these attributes then, and some around it."""
    row, hours = schema.record_change.c, around.hours(of.sources)
    for at in range(0, len(hours), _AT_ONCE):
        chosen = select(row.pos).where(
            row.hour.in_(hours[at : at + _AT_ONCE]), row.source.in_(of.sources), row.object_type.in_(sorted(of.types)),
            row.attribute.in_(sorted(attributes)), of_log(row.pos, log, size),
        )  # fmt: skip
        yield from map(index_of, connection.scalars(chosen))
