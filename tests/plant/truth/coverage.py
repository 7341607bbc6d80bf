"""What is known of a source's time: each instant is asked for itself, by the runs that a collector made."""

from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from ledger.core.clock import parse_utc
from tests.plant.model import Month, Run


class Stretch(NamedTuple):
    """From `low` to before `high` the source's time is in this state."""

    low: int
    high: int
    state: str


class Coverage:
    """`before` the first run began nothing is known, and `not-yet` after the last ended; between, what no run calls
    `unreachable` or a `gap` is `covered`.
    """

    def __init__(self, month: Month) -> None:
        self._month = month

    @cached_property
    def _runs(self) -> Mapping[str, list[Run]]:
        found: dict[str, list[Run]] = defaultdict(list)
        for run in self._month.runs:
            found[run.source].append(run)
        return found

    @cached_property
    def _holes(self) -> Mapping[str, list[Stretch]]:
        found: dict[str, list[Stretch]] = defaultdict(list)
        for run in self._month.runs:
            found[run.source] += [Stretch(low, high, "unreachable") for low, high in run.unreachable]
            found[run.source] += [
                Stretch(parse_utc(gap.between.after), parse_utc(gap.between.before), "gap") for gap in run.gaps
            ]
        for holes in found.values():
            holes.sort(key=lambda hole: (hole.state != "unreachable", hole))
        return found

    def watermark(self, source: str) -> int | None:
        """Up to when the source's time is known: the end of its last run."""
        return max((run.ended for run in self._runs.get(source, ())), default=None)

    def __call__(self, source: str, low: int, high: int) -> list[Stretch]:
        """The stretches of an interval, in order; neighbours differ in state."""
        holes = [hole for hole in self._holes.get(source, ()) if hole.low < high and hole.high > low]
        began = min((run.began for run in self._runs.get(source, ())), default=None)
        ended = self.watermark(source)
        marks = {low, high, *(edge for hole in holes for edge in hole[:2])}
        marks |= set() if began is None or ended is None else {began, ended}
        points = sorted(mark for mark in marks if low <= mark <= high)
        found: list[Stretch] = []
        for at, until in pairwise(points):
            state = self._state(at, began, ended, holes)
            if found and found[-1].state == state:
                found[-1] = found[-1]._replace(high=until)
            else:
                found.append(Stretch(at, until, state))
        return found

    def covers(self, source: str, low: int, high: int) -> bool:
        """Whether nothing of an interval is unknown."""
        return all(stretch.state == "covered" for stretch in self(source, low, high))

    @staticmethod
    def _state(at: int, began: int | None, ended: int | None, holes: list[Stretch]) -> str:
        if began is None or ended is None or at < began:
            return "before"
        if at >= ended:
            return "not-yet"
        return next((hole.state for hole in holes if hole.low <= at < hole.high), "covered")
