"""C04 and C05: it was written down when it happened, by a clock that is known to be right."""

from ledger.core.clock import MICROSECONDS, parse_utc
from ledger.core.instants import PRECISION_US
from ledger.core.parameters import Limits
from ledger.review.alcoa.attributes import Verdict
from ledger.review.known.facts import Facts

_MINUTE_US = 60 * MICROSECONDS


def in_time(facts: Facts) -> Verdict:
    """Written down neither later after it happened nor earlier than the limits allow.

    Both times are of one clock, so its error does not count. What the text of either leaves open below its precision is
    taken in the record's favour.
    """
    limits, record = facts.value(Limits), facts.told.record
    if limits is None:
        return Verdict.NO_LIMIT
    occurred, written = record.occurred_at, record.source_recorded_at
    if occurred.instant_us is None:
        return Verdict.NO_OCCURRED_TIME
    if written is None or written.instant_us is None:
        return Verdict.NO_RECORDED_TIME
    apart = written.instant_us - occurred.instant_us
    if apart - (PRECISION_US[occurred.precision] - 1) > limits.late_s * MICROSECONDS:
        return Verdict.LATE
    if apart + (PRECISION_US[written.precision] - 1) < -limits.early_s * MICROSECONDS:
        return Verdict.EARLY
    return Verdict.HOLDS


def clock_known(facts: Facts) -> Verdict:
    """The source's clock was measured near the event, and was not further off than is allowed.

    As near as the event can have been, and as right as the measurement leaves possible.
    """
    limits, clock = facts.value(Limits), facts.told.body.clock
    if limits is None:
        return Verdict.NO_LIMIT
    if clock is None:
        return Verdict.NO_CLOCK
    measured, about = parse_utc(clock.measured_at), facts.told.about
    if max(about.low_us - measured, measured - about.high_us) > limits.clock_within_minutes * _MINUTE_US:
        return Verdict.CLOCK_OLD
    error = abs(clock.offset_us) - clock.uncertainty_us
    return Verdict.CLOCK_OFF if error > limits.clock_tolerance_ms * 1000 else Verdict.HOLDS
