"""How long lies between records, and where many of them come close together."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from ledger.core.instants import PRECISION_US
from ledger.review.known.days import DAY_US
from ledger.review.known.facts import Told


class Burst(NamedTuple):
    """A record with which `told`, of which it is the last, became so many within a time; `sure` false: they may have,
    clocks leave it open.
    """

    told: Sequence[Told]
    sure: bool


def apart(one: Told, other: Told) -> tuple[int, int]:
    """The least and the most time (microseconds) from one record to another; less than nothing: it came before.

    What one clock said under one measurement is off by the same.
    """
    a, b = one.record.occurred_at, other.record.occurred_at
    same = one.record.source == other.record.source and one.body.clock == other.body.clock
    if same and a.instant_us is not None and b.instant_us is not None:
        between = b.instant_us - a.instant_us
        return between - PRECISION_US[a.precision] + 1, between + PRECISION_US[b.precision] - 1
    return other.about.low_us - one.about.high_us, other.about.high_us - one.about.low_us


def in_order(records: Sequence[Told]) -> list[Told]:
    """Records by their moments; what has the same one, by what its source calls it."""
    return sorted(records, key=lambda one: (one.moment_us, one.record.source, one.record.source_record_id))


class Row:
    """Records in order, of which those near another are asked. `reach_us`: so far from its moment each can have
    happened, at most.
    """

    def __init__(self, records: Sequence[Told], reach_us: int) -> None:
        self.records = in_order(records)
        self._moments = [one.moment_us for one in self.records]
        self._reach = reach_us

    def near(self, told: Told, within_us: int = 0) -> tuple[int, int]:
        """From which to before which place lies what can have happened so near to a record; what is before these
        places was before it without doubt, and what is behind them after it.
        """
        about, far = told.about, within_us + 2 * self._reach
        low = bisect_left(self._moments, about.low_us - far)
        return low, bisect_right(self._moments, about.high_us + far)

    def last(self, place: int) -> int:
        """From where on those lie of which one happened last before a place."""
        return bisect_left(self._moments, self._moments[place - 1] - 2 * self._reach) if place else 0


def by_days(records: Iterable[Told]) -> Collection[Sequence[Told]]:
    """Records by the days of their moments: what lies around those of one day is no long time."""
    days = defaultdict[int, list[Told]](list)
    for one in records:
        days[one.moment_us // DAY_US].append(one)
    return days.values()


def bursts(records: Sequence[Told], many: int, within_us: int) -> Iterator[Burst]:
    """Where records, which are in order, become `many` within a time; not again at those that only go on with it."""
    widest = max((one.about.high_us - one.about.low_us for one in records), default=0)
    before = 0
    for place, told in enumerate(records):
        sure, maybe = [told], 1
        for other in reversed(records[:place]):
            if told.moment_us - other.moment_us > within_us + 2 * widest:
                break
            least, most = apart(other, told)
            maybe += least <= within_us
            if most <= within_us:
                sure.append(other)
        if len(sure) >= many > before:
            yield Burst(sure[::-1], sure=True)
        elif maybe >= many > max(before, len(sure)):
            yield Burst([told], sure=False)
        before = len(sure)
