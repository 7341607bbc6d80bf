"""Instants as options take them."""

from ledger.core.clock import utc_text
from ledger.core.errors import ConfigError
from ledger.core.times import parse_source_time


def instant_us(option: str, text: str, zone: str | None = None) -> int:
    """Microseconds of an ISO 8601 instant with an offset, or in a zone; raises ConfigError, naming the option.

    An instant without offset that its zone skips or has twice is none. Raises InvalidEntry for a zone that is none.
    """
    found = parse_source_time(text, zone).instant_us
    if found is None:
        raise ConfigError(f"{option}: {text!r} names no instant", advice="Write it as 2026-11-25T07:10:06Z.")
    return found


def interval_us(since: str, until: str, zone: str | None = None) -> tuple[int, int]:
    """Both ends of an interval that `--from` and `--to` name, in microseconds; raises as `instant_us`."""
    return instant_us("--from", since, zone), instant_us("--to", until, zone)


def utc_of(option: str, text: str) -> str:
    """The same instant as entries write it."""
    return utc_text(instant_us(option, text))
