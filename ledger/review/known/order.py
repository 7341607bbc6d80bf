"""Which of two records happened first, where that can be told."""

from collections.abc import Callable

from ledger.core.instants import PRECISION_US
from ledger.core.sequences import cut
from ledger.review.known.facts import Told


class Order:
    """Known: spans that do not meet; two claims by one clock under one measurement, whose error is the same; numbers of
    one series that never begins again.
    """

    def __init__(self, wraps: Callable[[Told], int | None]) -> None:
        """`wraps`: after how many the counter behind a record begins again; None: never."""
        self._wraps = wraps

    def first(self, one: Told, other: Told) -> Told | None:
        """The one that happened first; None where that cannot be told."""
        a, b = one.span, other.span
        if a is not None and b is not None:
            if a.high_us < b.low_us:
                return one
            if b.high_us < a.low_us:
                return other
        if one.record.source != other.record.source:
            return None
        return self._by_claim(one, other) or self._by_number(one, other)

    def between(self, one: Told, low: Told, high: Told) -> bool | None:
        """Whether a record happened after one and before another; None where that cannot be told."""
        after, before = self.first(low, one), self.first(one, high)
        if after is one or before is high:
            return False
        return None if after is None or before is None else True

    def _by_claim(self, one: Told, other: Told) -> Told | None:
        a, b = one.record.occurred_at, other.record.occurred_at
        if a.instant_us is None or b.instant_us is None or one.body.clock != other.body.clock:
            return None
        if a.instant_us + PRECISION_US[a.precision] <= b.instant_us:
            return one
        return other if b.instant_us + PRECISION_US[b.precision] <= a.instant_us else None

    def _by_number(self, one: Told, other: Told) -> Told | None:
        (series, a), (of, b) = cut(one.record.source_sequence), cut(other.record.source_sequence)
        if a is None or b is None or a == b or series != of or self._wraps(one) is not None:
            return None
        return one if a < b else other
