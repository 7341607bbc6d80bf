"""Finds and reads the rows of `ir.model.log`, with the few rights that a collector should have.

Tryton lets only an administrator search the log freely. Any other account may read rows by number, a refusal covers
the whole call, and a number that does not exist is refused too. So such an account reads onward from the highest known
number, in steps that grow while they succeed, until some numbers in a row do not exist; numbers left out below are
tried again until they are out of the window.

When a thing is deleted, `resource` of its rows reads as null from then on, but a search that names the resource still
finds them: so rows without one are given it back by asking for each thing that is gone.
"""

import json
from collections.abc import Iterable, Mapping

import msgspec

from collectors.it.tryton_models import LOG_FIELDS
from collectors.it.tryton_rpc import Refused, TrytonRpc

LOG = "ir.model.log"
LOOK_AHEAD = 5
"""So many numbers in a row that do not exist are the end of the log."""
_LONGEST_STEP = 512
_MOST_HOLES = 200


class LogReading(msgspec.Struct, frozen=True, kw_only=True):
    """`ids` are all rows above the low mark that exist; `rows` is the text of those not known before, ascending."""

    ids: frozenset[int]
    rows: Mapping[int, str]


class LogReader:
    """Reads the log through one session."""

    def __init__(self, rpc: TrytonRpc) -> None:
        self._rpc = rpc

    def read(self, low: int, known: frozenset[int]) -> LogReading:
        """All rows above `low`; those in `known` are only looked for."""
        try:
            listed = frozenset(self._rpc.search(LOG, [["id", ">", low]]))
        except Refused:
            return self._onward(low, known)
        rows = self._readable(sorted(listed - known))
        return LogReading(ids=listed, rows=rows)

    def find(self, resources: Iterable[str]) -> dict[int, str]:
        """Number of each log row that speaks of one of these → its resource; a refused model is left out."""
        by_model: dict[str, list[str]] = {}
        for resource in sorted(resources):
            by_model.setdefault(resource.partition(",")[0], []).append(resource)
        return {
            number: resource
            for asked in by_model.values()
            if self._speaking_of(["in", asked])
            for resource in asked
            for number in self._speaking_of(["=", resource])
        }

    def _speaking_of(self, clause: list[object]) -> list[int]:
        try:
            return self._rpc.search(LOG, [["resource", *clause]])
        except Refused:
            return []

    def _onward(self, low: int, known: frozenset[int]) -> LogReading:
        top = max(known, default=low)
        holes = sorted(set(range(low + 1, top)) - known)[-_MOST_HOLES:]
        rows = self._readable(holes) | self._ahead(top)
        still = self._readable(sorted(known), ("id",))
        return LogReading(ids=frozenset(rows) | frozenset(still), rows=dict(sorted(rows.items())))

    def _ahead(self, top: int) -> dict[int, str]:
        rows: dict[int, str] = {}
        step, missing, number = 1, 0, top + 1
        while missing < LOOK_AHEAD:
            try:
                rows.update(self._rpc.read(LOG, range(number, number + step), LOG_FIELDS))
            except Refused:
                if step > 1:
                    step = max(1, step // 4)
                else:
                    missing, number = missing + 1, number + 1
            else:
                missing, number, step = 0, number + step, min(step * 2, _LONGEST_STEP)
        return rows

    def _readable(self, numbers: list[int], fields: tuple[str, ...] = LOG_FIELDS) -> dict[int, str]:
        """The rows of these that can be read; what is refused is halved until it is single rows."""
        if not numbers:
            return {}
        try:
            return self._rpc.read(LOG, numbers, fields)
        except Refused:
            if len(numbers) == 1:
                return {}
        half = len(numbers) // 2
        return self._readable(numbers[:half], fields) | self._readable(numbers[half:], fields)


def resource_of(text: str) -> str:
    """The resource that a log row names, or an empty text."""
    return str(json.loads(text).get("resource") or "")
