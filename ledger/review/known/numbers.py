"""Where records stand among their source's own numbers.

In a series whose numbers only grow the one before is the one with the next smaller number, whenever either came. Where
a counter begins again it is the one that happened before.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, func, select

from ledger.core.sequences import cut
from ledger.review.known.facts import Numbered, Series, Told
from ledger.review.known.rows import there, within
from ledger.store import schema
from ledger.store.position import index_of

_NEAR: Final = 5_000
"""Numbers that lie no further apart are read at once."""
_BACK_US: Final = 48 * 3_600_000_000
"""So far around a stretch of time the neighbour in a series is looked for first."""


class _Row(NamedTuple):
    number: int
    at_us: int
    pos: int
    occurred_us: int | None
    recorded_us: int | None


class Numbers:
    """The numbers of one source's records in a log, as of a size."""

    def __init__(self, connection: Connection, log: int, size: int, source: str) -> None:
        self._connection = connection
        self._log = log
        self._size = size
        self._source = source

    def of(self, asked: Iterable[tuple[Told, int | None]]) -> Mapping[int, Series]:
        """For each record that has a number, by its index, where it stands; with each after how many its counter begins
        again (None: never).
        """
        growing: dict[str, list[tuple[int, Told]]] = defaultdict(list)
        wrapping: dict[tuple[str, int], list[tuple[int, Told]]] = defaultdict(list)
        for told, wraps in asked:
            series, number = cut(told.record.source_sequence)
            if series is None or number is None:
                continue
            (growing[series] if wraps is None else wrapping[series, wraps]).append((number, told))
        found: dict[int, Series] = {}
        for series, numbered in growing.items():
            for part in _parts(sorted(numbered, key=lambda one: one[0])):
                _place(found, part, self._grown(series, part[0][0], part[-1][0]))
        for (series, wraps), numbered in wrapping.items():
            _place(found, numbered, self._wrapped(series, wraps, [told.moment_us for _, told in numbered]))
        return found

    def next_after(self, records: Iterable[Told]) -> Iterator[int]:
        """The entries of the records that bear the next greater number than one of these."""
        by_series: dict[str, list[tuple[int, Told]]] = defaultdict(list)
        for told in records:
            series, number = cut(told.record.source_sequence)
            if series is not None and number is not None:
                by_series[series].append((number, told))
        row = schema.record.c
        for series, numbered in by_series.items():
            same = self._of(series)
            for part in _parts(sorted(numbered, key=lambda one: one[0])):
                low, high = part[0][0], part[-1][0]
                beyond = self._connection.scalar(select(func.min(row.sequence)).where(same, row.sequence > high))
                rows = self._rows(and_(same, row.sequence.between(low, high if beyond is None else beyond)))
                asked = {number for number, _ in part}
                bearing = groupby(sorted(rows), key=lambda one: one.number)
                for (number, _), (_, following) in pairwise([(number, list(its)) for number, its in bearing]):
                    if number in asked:
                        yield from (index_of(one.pos) for one in following)

    def _grown(self, series: str, low: int, high: int) -> list[_Row]:
        row = schema.record.c
        same = self._of(series)
        before = self._connection.scalar(select(func.max(row.sequence)).where(same, row.sequence < low))
        from_ = low if before is None else before
        return sorted(self._rows(and_(same, row.sequence.between(from_, high))))

    def _wrapped(self, series: str, wraps: int, moments: Sequence[int]) -> list[_Row]:
        """In the order of time; what happened at once in that of the counter."""
        low, high = min(moments), max(moments)
        same = self._of(series)
        rows = self._rows(and_(same, within(self._log, self._size, low - _BACK_US, high + _BACK_US)))
        at, row = schema.record.c.at_us, schema.record.c
        ends = sorted(one.at_us for one in rows)
        edges = (
            (
                (ends[0] >= low, func.max(at), at < low),
                (ends[-1] <= high, func.min(at), at > high),
            )
            if ends
            else ()
        )
        for lacking, nearest, beyond in edges:
            moment = (
                self._connection.scalar(select(nearest).where(same, row.sequence.is_not(None), beyond))
                if lacking
                else None
            )
            if moment is not None:
                rows += self._rows(and_(same, within(self._log, self._size, moment, moment)))
        return list(_by_counter(sorted(rows, key=lambda one: (one.at_us, one.pos)), wraps))

    def _of(self, series: str) -> ColumnElement[bool]:
        row = schema.record.c
        return and_(
            row.source == self._source, row.series == series, row.sequence.is_not(None), *there(self._log, self._size)
        )

    def _rows(self, chosen: ColumnElement[bool]) -> list[_Row]:
        row = schema.record.c
        columns = (row.sequence, row.at_us, row.pos, row.occurred_us, row.recorded_us)
        return [_Row(*one) for one in self._connection.execute(select(*columns).where(chosen)).all()]


def _parts(numbered: Sequence[tuple[int, Told]]) -> Iterator[list[tuple[int, Told]]]:
    part: list[tuple[int, Told]] = []
    for one in numbered:
        if part and one[0] - part[-1][0] > _NEAR:
            yield part
            part = []
        part.append(one)
    if part:
        yield part


def _by_counter(rows: Sequence[_Row], wraps: int) -> Iterator[_Row]:
    """Rows of the same moment in the order in which the counter goes on from the one before them."""
    at = 0
    last: _Row | None = None
    while at < len(rows):
        end = at + 1
        while end < len(rows) and rows[end].at_us == rows[at].at_us:
            end += 1
        group = list(rows[at:end])
        if last is not None and len(group) > 1:
            after = last.number
            group.sort(key=lambda one: (one.number - after) % wraps)
        yield from group
        last, at = group[-1], end


def _place(found: dict[int, Series], numbered: Iterable[tuple[int, Told]], rows: Sequence[_Row]) -> None:
    at = {index_of(one.pos): place for place, one in enumerate(rows)}
    for number, told in numbered:
        place = at.get(told.index)
        before = rows[place - 1] if place else None
        after = rows[place + 1] if place is not None and place + 1 < len(rows) else None
        found[told.index] = Series(
            number=number,
            before=None
            if before is None
            else Numbered(
                number=before.number,
                occurred_us=before.occurred_us,
                recorded_us=before.recorded_us,
                entry=index_of(before.pos),
            ),
            again=any(one is not None and one.number == number for one in (before, after)),
        )
