"""How a source's texts and values are written in a record: one documented rule, the same for every source.

- U+0000 and lone surrogates become U+FFFD (the Unicode replacement character): no canonical form, database or search
  index holds them. The original keeps the bytes as they came.
- A truth value stays one; an integer stays one up to 2^53 - 1 in size and is decimal text beyond.
- A binary float is the shortest decimal text that reads back as the same float (`0.1`, `1e+16`, `NaN`, `Infinity`);
  a decimal is its text, trailing zeros kept (`1.50`), so no digit is invented or lost.
- A date, time or instant is ISO 8601 text; bytes are lower-case hexadecimal text; a list or mapping is compact JSON
  text of its values written by these rules.
"""

import math
import re
import struct
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

import msgspec

from ledger.core.record import Value

REPLACEMENT = "\ufffd"
_SAFE = 2**53 - 1
_ENCODER = msgspec.json.Encoder()
_UNFIT = re.compile("[\x00\ud800-\udfff]")


def clean(text: str) -> str:
    """The text as a record holds it: U+0000 and lone surrogates replaced by U+FFFD, all else untouched."""
    if text.isascii() and "\x00" not in text:
        return text  # nearly every text, and many times faster
    return _UNFIT.sub(REPLACEMENT, text)


def name(text: str | None) -> str | None:
    """The text cleaned, or None where the source gives none or an empty one."""
    return clean(text) if text else None


def render(value: object) -> Value:
    """A source's value as a record holds it, by the rules above; raises TypeError for a kind they do not cover."""
    if type(value) is str:
        return clean(value)
    if value is None or isinstance(value, bool):
        return value
    if type(value) is Decimal:
        return str(value)
    if isinstance(value, int):
        return int(value) if abs(value) <= _SAFE else str(int(value))
    if isinstance(value, float):
        return render_float(value)
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, (list, tuple, Mapping)):
        return _ENCODER.encode(_nested(value)).decode()
    return _render_other(value)


def render_float(value: float) -> str:
    """The shortest decimal text that reads back as this float."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(float(value))


def render_float32(value: float) -> str:
    """The shortest decimal text that reads back as this 32-bit float (`0.1`, not `0.10000000149011612`)."""
    if not math.isfinite(value):
        return render_float(value)
    for digits in range(1, 10):
        text = f"{value:.{digits}g}"
        try:
            if struct.unpack("<f", struct.pack("<f", float(text)))[0] == value:
                return repr(float(text))
        except OverflowError:
            continue  # rounded up beyond the largest of them
    return render_float(value)


def _render_other(value: object) -> str:
    if isinstance(value, Decimal | UUID):
        return str(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return f"PT{render_float(value.total_seconds())}S"
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(f"a value of type {type(value).__name__} has no rule")


def _nested(value: object) -> object:
    if type(value) is str:
        return clean(value)
    if isinstance(value, Mapping):
        return {clean(str(key)): _nested(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_nested(item) for item in value]
    return render(value)
