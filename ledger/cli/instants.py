"""Instants as options take them."""

from ledger.core.clock import utc_text
from ledger.core.errors import ConfigError
from ledger.core.times import parse_source_time


def instant_us(option: str, text: str) -> int:
    """Microseconds of an ISO 8601 instant with an offset; raises ConfigError, naming the option."""
    found = parse_source_time(text).instant_us
    if found is None:
        raise ConfigError(f"{option}: {text!r} names no instant", advice="Write it as 2026-11-25T07:10:06Z.")
    return found


def utc_of(option: str, text: str) -> str:
    """The same instant as entries write it."""
    return utc_text(instant_us(option, text))
