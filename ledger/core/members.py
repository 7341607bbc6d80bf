"""The entries of a large set: held as runs of indices, written as one short text, asked by bisection.

The text tells each run by its distance from the end of the run before, and after `+` how many entries follow directly:
`4+2,10` is 4 5 6 16. A set has one text alone. In memory a set takes 24 bytes a run, however many entries it has.
"""

import re
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Final

from ledger.core.errors import SchemaViolation

_MAX: Final = 2**53 - 1
_RUN: Final = re.compile(r"(0|[1-9][0-9]{0,15})(?:\+([1-9][0-9]{0,15}))?(,|\Z)")


class Members:
    """A set of indices, in order."""

    __slots__ = ("_ends", "_lows", "_ranks")

    def __init__(self, runs: Iterable[tuple[int, int]] = ()) -> None:
        """`runs`: first and last of each, in order; raises SchemaViolation for runs that touch or are out of order."""
        self._lows, self._ends, self._ranks = array("q"), array("q"), array("q", (0,))
        last = -2
        for low, high in runs:
            if not max(last + 2, 0) <= low <= high <= _MAX:
                raise SchemaViolation(f"entries {low} to {high} are no run of a set that went on to {last}")
            self._lows.append(low)
            self._ends.append(high)
            self._ranks.append(self._ranks[-1] + high - low + 1)
            last = high

    @classmethod
    def of(cls, indices: Iterable[int]) -> "Members":
        """The set of these indices, which come in order; raises SchemaViolation where they do not."""
        return cls(_runs_of(indices))

    @classmethod
    def read(cls, text: str) -> "Members":
        """The set that a text tells; raises SchemaViolation for a text that is not the one of a set."""
        return cls(_told(text))

    @property
    def text(self) -> str:
        """The set as its text."""
        parts, last = [], 0
        for low, high in self.runs():
            parts.append(f"{low - last}+{high - low}" if high > low else f"{low - last}")
            last = high
        return ",".join(parts)

    @property
    def first(self) -> int:
        return self._lows[0]

    @property
    def last(self) -> int:
        return self._ends[-1]

    def runs(self) -> Iterator[tuple[int, int]]:
        """First and last of each run, in order."""
        return zip(self._lows, self._ends, strict=True)

    def rank(self, index: int) -> int:
        """How many members are smaller."""
        at = bisect_right(self._lows, index) - 1
        if at < 0:
            return 0
        return self._ranks[at] + min(index, self._ends[at] + 1) - self._lows[at]

    def at(self, rank: int) -> int:
        """The member that so many others are smaller than; there is one."""
        run = bisect_right(self._ranks, rank) - 1
        return self._lows[run] + rank - self._ranks[run]

    def between(self, low: int, high: int) -> int:
        """How many members are from `low` to `high`, both included."""
        return self.rank(high + 1) - self.rank(low)

    def since(self, index: int) -> Iterator[int]:
        """The members from this index on."""
        at = max(0, bisect_right(self._lows, index) - 1)
        for low, high in zip(self._lows[at:], self._ends[at:], strict=True):
            yield from range(max(low, index), high + 1)

    def __len__(self) -> int:
        return self._ranks[-1]

    def __iter__(self) -> Iterator[int]:
        for low, high in self.runs():
            yield from range(low, high + 1)

    def __contains__(self, index: int) -> bool:
        at = bisect_right(self._lows, index) - 1
        return at >= 0 and index <= self._ends[at]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Members) and (self._lows, self._ends) == (other._lows, other._ends)

    __hash__ = None  # type: ignore[assignment]


class Spans:
    """What was seen of something: stretches of indices that are put together where they meet."""

    __slots__ = ("_spans",)

    def __init__(self) -> None:
        self._spans: list[tuple[int, int]] = []

    def add(self, low: int, high: int) -> None:
        """From here on every index from `low` to `high`, both included, was seen."""
        spans = self._spans
        begin = bisect_right(spans, (low,))
        if begin and spans[begin - 1][1] >= low - 1:
            begin -= 1
        end = begin
        while end < len(spans) and spans[end][0] <= high + 1:
            low, high = min(low, spans[end][0]), max(high, spans[end][1])
            end += 1
        spans[begin:end] = [(low, high)]

    def members(self) -> Members:
        """All of it as a set."""
        return Members(self._spans)

    def __contains__(self, index: int) -> bool:
        at = bisect_right(self._spans, (index, _MAX)) - 1
        return at >= 0 and index <= self._spans[at][1]

    def missing(self, members: Members) -> int:
        """How many members were not seen."""
        return len(members) - sum(members.between(low, high) for low, high in self._spans)

    def unseen(self, members: Members) -> Iterator[int]:
        """The members that were not seen, in order."""
        at = 0
        for low, high in self._spans:
            for index in members.since(at):
                if index >= low:
                    break
                yield index
            at = high + 1
        yield from members.since(at)


def _runs_of(indices: Iterable[int]) -> Iterator[tuple[int, int]]:
    low = high = None
    for index in indices:
        if high is not None and index == high + 1:
            high = index
            continue
        if low is not None and high is not None:
            yield low, high
        low = high = index
    if low is not None and high is not None:
        yield low, high


def _told(text: str) -> Iterator[tuple[int, int]]:
    at = last = 0
    while at < len(text):
        found = _RUN.match(text, at)
        # A comma is followed by another run.
        if found is None or (found[3] and found.end() == len(text)):
            raise SchemaViolation(f"the text of a set is wrong from its character {at} on")
        low = last + int(found[1])
        last = low + int(found[2] or 0)
        yield low, last
        at = found.end()
