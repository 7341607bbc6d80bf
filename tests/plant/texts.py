"""How sources write instants: in UTC, in the site's time with its offset, or without one; to the fineness they have."""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from ledger.core.times import Basis, Precision, SourceTime
from tests.plant.model import END, HOUR, MINUTE, SECOND, SITE_ZONE, START

FINENESS: Final = {
    Precision.MINUTE: MINUTE,
    Precision.SECOND: SECOND,
    Precision.MILLISECOND: 1_000,
    Precision.MICROSECOND: 1,
}
"""Microseconds that a text of each precision leaves open."""
_EPOCH: Final = datetime(1970, 1, 1)


class Style(StrEnum):
    """How a source writes the offset of its texts."""

    UTC = "utc"
    OFFSET = "offset"
    BARE = "bare"


class _Minutes(dict[int, str]):
    """`2026-10-01T06:00` of the minutes since the epoch, each written once."""

    def __missing__(self, minute: int) -> str:
        text = self[minute] = (_EPOCH + timedelta(minutes=minute)).isoformat(timespec="minutes")
        return text


_minutes: Final = _Minutes()


def utc(instant: int) -> str:
    """`core.clock.utc_text`, quicker where many instants of a minute are written."""
    minute, rest = divmod(instant, MINUTE)
    return f"{_minutes[minute]}:{rest // SECOND:02}.{rest % SECOND:06}Z"


def _switches() -> list[tuple[int, int]]:
    """From which instant on the site has which offset, around the month; found by looking at each hour."""
    zone, found = ZoneInfo(SITE_ZONE), [(0, 0)]
    for hour in range(START - 24 * 40 * HOUR, END + 24 * 40 * HOUR, HOUR):
        told = datetime.fromtimestamp(hour // SECOND, zone).utcoffset()
        assert told is not None
        offset = told // timedelta(microseconds=1)
        if offset != found[-1][1]:
            found.append((hour, offset))
    return found[1:]


_SWITCHES: Final = _switches()
_LAST_SWITCH, _LAST_OFFSET = _SWITCHES[-1]
_EARLIER_OFFSET: Final = _SWITCHES[-2][1]
_DOUBLED: Final = (_LAST_SWITCH - HOUR, _LAST_SWITCH + HOUR)
"""Instants whose local time occurs twice: it was an hour earlier, or will be an hour later, once again."""


def doubled(instant: int) -> bool:
    """Whether a text without offset does not tell this instant: its local time occurs twice."""
    return _DOUBLED[0] <= instant < _DOUBLED[1]


_TAILS: Final[dict[Precision, Callable[[int], str]]] = {
    Precision.MINUTE: lambda rest: "",
    Precision.SECOND: lambda rest: f":{rest // SECOND:02}",
    Precision.MILLISECOND: lambda rest: f":{rest // SECOND:02}.{rest % SECOND // 1000:03}",
    Precision.MICROSECOND: lambda rest: f":{rest // SECOND:02}.{rest % SECOND:06}",
}
"""What follows the minute, by how many microseconds of it are over."""


def writer(precision: Precision, style: Style) -> Callable[[int], SourceTime]:
    """What turns an instant of a source's clock into the source's text of it, read as a collector reads it."""
    tail = _TAILS[precision]

    def write(instant: int) -> SourceTime:
        shift = 0 if style is Style.UTC else _EARLIER_OFFSET if instant < _LAST_SWITCH else _LAST_OFFSET
        minute, rest = divmod(instant + shift, MINUTE)
        offset = f"+{shift // HOUR:02}:00"
        text = f"{_minutes[minute]}{tail(rest)}"
        if style is not Style.BARE:
            return SourceTime(
                text=text + offset, precision=precision, basis=Basis.SOURCE_ZONE, instant_us=instant, offset=offset
            )
        if doubled(instant):
            return SourceTime(text=text, precision=precision, basis=Basis.ASSUMED, zone=SITE_ZONE)
        return SourceTime(
            text=text, precision=precision, basis=Basis.ASSUMED, instant_us=instant, offset=offset, zone=SITE_ZONE
        )

    return write
