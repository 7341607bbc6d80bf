"""Spans of time: an instant that is known to lie somewhere, and the two looks between which something happened."""

import msgspec

from ledger.core.clock import parse_utc
from ledger.core.errors import NotCanonical
from ledger.core.record import RecordBody


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """An instant is somewhere from `low_us` to `high_us` (inclusive, microseconds UTC, by the collector's clock).

    `measured`: the source's clock was measured; where it was not, nothing is known of its error and none is added.
    """

    low_us: int
    high_us: int
    measured: bool


def looked(body: RecordBody) -> Span | None:
    """Between which two looks of its collector the record happened, where its source names no instant.

    Looks are of the collector's clock, so no error of the source's clock comes into it. None where an instant is named,
    or where no old and new value was inferred from two looks.
    """
    if body.record.occurred_at.instant_us is not None:
        return None
    intervals = [change.inferred for change in body.record.changes if change.inferred is not None]
    try:
        bounds = [(parse_utc(one.after), parse_utc(one.before)) for one in intervals]
    except NotCanonical:
        return None
    if not bounds:
        return None
    low, high = min(low for low, _ in bounds), max(high for _, high in bounds)
    return Span(low_us=low, high_us=high, measured=True) if low <= high else None


def moment_us(body: RecordBody) -> int:
    """When a record happened: its source's claim, else the later of the two looks, else when it was received.

    Microseconds UTC. Raises NotCanonical where the time of receipt is none.
    """
    if body.record.occurred_at.instant_us is not None:
        return body.record.occurred_at.instant_us
    between = looked(body)
    return parse_utc(body.received_at) if between is None else between.high_us


def within(span: Span, low_us: int, high_us: int | None) -> bool:
    """Whether all of a span lies between two instants; without the second, after the first."""
    return low_us <= span.low_us and (high_us is None or span.high_us <= high_us)
