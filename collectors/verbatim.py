"""Cuts JSON text into its parts without changing a character, so that an original is what the source wrote.

Python's own decoder finds where a value ends, as it takes what sources send and stricter decoders refuse whole: lone
surrogates, NaN, integers of any size.
"""

import json
import re
from collections.abc import Callable

_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()


def members(text: str) -> dict[str, str]:
    """Name → verbatim text of the value, for one JSON object; of a repeated name the last. Raises ValueError."""
    found: dict[str, str] = {}

    def take(position: int) -> int:
        if text[position : position + 1] != '"':
            raise ValueError(f"no name at character {position}")
        key, position = _DECODER.raw_decode(text, position)
        position = _skip(text, position)
        if text[position : position + 1] != ":":
            raise ValueError(f"no colon at character {position}")
        start = _skip(text, position + 1)
        _, end = _DECODER.raw_decode(text, start)
        found[key] = text[start:end]
        return end

    _each(text, "{", "}", take)
    return found


def items(text: str) -> list[str]:
    """Verbatim text of each item of one JSON array. Raises ValueError."""
    found: list[str] = []

    def take(start: int) -> int:
        _, end = _DECODER.raw_decode(text, start)
        found.append(text[start:end])
        return end

    _each(text, "[", "]", take)
    return found


def _each(text: str, opening: str, closing: str, take: Callable[[int], int]) -> None:
    position = _skip(text, 0)
    if text[position : position + 1] != opening:
        raise ValueError(f"no {opening} at character {position}")
    position = _skip(text, position + 1)
    more = text[position : position + 1] != closing
    while more:
        position = _skip(text, take(position))
        mark = text[position : position + 1]
        if mark not in {",", closing}:
            raise ValueError(f"neither , nor {closing} at character {position}")
        more = mark == ","
        if more:
            position = _skip(text, position + 1)
    if _skip(text, position + 1) != len(text):
        raise ValueError(f"more text after the end at character {position + 1}")


def _skip(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position
