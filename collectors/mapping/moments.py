"""How a mapping reads a time from an item: ISO 8601, a count since 1970, or a pattern; the source's words are kept."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

import msgspec

from collectors.mapping.expression import MISSING, Item, Spec, Take, as_text, compile_value
from collectors.text import clean
from ledger.core.errors import ConfigError, InvalidEntry, SkippableRecord
from ledger.core.times import Basis, Precision, SourceTime, from_datetime, parse_source_time

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_COUNTS: Final = {
    "unix": (Decimal(10) ** 6, Precision.SECOND),
    "unix-ms": (Decimal(10) ** 3, Precision.MILLISECOND),
    "unix-us": (Decimal(1), Precision.MICROSECOND),
    "unix-ns": (Decimal(10) ** -3, Precision.NANOSECOND),
}
"""Name of a count since 1970-01-01T00:00:00Z → microseconds a unit, and the precision of a whole number."""
_MOST_DIGITS: Final = 24
"""Of a count: more are no time in any unit, and a short text (1e999999) can stand for a million of them."""


class Moment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A time of an item. `at` says where it stands; `format` is `iso`, `unix`, `unix-ms`, `unix-us`, `unix-ns`, or a
    pattern of `datetime.strptime`. Without an offset in the text it is read in `zone`, or else in the source's zone.
    """

    at: Spec
    format: str = "iso"
    zone: str | None = None


MomentSpec = Moment | str
"""A bare text is the path of an ISO 8601 text."""
Read = Callable[[Item], SourceTime | None]
"""None where the item does not say."""


def compile_moment(spec: MomentSpec, zone: str | None, where: str) -> Read:
    """The function that reads this time; `zone` is the source's. Raises ConfigError for a mapping that cannot be."""
    moment = Moment(at=spec) if isinstance(spec, str) else spec
    take = compile_value(moment.at, where)
    assumed = moment.zone or zone
    if moment.format == "iso":
        return _reading(take, lambda text: parse_source_time(_iso(text), assumed), where)
    if moment.format in _COUNTS:
        unit, precision = _COUNTS[moment.format]
        return _reading(take, lambda text: _counted(text, unit, precision), where)
    _try_pattern(moment.format, where)
    return _reading(take, lambda text: _patterned(text, moment.format, assumed), where)


def _reading(take: Take, parse: Callable[[str], SourceTime], where: str) -> Read:
    def read(item: Item) -> SourceTime | None:
        value = take(item)
        if type(value) is str:
            text = clean(value)
        elif value is None or value is MISSING:
            return None
        else:
            told = value.isoformat() if isinstance(value, datetime) else as_text(value)
            if told is None:
                raise SkippableRecord(f"{where}: a time is a text or a number, not a list or an object")
            text = clean(told)
        try:
            time = parse(text)
            return time if time.text == text else msgspec.structs.replace(time, text=text)
        except (InvalidEntry, OverflowError) as error:
            raise SkippableRecord(f"{where}: {error}") from None

    return read


def _iso(text: str) -> str:
    """Two spellings that products use and ISO 8601 does not: `2026-01-02 03:04:05.123 UTC`, and offsets like +0100."""
    return text.removesuffix(" UTC") + "Z" if text.endswith(" UTC") else text.strip()


def _counted(text: str, unit: Decimal, precision: Precision) -> SourceTime:
    try:
        count = Decimal(text)
        if not count.is_finite() or count.adjusted() > _MOST_DIGITS:
            raise OverflowError("beyond any year")
        instant = int((count * unit).to_integral_value(rounding="ROUND_FLOOR"))
        moment = _EPOCH + timedelta(microseconds=instant)
    except (InvalidOperation, OverflowError, ValueError):
        return SourceTime(text=text, precision=precision, basis=Basis.NONE)
    fraction = -int(count.as_tuple().exponent)
    if precision is Precision.SECOND and fraction > 0:
        precision = Precision.MILLISECOND if fraction <= 3 else Precision.MICROSECOND
        precision = Precision.NANOSECOND if fraction > 6 else precision
    return msgspec.structs.replace(from_datetime(moment, text), precision=precision)


def _patterned(text: str, pattern: str, zone: str | None) -> SourceTime:
    try:
        moment = datetime.strptime(text, pattern)  # a text without offset is read in the source's zone
    except ValueError:
        return SourceTime(text=text, precision=Precision.SECOND, basis=Basis.NONE)
    if "%f" in pattern:
        timespec, precision = "microseconds", Precision.MICROSECOND
    elif "%S" in pattern or "%T" in pattern or "%c" in pattern or "%X" in pattern:
        timespec, precision = "seconds", Precision.SECOND
    else:
        timespec, precision = "seconds", Precision.MINUTE if "%M" in pattern else Precision.DAY
    return msgspec.structs.replace(parse_source_time(moment.isoformat(timespec=timespec), zone), precision=precision)


def _try_pattern(pattern: str, where: str) -> None:
    try:
        datetime.strptime(_EPOCH.strftime(pattern), pattern)
    except ValueError as error:
        raise ConfigError(
            f"mapping, {where}: {pattern!r} is no time format: {error}",
            advice="Use iso, unix, unix-ms, unix-us, unix-ns, or a pattern such as %d.%m.%Y %H:%M:%S.",
        ) from None
