"""How far from its moment a record can have happened, by source and day: so far around it others matter to it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Final

from ledger.core.clock import MICROSECONDS
from ledger.review.known.days import DAY_US
from ledger.review.known.facts import Told
from ledger.review.known.records import MAX_CLOCK_ERROR_US

LEAST_US: Final = 60 * MICROSECONDS
"""So far every record is taken to reach: most clocks are no further off."""
_UNKNOWN_US: Final = MAX_CLOCK_ERROR_US // 4
"""So far where nobody looked: what lies within a day is then near (`fields.NEAR`)."""

Stretches = Mapping[str, Sequence[tuple[int, int, int]]]
"""By source: from which day to which, both included, some record reaches further than `LEAST_US`, and how far."""


class Reach:
    """Of the records of a log as of a size. `stretches` null: nobody looked how far they reach."""

    def __init__(self, stretches: Stretches | None = None) -> None:
        self._days: dict[str, dict[int, int]] | None = None
        if stretches is not None:
            self._days = defaultdict(dict)
            for source, of in stretches.items():
                self._days[source] = {day: us for first, last, us in of for day in range(first, last + 1)}

    def over(self, source: str, low_us: int, high_us: int) -> int:
        """How far the records reach that can have happened between two instants, at most (microseconds)."""
        if self._days is None:
            return _UNKNOWN_US
        days = self._days.get(source)
        if not days:
            return LEAST_US
        first, last = (low_us - MAX_CLOCK_ERROR_US) // DAY_US, (high_us + MAX_CLOCK_ERROR_US) // DAY_US
        return max(LEAST_US, *(days.get(day, 0) for day in range(first, last + 1)))

    def widen(self, records: Iterable[Told]) -> None:
        """Takes further records of the log in."""
        assert self._days is not None, "nobody looked at those before"
        for told in records:
            if told.span is None:
                continue
            far = max(told.moment_us - told.span.low_us, told.span.high_us - told.moment_us)
            if far > LEAST_US:
                days, day = self._days[told.record.source], told.moment_us // DAY_US
                days[day] = max(days.get(day, 0), _step(far))

    def stretches(self) -> Stretches:
        """All that is known, to begin again with."""
        assert self._days is not None, "nobody looked at any"
        return {source: list(_joined(days)) for source, days in sorted(self._days.items()) if days}


def _step(far_us: int) -> int:
    """In few steps, so that neighbouring days are mostly alike."""
    step = LEAST_US
    while step < far_us and step < MAX_CLOCK_ERROR_US:
        step *= 2
    return min(step, MAX_CLOCK_ERROR_US)


def _joined(days: Mapping[int, int]) -> Iterable[tuple[int, int, int]]:
    """Days in a row that are alike, as one stretch."""
    for (_, us), group in groupby(enumerate(sorted(days)), key=lambda one: (one[1] - one[0], days[one[1]])):
        found = [day for _, day in group]
        yield found[0], found[-1], us
