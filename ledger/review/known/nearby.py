"""The records of sources around some records, by whole hours."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Final

from sqlalchemy import Column, Connection, select

from ledger.review.known.facts import Told
from ledger.review.known.reach import Reach
from ledger.review.known.records import Records
from ledger.review.known.rows import there
from ledger.store import schema
from ledger.store.position import index_of
from ledger.store.records import HOUR_US

_AT_ONCE: Final = 200
"""Hours of one statement."""


class Nearby:
    """Of a log as of a size."""

    def __init__(self, connection: Connection, log: int, size: int, records: Records, reach: Reach) -> None:
        self._connection = connection
        self._log = log
        self._size = size
        self._records = records
        self._reach = reach

    def acts(self, told: Iterable[Told], back_us: int, on_us: int, actions: Collection[str]) -> list[Told]:
        """The records of the same sources and of these actions that can have happened from so long before one of these
        to so long after it, and some around; in the order of the log.
        """
        return self._read(told, back_us, on_us, schema.record.c.action, actions)

    def things(self, told: Iterable[Told], back_us: int, on_us: int, types: Collection[str]) -> list[Told]:
        """The same of records of these types of objects."""
        return self._read(told, back_us, on_us, schema.record.c.object_type, types)

    def _read(
        self, told: Iterable[Told], back_us: int, on_us: int, column: Column[str], values: Collection[str]
    ) -> list[Told]:
        hours: dict[str, set[int]] = defaultdict(set)
        for one in told:
            low, high, source = one.about.low_us - back_us, one.about.high_us + on_us, one.record.source
            reach = self._reach.over(source, low, high)
            hours[source].update(range((low - reach) // HOUR_US, (high + reach) // HOUR_US + 1))
        row, found = schema.record.c, set[int]()
        for source, every in hours.items():
            ordered = sorted(every)
            for at in range(0, len(ordered), _AT_ONCE):
                held = row.hour.in_(ordered[at : at + _AT_ONCE]), column.in_(sorted(values)), row.source == source
                chosen = select(row.pos).where(*held, *there(self._log, self._size))
                found.update(map(index_of, self._connection.scalars(chosen)))
        return list(self._records.told(sorted(found)).values())
