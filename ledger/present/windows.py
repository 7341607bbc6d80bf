"""Windows over one of a record's times: read in a zone, and told so that nobody has to guess how they were read."""

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from ledger.core.errors import InvalidEntry, SchemaViolation
from ledger.core.times import Precision
from ledger.present.messages import message
from ledger.present.times import duration, moment, parse_local

_HOUR_US: Final = 3_600_000_000
_UTC: Final = ZoneInfo("UTC")
_MOST_US: Final = 2**53 - 1
"""As far from 1970 as the members of a query reach (`SafeInt`)."""


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """How a window over one of a record's times (`time`) was read: from inclusive to exclusive, in UTC and as clocks
    in `zone` show it; null: without end on that side. `length_us` is its length: a day on which clocks change has 23
    or 25 hours.
    """

    time: str
    zone: str
    from_utc: str | None
    to_utc: str | None
    from_local: str | None
    to_local: str | None
    length_us: int | None


def instant_of(name: str, text: str, zone: ZoneInfo | None) -> int:
    """Microseconds of an instant that the parameter `name` holds, read as by `parse_local`; without a zone it must have
    an offset. Raises SchemaViolation, naming the parameter.
    """
    try:
        at = datetime.fromisoformat(text.strip())
        if zone is None and at.tzinfo is None:
            raise SchemaViolation(message("time.no-offset", name=name, text=text.strip()[:40]))
    except ValueError:
        pass  # parse_local says what is wrong with it
    try:
        instant = parse_local(text, zone or _UTC)
    except InvalidEntry as error:
        raise SchemaViolation(f"{name}: {error.message}", advice=error.advice) from None
    if not -_MOST_US <= instant <= _MOST_US:
        raise SchemaViolation(message("time.far", name=name, text=text.strip()[:40]))
    return instant


def window(time: str, from_us: int | None, to_us: int | None, zone: ZoneInfo) -> Window | None:
    """How the window over `time` was read, told in this zone; None where there is none."""
    if from_us is None and to_us is None:
        return None
    begins, ends = (None if at is None else moment(at, zone, Precision.MICROSECOND) for at in (from_us, to_us))
    return Window(
        time=time,
        zone=zone.key,
        from_utc=None if begins is None else begins.iso,
        to_utc=None if ends is None else ends.iso,
        from_local=None if begins is None else f"{begins.local} {begins.zone}",
        to_local=None if ends is None else f"{ends.local} {ends.zone}",
        length_us=None if from_us is None or to_us is None else to_us - from_us,
    )


def window_told(found: Window) -> str:
    """A window as a person reads it: its ends as clocks in its zone show them, and its length."""
    length = "" if found.length_us is None else message("window.length", length=hours(found.length_us))
    return message(
        f"window.{found.time}",
        begin=found.from_local or message("window.no-begin"),
        end=found.to_local or message("window.no-end"),
        length=length,
    )


def hours(microseconds: int) -> str:
    """A length of time in hours where it is a whole number of them, else as `duration`: a day may have 23 or 25."""
    whole, rest = divmod(microseconds, _HOUR_US)
    return duration(microseconds) if rest or whole > 99 else f"{whole} h"
