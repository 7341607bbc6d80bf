"""What a source says of time, kept as it said it.

Four times stand on every record and are never merged: `occurred_at` and `source_recorded_at` (claims of the source,
both `SourceTime`), `received_at` (the collector's clock) and `logged_at` (the sequencer's).
"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from ledger.core.errors import InvalidEntry

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MAX_SAFE = 2**53 - 1
SafeInt = Annotated[int, msgspec.Meta(ge=-_MAX_SAFE, le=_MAX_SAFE)]
"""An integer that IEEE 754 doubles, and so RFC 8785, hold without loss."""


class Precision(StrEnum):
    """The finest unit that the source's text states; what lies below it is unknown, not zero."""

    YEAR = "year"
    MONTH = "month"
    DAY = "day"
    MINUTE = "minute"
    SECOND = "second"
    MILLISECOND = "millisecond"
    MICROSECOND = "microsecond"
    NANOSECOND = "nanosecond"


class Basis(StrEnum):
    """Where the offset came from: stated by the source, assumed from its configured zone, or not known."""

    SOURCE_ZONE = "source-zone"
    ASSUMED = "assumed"
    NONE = "none"


class SourceTime(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """A source's claim of an instant: its own text, and the instant that we read from it, if one can be read.

    `instant_us` is microseconds since the Unix epoch, UTC; null where the text names no instant, or one that is further
    off than a safe integer reaches (285 years). `offset` is the UTC offset as `+01:00`, `zone` an IANA name.
    """

    text: str
    precision: Precision
    basis: Basis
    instant_us: SafeInt | None = None
    offset: str | None = None
    zone: str | None = None


class Clock(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A source's clock as measured by its collector: `offset_us` is source minus collector, ± `uncertainty_us`."""

    offset_us: SafeInt
    uncertainty_us: SafeInt
    measured_at: str
    method: str


def from_datetime(moment: datetime, text: str | None = None) -> SourceTime:
    """The claim of a source that gives an aware datetime; a naive one raises InvalidEntry."""
    if moment.tzinfo is None:
        raise InvalidEntry(f"{moment.isoformat()} carries no UTC offset")
    return _aware(moment, text or moment.isoformat(), Precision.MICROSECOND, Basis.SOURCE_ZONE, None)


def _aware(moment: datetime, text: str, precision: Precision, basis: Basis, zone: str | None) -> SourceTime:
    offset = "+00:00"
    if moment.tzinfo is not UTC and moment.utcoffset():
        digits = moment.strftime("%z")
        offset = f"{digits[:3]}:{digits[3:5]}"
    micros = (moment - _EPOCH) // _MICROSECOND
    instant = micros if abs(micros) <= _MAX_SAFE else None
    return SourceTime(text=text, precision=precision, basis=basis, instant_us=instant, offset=offset, zone=zone)


def parse_source_time(text: str, assumed_zone: str | None = None) -> SourceTime:
    """Reads an ISO 8601 / RFC 3339 text; a text without offset is read in `assumed_zone` and marked *assumed*.

    A text that cannot be read, and one that names a local time that did not exist or existed twice in that zone,
    keeps its words with `instant_us` null: the claim is never bent into an instant.
    """
    digits = _fraction_digits(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return SourceTime(text=text, precision=Precision.SECOND, basis=Basis.NONE)
    precision = _precision(text, digits)
    if moment.tzinfo is not None:
        return _aware(moment, text, precision, Basis.SOURCE_ZONE, None)
    if assumed_zone is None:
        return SourceTime(text=text, precision=precision, basis=Basis.NONE)
    try:
        zone = ZoneInfo(assumed_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder of zones, such as Europe
        raise InvalidEntry(f"{assumed_zone!r} is not a known time zone", advice="Use an IANA name.") from None
    early, late = (moment.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if early.utcoffset() != late.utcoffset():
        return SourceTime(text=text, precision=precision, basis=Basis.ASSUMED, zone=assumed_zone)
    return _aware(early, text, precision, Basis.ASSUMED, assumed_zone)


def _fraction_digits(text: str) -> int:
    _, dot, rest = text.partition(".")
    return len(rest) - len(rest.lstrip("0123456789")) if dot else 0


def _precision(text: str, fraction_digits: int) -> Precision:
    if fraction_digits > 6:
        return Precision.NANOSECOND
    if fraction_digits > 3:
        return Precision.MICROSECOND
    if fraction_digits:
        return Precision.MILLISECOND
    if len(text) <= 10:
        return Precision.DAY
    return (
        Precision.SECOND
        if text.count(":") >= 2 + ("+" in text and text.rpartition("+")[2].count(":"))
        else (Precision.MINUTE)
    )
