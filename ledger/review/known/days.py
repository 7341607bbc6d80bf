"""Days (UTC) as numbers from 1970-01-01 on, and the periods that they make up."""

from calendar import monthrange
from datetime import date
from enum import StrEnum
from typing import Final

from ledger.core.errors import SchemaViolation

HOURS: Final = 24
DAY_US: Final = 86_400_000_000
_EPOCH: Final = date(1970, 1, 1).toordinal()


class Period(StrEnum):
    """How long a time numbers are put together for; weeks begin on Mondays."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


def day_text(day: int) -> str:
    """A day as `2026-11-25`."""
    return date.fromordinal(day + _EPOCH).isoformat()


def day_of(text: str) -> int:
    """The number of a day; raises SchemaViolation for a text that is none."""
    try:
        if len(text) != len("2026-11-25"):
            raise ValueError
        return date.fromisoformat(text).toordinal() - _EPOCH
    except ValueError:
        raise SchemaViolation(f"{text!r} is no day", advice="Write it as 2026-11-25.") from None


def period_of(day: int, period: Period) -> tuple[int, int]:
    """The first and the last day of the period that a day is in."""
    if period is Period.DAY:
        return day, day
    if period is Period.WEEK:
        # The first day of all was a Thursday.
        monday = day - (day + 3) % 7
        return monday, monday + 6
    inside = date.fromordinal(day + _EPOCH)
    first = day - inside.day + 1
    return first, first + monthrange(inside.year, inside.month)[1] - 1
