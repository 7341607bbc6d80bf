"""Records that were written down long after they happened, and together: what is filled in afterwards in bulk."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from sqlalchemy import Connection, select

from ledger.review.known.facts import Told
from ledger.review.known.rows import there
from ledger.store import schema
from ledger.store.position import index_of

Written = tuple[int, int]
"""When a record was written down, and its entry."""
_FARTHER: Final = 16
"""So many times the distance between two of a bulk are read beyond what is asked for, each time."""


class Late:
    """Of a log as of a size: those of a source's records of some types that were written more than `late_us` late.

    Both times are the source's own, so that no error of its clock comes into it.
    """

    def __init__(
        self, connection: Connection, log: int, size: int, source: str, types: Iterable[str], late_us: int
    ) -> None:
        row = schema.record.c
        self._connection = connection
        self._wanted = (
            row.source == source, row.object_type.in_(sorted(types)), row.recorded_us - row.occurred_us > late_us,
            *there(log, size),
        )  # fmt: skip

    def bulks(self, told: Sequence[Told], within_us: int) -> Iterator[list[Written]]:
        """The bulks that these are of, in order: of each record no more than so far from the one before it."""
        asked = sorted(at for one in told if (at := _written(one)) is not None)
        reached = None
        for at in asked:
            if reached is None or at > reached:
                bulk = self._bulk(at, within_us)
                reached = bulk[-1][0] if bulk else at
                yield bulk

    def _bulk(self, at_us: int, within_us: int) -> list[Written]:
        low, high = at_us, at_us
        while True:
            first, last = low - _FARTHER * within_us, high + _FARTHER * within_us
            found = self._read(first, last)
            bulk = _around(found, at_us, within_us)
            if not bulk or (bulk[0][0] - within_us >= first and bulk[-1][0] + within_us <= last):
                return bulk
            low, high = first, last

    def _read(self, low_us: int, high_us: int) -> list[Written]:
        row = schema.record.c
        chosen = select(row.recorded_us, row.pos).where(row.recorded_us.between(low_us, high_us), *self._wanted)
        return sorted((at, index_of(pos)) for at, pos in self._connection.execute(chosen))


def is_late(told: Told, late_us: int) -> bool:
    """Whether a record was written down more than so long after it happened."""
    happened, written = told.record.occurred_at.instant_us, _written(told)
    return happened is not None and written is not None and written - happened > late_us


def _around(found: Sequence[Written], at_us: int, within_us: int) -> list[Written]:
    bulk: list[Written] = []
    for one in found:
        if bulk and one[0] - bulk[-1][0] > within_us:
            if bulk[-1][0] >= at_us:
                break
            bulk = []
        bulk.append(one)
    return bulk if bulk and bulk[0][0] <= at_us <= bulk[-1][0] else []


def _written(told: Told) -> int | None:
    written = told.record.source_recorded_at
    return None if written is None else written.instant_us
