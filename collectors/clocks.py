"""A source's clock, from one answer that tells its time."""

from ledger.core.clock import utc_text
from ledger.core.times import Clock


def clock_told(told_us: int, asked_us: int, answered_us: int, method: str, resolution_us: int = 0) -> Clock:
    """The clock of a source that told its time between two instants of ours; all in microseconds.

    It may have told it anywhere within the round trip, so half of that is uncertain; a time cut off to whole units of
    `resolution_us` is taken to be in the middle of its unit.
    """
    return Clock(
        offset_us=told_us + resolution_us // 2 - (asked_us + answered_us) // 2,
        uncertainty_us=(resolution_us + 1) // 2 + (answered_us - asked_us + 1) // 2,
        measured_at=utc_text(answered_us),
        method=method,
    )
