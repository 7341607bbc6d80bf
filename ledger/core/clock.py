"""The one way to ask what time it is, and the one way to write an instant down.

No module of Trailseal calls the system clock directly: whoever needs time is given a `WallClock`, so that tests and
drills can move it. Instants are integers, microseconds since 1970-01-01T00:00:00Z.
"""

import re
import time
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Protocol

from ledger.core.errors import NotCanonical

MICROSECONDS = 1_000_000
_EPOCH = datetime(1970, 1, 1)
_FORM = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
_MICROSECOND = timedelta(microseconds=1)


class WallClock(Protocol):
    """Tells the present instant in microseconds since the Unix epoch, UTC."""

    def now_us(self) -> int: ...


class SystemClock:
    """The operating system's clock."""

    def now_us(self) -> int:
        return time.time_ns() // 1000


def utc_text(instant_us: int) -> str:
    """Writes an instant in the only form that entries use: `2026-11-25T07:10:06.123456Z` (27 characters)."""
    return (_EPOCH + timedelta(microseconds=instant_us)).isoformat(timespec="microseconds") + "Z"


@lru_cache(maxsize=1024)
def parse_utc(text: str) -> int:
    """Reads exactly what `utc_text` writes; anything else, however close, raises NotCanonical."""
    if _FORM.fullmatch(text):
        try:
            return (datetime.fromisoformat(text[:-1]) - _EPOCH) // _MICROSECOND
        except ValueError:
            pass  # a month 13, a day 32
    raise NotCanonical(f"{text!r} is not an instant of the form 2026-11-25T07:10:06.123456Z")
