"""When a record happened, as an interval: what its source claimed, corrected by its clock, widened by what is unknown.

Two records can be put in order only where their intervals do not overlap; elsewhere the answer is "cannot order".
"""

from typing import Final

from ledger.core.looks import Span
from ledger.core.record import RecordBody
from ledger.core.times import Precision

PRECISION_US: Final = {
    Precision.YEAR: 366 * 86_400_000_000,
    Precision.MONTH: 31 * 86_400_000_000,
    Precision.DAY: 86_400_000_000,
    Precision.MINUTE: 60_000_000,
    Precision.SECOND: 1_000_000,
    Precision.MILLISECOND: 1_000,
    Precision.MICROSECOND: 1,
    Precision.NANOSECOND: 1,
}
"""Length of the interval that a text of each precision names, in microseconds (a month and a year at their longest)."""


def occurred(body: RecordBody) -> Span | None:
    """When the record happened; None where its source names no instant."""
    claimed = body.record.occurred_at
    if claimed.instant_us is None:
        return None
    low = claimed.instant_us
    high = low + PRECISION_US[claimed.precision] - 1
    clock = body.clock
    if clock is None:
        return Span(low_us=low, high_us=high, measured=False)
    return Span(
        low_us=low - clock.offset_us - clock.uncertainty_us,
        high_us=high - clock.offset_us + clock.uncertainty_us,
        measured=True,
    )


def cannot_order(one: Span, other: Span) -> bool:
    """Whether it is unknown which of the two came first."""
    return one.low_us <= other.high_us and other.low_us <= one.high_us
