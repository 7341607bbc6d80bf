"""Reads JSON text that a source wrote: whatever Python's own parser takes, with fractions as Decimal, only faster.

msgspec's parser reads nearly every text, and what it takes it reads the same; what it refuses (a lone surrogate, NaN, a
text that is no JSON) is for Python's own to decide.
"""

import json
from decimal import Decimal
from typing import Any, Final

import msgspec

_QUICK: Final = msgspec.json.Decoder(float_hook=Decimal)
_TOLERANT: Final = json.JSONDecoder(parse_float=Decimal)


def read_json(text: str) -> Any:
    """The value; raises ValueError for what is no JSON, RecursionError for what nests too deep."""
    try:
        return _QUICK.decode(text)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _TOLERANT.decode(text)
