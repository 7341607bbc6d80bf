"""Instants and durations as people read them: site time and UTC, never finer than what is known."""

from datetime import UTC, datetime, timedelta
from typing import TypeGuard
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from ledger.core.errors import InvalidEntry
from ledger.core.times import Precision, SourceTime
from ledger.present.messages import message

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = 1_000
_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
# How much of `2026-11-25 07:10:06.123456` a precision covers.
_LENGTH = {
    Precision.YEAR: 4,
    Precision.MONTH: 7,
    Precision.DAY: 10,
    Precision.MINUTE: 16,
    Precision.SECOND: 19,
    Precision.MILLISECOND: 23,
    Precision.MICROSECOND: 26,
    Precision.NANOSECOND: 26,
}


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """An instant to be shown: `local` in the site's zone (named by `zone`), `utc` in full, `iso` for machines.

    `beside` is the UTC that stands beside the local time: without its date where that is the same.
    """

    local: str
    zone: str
    utc: str
    beside: str
    iso: str


def moment(instant_us: int, zone: ZoneInfo, precision: Precision = Precision.MILLISECOND) -> Moment:
    """Microseconds since the Unix epoch, UTC, as `2026-11-25 07:10:06.123` in the site's zone and in UTC."""
    at = _EPOCH + timedelta(microseconds=instant_us)
    local = at.astimezone(zone)
    shown, utc = _cut(local, precision), _cut(at, precision)
    return Moment(
        local=shown,
        zone=f"{local.tzname() or zone.key} {_offset(local)}".strip() if zone.key != "UTC" else "UTC",
        utc=f"{utc} UTC",
        beside=f"{utc[11:] if utc[:10] == shown[:10] and len(utc) > 10 else utc} UTC",
        iso=at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
    )


def in_full(instant_us: int, zone: ZoneInfo, precision: Precision = Precision.MILLISECOND) -> str:
    """`2026-11-25 08:10:06.123 CET +01:00 (2026-11-25 07:10:06.123 UTC)`; of a site in UTC, that alone."""
    at = moment(instant_us, zone, precision)
    return at.utc if zone.key == "UTC" else f"{at.local} {at.zone} ({at.utc})"


def claimed(time: SourceTime, zone: ZoneInfo) -> Moment | None:
    """A source's claim as a moment, no finer than the source was; None where its text names no instant."""
    return moment(time.instant_us, zone, time.precision) if _shown(time.instant_us) else None


def claimed_text(time: SourceTime, zone: ZoneInfo) -> str | None:
    """The same as one text, with what the zone is ahead of UTC: `2026-11-25 08:10:06.123+01:00`."""
    if not _shown(time.instant_us):
        return None
    local = (_EPOCH + timedelta(microseconds=time.instant_us)).astimezone(zone)
    text = local.isoformat(sep=" ", timespec="microseconds")
    return text[: _LENGTH[time.precision]] + text[26:]


def duration(microseconds: int) -> str:
    """A length of time in at most two units: `0.412 s`, `12.3 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`."""
    sign = "−" if microseconds < 0 else ""
    length = abs(microseconds)
    if length < _MILLISECOND:
        return f"{sign}{length} µs"
    if length < 10 * _SECOND:
        return f"{sign}{length // _SECOND}.{length % _SECOND // _MILLISECOND:03} s"
    seconds = length // _SECOND
    if seconds < 60:
        return f"{sign}{seconds}.{length % _SECOND // 100_000} s"
    for large, small, name, part in ((60, 1, "min", "s"), (3600, 60, "h", "min"), (86400, 3600, "d", "h")):
        if seconds < large * (60 if name == "min" else 24) or name == "d":
            whole, rest = divmod(seconds, large)
            return f"{sign}{whole} {name}" + (f" {rest // small} {part}" if rest // small else "")
    raise AssertionError


def ago(instant_us: int, now_us: int) -> str:
    """How long ago an instant was, in words; the future is said to be ahead, not hidden."""
    if instant_us > now_us + _SECOND:
        return message("time.ahead", duration=duration(instant_us - now_us))
    return message("time.ago", duration=_coarse(max(0, now_us - instant_us)))


def parse_local(text: str, zone: ZoneInfo) -> int:
    """Reads what a person types (`2026-11-25`, `2026-11-25 07:10[:06[.123]]`, optionally with `Z` or `+01:00`).

    Without an offset it is read in that zone. Raises InvalidEntry for anything else, and for a local time that the zone
    skipped or had twice, naming both offsets.
    """
    advice = message("time.advice")
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InvalidEntry(message("time.unreadable", text=text.strip()[:40]), advice=advice) from None
    if at.tzinfo is None:
        # PEP 495: the offset before the change, and the one after it; of a time that is neither, both are the same.
        early, late = (at.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
        before, after = early.utcoffset() or timedelta(), late.utcoffset() or timedelta()
        if before != after:
            key = "time.doubled" if before > after else "time.skipped"
            offsets = {"first": early.isoformat()[-6:], "second": late.isoformat()[-6:]}
            raise InvalidEntry(message(key, text=text.strip(), zone=zone.key, **offsets), advice=advice)
        at = early
    return (at - _EPOCH) // timedelta(microseconds=1)


def site_zone(name: str) -> ZoneInfo:
    """The zone of that IANA name; raises InvalidEntry when there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder of zones, such as Europe
        raise InvalidEntry(message("time.zone", name=name[:100]), advice=message("time.zone-advice")) from None


def _coarse(microseconds: int) -> str:
    return (
        duration(microseconds // _SECOND * _SECOND) if microseconds >= 10 * _SECOND else f"{microseconds // _SECOND} s"
    )


def _shown(instant_us: int | None) -> TypeGuard[int]:
    """Whether it is one that the calendar has in every zone."""
    return instant_us is not None and -62_135_596_800 * _SECOND + _DAY <= instant_us < 253_402_300_800 * _SECOND


def _cut(at: datetime, precision: Precision) -> str:
    return at.replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")[: _LENGTH[precision]]


def _offset(local: datetime) -> str:
    text = local.strftime("%z")
    name = local.tzname() or ""
    # Zones without a letter name already are their offset ("+0330").
    return f"{text[:3]}:{text[3:5]}" if not name.startswith(("+", "-")) else ""
