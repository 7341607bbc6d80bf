"""A source's own numbering of its records: the series, and the number in it."""

import re
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise, takewhile
from typing import Final, NamedTuple

_NUMBERED: Final = re.compile(r"(.*?)([0-9]{1,18})", re.ASCII | re.DOTALL)


def cut(text: str | None) -> tuple[str | None, int | None]:
    """Cut a source's sequence into what it begins with and the number at its end; None and None where it ends in none.

    `2026/A-00042` gives `2026/A-` and 42. Of more than 18 digits the last 18 are the number: it fits 64 bits.
    """
    found = None if text is None else _NUMBERED.fullmatch(text)
    return (None, None) if found is None else (found[1], int(found[2]))


AHEAD: Final = 10_000
"""Numbers that are looked at after one that is lower than the one before, to tell whether the numbering began again."""


class Numbered(NamedTuple):
    """A record that bears a number: when it happened, and its position."""

    number: int
    at_us: int
    pos: int


def stretches(told: Sequence[Numbered]) -> list[Sequence[Numbered]]:
    """Cut what is in the order of time wherever the numbering began again.

    It did at a number that was given before, or is lower than all before, if more than half of the numbers from there
    up to the greatest one before follow, or nothing beyond that one does. What comes late, or twice, begins nothing.
    """
    found: list[Sequence[Numbered]] = []
    begin, known, least, greatest = 0, set[int](), 0, 0
    for at, (number, _, _) in enumerate(told):
        down = at > begin and number < told[at - 1].number and (number in known or number < least)
        if down and _again(told, at, greatest, far=number < least - 1):
            found.append(told[begin:at])
            begin, known = at, set()
        least, greatest = (min(least, number), max(greatest, number)) if known else (number, number)
        known.add(number)
    return [*found, told[begin:]] if told else []


def _again(told: Sequence[Numbered], at: int, greatest: int, *, far: bool) -> bool:
    """`far`: the number does not simply stand before all others, as one that comes late would."""
    ahead = told[at : at + AHEAD]
    below = {one.number for one in takewhile(lambda one: one.number <= greatest, ahead)}
    if max(one.number for one in ahead) <= greatest:
        return len(below) > 1 or far
    return 2 * len(below) > min(greatest - told[at].number + 1, AHEAD)


def missing_of(told: Iterable[Numbered]) -> list[tuple[int, int]]:
    """The ranges of numbers, both ends included, that lack between the least and the greatest."""
    numbers = sorted({one.number for one in told})
    return [(low + 1, high - 1) for low, high in pairwise(numbers) if high - low > 1]


def doubled_of(told: Iterable[Numbered]) -> list[int]:
    """The numbers that came once more, each as often as it did."""
    numbers = sorted(one.number for one in told)
    return [number for before, number in pairwise(numbers) if before == number]


def late_of(told: Iterable[Numbered]) -> int:
    """How many came, by their position, after one with a greater number."""
    in_log = sorted(told, key=lambda one: one.pos)
    greatest = accumulate((one.number for one in in_log), max)
    return sum(one.number < most for one, most in zip(in_log, greatest, strict=True))
