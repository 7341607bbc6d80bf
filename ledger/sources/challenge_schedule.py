"""When a challenge is due, and what it sets: its schedule and its values, read and checked."""

import random
import secrets
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from apscheduler.triggers.cron import CronTrigger

from ledger.core.clock import MICROSECONDS
from ledger.core.errors import SchemaViolation
from ledger.sources.challenge_kinds import Challenge

NONCE: Final = "{nonce}"
NEW: Final = "{new}"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LOOKS = tuple(timedelta(seconds=seconds) for seconds in (3600, 86_400, 32 * 86_400, 400 * 86_400, 9 * 366 * 86_400))
"""How far back the latest instant of a cron line is looked for, one after another: few firings lie in the first that
holds any."""
_NONCE_BYTES = 4
_TRIES = 100


def check_schedule(cron: str | None, zone: str, every_s: int | None) -> None:
    """Raises SchemaViolation for a schedule that cannot be."""
    if cron is not None and every_s is not None:
        raise SchemaViolation("a challenge has a cron line or an interval, not both", advice="Leave one out.")
    if cron is not None:
        _trigger(cron, zone)


def latest_due_us(challenge: Challenge, set_us: int, now_us: int) -> int | None:
    """The challenge's latest instant up to now, and after it was set so; None without one, or without a schedule."""
    if challenge.every_s is not None:
        period = challenge.every_s * MICROSECONDS
        passed = (now_us - set_us) // period
        return set_us + passed * period if passed > 0 else None
    if challenge.cron is None:
        return None
    trigger = _trigger(challenge.cron, challenge.zone)
    now = _EPOCH + timedelta(microseconds=now_us)
    since = _EPOCH + timedelta(microseconds=set_us)
    for back in _LOOKS:
        begin = max(since, now - back)
        latest: datetime | None = None
        after = trigger.get_next_fire_time(None, begin)
        while after is not None and after <= now:
            latest = after
            after = trigger.get_next_fire_time(after, after)
        if latest is not None:
            return _microseconds(latest)
        if begin == since:
            return None
    return None


def number_range(value: str) -> tuple[int, int] | None:
    """The bounds of `LOW..HIGH`; None for a text with `{nonce}`. Raises SchemaViolation for neither."""
    if value.count(NONCE) == 1:
        return None
    low, dots, high = value.partition("..")
    try:
        bounds = int(low), int(high)
    except ValueError:
        bounds = 0, 0
    if not dots or bounds[0] >= bounds[1]:
        raise SchemaViolation(
            f"{value!r} is neither a text with {NONCE} nor LOW..HIGH",
            advice=f"Write for instance “test {NONCE}”, or 20..30 for a whole number.",
        )
    return bounds


def next_value(value: str, old: str | None) -> str:
    """A value to set that nobody can foresee, and another one than the old."""
    bounds = number_range(value)
    for _ in range(_TRIES):
        new = (
            value.replace(NONCE, secrets.token_hex(_NONCE_BYTES))
            if bounds is None
            else str(random.SystemRandom().randint(*bounds))
        )
        if not same_value(new, old, number=bounds is not None):
            return new
    raise SchemaViolation(f"no value but {old!r} can be set by {value!r}", advice="Widen the range.")


def same_value(one: str | None, other: str | None, *, number: bool) -> bool:
    """Whether two values are the same: as texts, or, of numbers, by what they are worth."""
    if one is None or other is None:
        return one is other
    if not number or one == other:
        return one == other
    try:
        return Decimal(one) == Decimal(other)
    except InvalidOperation:
        return False


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _trigger(cron: str, zone: str) -> CronTrigger:
    try:
        known = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise SchemaViolation(f"{zone!r} is not a known time zone", advice="Use an IANA name.") from None
    try:
        return CronTrigger.from_crontab(cron, known)
    except ValueError as error:
        raise SchemaViolation(
            f"{cron!r} is no cron line: {error}",
            advice="Write minute, hour, day, month, weekday, as “0 3 * * mon”.",
        ) from None
