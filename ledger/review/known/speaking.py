"""When sources speak, and where they are silent: by the moments of their records, each day read once."""

from bisect import bisect_right
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from sqlalchemy import Connection, select

from ledger.review.known.days import DAY_US, HOURS
from ledger.review.known.rows import there
from ledger.store import schema
from ledger.store.position import index_of

_MOST: Final = 1_000_000
"""Records whose moments are kept at hand."""


class Speaking:
    """Of a log as of a size. Moments are as the source claims them: what lies between two of them is its clock's."""

    def __init__(self, connection: Connection, log: int, size: int, bounds: tuple[int, int]) -> None:
        """`bounds`: the first and the last moment of any record."""
        self._connection = connection
        self._log = log
        self._size = size
        self._bounds = bounds
        self._days: dict[tuple[str, int], list[tuple[int, int]]] = {}

    def again(self, source: str, at_us: int, within_us: int) -> bool:
        """Whether a source speaks again after a moment, and no later than that."""
        for day in range(at_us // DAY_US, (at_us + within_us) // DAY_US + 1):
            told = self._day(source, day)
            place = bisect_right(told, at_us, key=lambda one: one[0])
            if place < len(told):
                return told[place][0] <= at_us + within_us
        return False

    def last(self, source: str, low_us: int, high_us: int, within_us: int) -> Iterator[int]:
        """The records of a time after which a source is silent for longer."""
        first, last = self._bounds
        days = range(max(low_us, first) // DAY_US, min(high_us, last) // DAY_US + 1)
        told = [one for day in days for one in self._day(source, day)]
        for (at_us, entry), (then_us, _) in pairwise([*told, (high_us + within_us + 1, -1)]):
            if then_us - at_us > within_us:
                yield entry

    def _day(self, source: str, day: int) -> list[tuple[int, int]]:
        key = source, day
        if key not in self._days:
            if sum(map(len, self._days.values())) > _MOST:
                self._days.clear()
            row = schema.record.c
            hours = row.hour.in_(range(day * HOURS, (day + 1) * HOURS))
            chosen = select(row.at_us, row.pos).where(hours, row.source == source, *there(self._log, self._size))
            self._days[key] = sorted((at_us, index_of(pos)) for at_us, pos in self._connection.execute(chosen))
        return self._days[key]
