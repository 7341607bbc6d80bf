"""A source's own numbers over an interval of its time: which follow each other, which are missing, doubled, late.

Whether a source numbers every record, and after how many it begins again, is a parameter (`sequence`): where nobody has
said so, what is missing cannot be told, and the report says that it was not said.
"""

from itertools import groupby, pairwise
from operator import attrgetter
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, Subquery, and_, func, literal, or_, select

from ledger.core.parameters import ParameterName, Sequence, SequencePolicy
from ledger.core.sequences import Numbered, doubled_of, late_of, missing_of, stretches
from ledger.sources.covering import received_of, require_interval
from ledger.sources.parameters import Parameters
from ledger.store import schema
from ledger.store.matching import require_members
from ledger.store.position import index_of

SHOWN: Final = 100
"""Ranges and numbers of a series that are listed; all are counted."""
_LONGEST: Final = 500_000
"""Records of a series in the interval of which it is told whether its numbering began again."""


class Reset(msgspec.Struct, frozen=True, kw_only=True):
    """The numbering began again: with number `first` (of entry `entry`), after number `last`."""

    last: int
    first: int
    entry: int


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """A series of numbers: `first` and `last` in the interval, `records` that bear one, and how many numbers lack.

    `missing`: ranges of numbers, both ends included, that no record of the log has. Before `first` and after `last`
    they reach to the nearest number that the log has: on which side of the interval's ends those happened is unknown.
    Of a counter that begins again only numbers between records of the interval are known to lack. `elsewhere`: numbers
    between them that records of another time have. `doubled`: numbers that several records of the interval have.
    `late`: records that came after one with a greater number.

    `began_again`: how often the numbering began anew (`resets`), with no rule that says after how many it does. What
    lacks, came twice or late is then told of each stretch by itself, between its first and its last number: whether
    more were given before or after these is not known.
    """

    series: str
    first: int
    last: int
    records: int
    lacking: int
    missing: tuple[tuple[int, int], ...]
    elsewhere: int
    doubles: int
    doubled: tuple[int, ...]
    late: int
    began_again: int = 0
    resets: tuple[Reset, ...] = ()


class SequenceReport(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of a source's records in an interval. `unnumbered`: records that have none.

    `policy`: what parameter entry `entry` says; None: nobody has said whether numbers follow each other.
    """

    series: tuple[Series, ...]
    unnumbered: int
    policy: SequencePolicy | None
    wraps: int | None
    entry: int | None

    @property
    def counted(self) -> bool:
        """Whether a number that lacks is a record that lacks."""
        return self.policy is SequencePolicy.EVERY


def gaps(
    connection: Connection, parameters: Parameters, log: int, size: int, source: str, from_us: int, to_us: int
) -> SequenceReport:
    """The numbers of records that happened from `from_us` to before `to_us`, as of a size of the log.

    A number that comes late closes its gap as of the sizes after it. Raises SchemaViolation for an interval that is
    none, ConfigError where the tables are of an earlier version and have no moments.
    """
    require_interval(from_us, to_us)
    require_members(connection, "the moment at which they happened")
    found = parameters.at(connection, log, size, ParameterName.SEQUENCE, source, None, to_us - 1)
    rule = found.value if found is not None and isinstance(found.value, Sequence) else None
    row = schema.record.c
    mine = and_(received_of(log, size, source), row.at_us >= from_us, row.at_us < to_us)
    report = _Reading(connection, received_of(log, size, source), mine, None if rule is None else rule.wraps)
    unnumbered = connection.scalar(select(func.count()).where(mine, row.sequence.is_(None))) or 0
    return SequenceReport(
        series=tuple(report.series()),
        unnumbered=unnumbered,
        policy=None if rule is None else rule.policy,
        wraps=None if rule is None else rule.wraps,
        entry=None if found is None else found.entry,
    )


class _Reading:
    """`every`: the source's records as of the size; `mine`: those of the interval."""

    def __init__(
        self, connection: Connection, every: ColumnElement[bool], mine: ColumnElement[bool], wraps: int | None
    ) -> None:
        self._connection = connection
        self._every = every
        self._mine = mine
        self._wraps = wraps

    def series(self) -> list[Series]:
        row = schema.record.c
        steps = {name: list(found) for name, found in groupby(self._breaks(), key=attrgetter("series"))}
        counted = self._connection.execute(
            select(row.series, func.min(row.sequence), func.max(row.sequence), func.count())
            .where(self._mine, row.sequence.is_not(None))
            .group_by(row.series)
            .order_by(row.series)
        ).all()
        falling = set() if self._wraps is not None else self._falling()
        return [
            (name in falling and records <= _LONGEST and self._stretches(name))
            or self._one(name, first, last, records, steps.get(name, []))
            for name, first, last, records in counted
        ]

    def _falling(self) -> set[str]:
        """The series of which a number is followed, in time, by a smaller one: those may have begun again."""
        row = schema.record.c
        before = func.lag(row.sequence).over(partition_by=row.series, order_by=(row.at_us, row.pos))
        step = select(row.series, row.sequence, before.label("before")).where(self._mine, row.sequence.is_not(None))
        of = step.subquery().c
        return set(self._connection.scalars(select(of.series).where(of.sequence < of.before).distinct()))

    def _stretches(self, name: str) -> Series | None:
        """The series as stretches that each begin again; None where it did not."""
        row = schema.record.c
        rows = self._connection.execute(
            select(row.sequence, row.at_us, row.pos)
            .where(self._mine, row.series == name, row.sequence.is_not(None))
            .order_by(row.at_us, row.pos)
        )
        told = [Numbered(*found) for found in rows]
        parts = stretches(told)
        if len(parts) < 2:
            return None
        lacking = [gap for part in parts for gap in missing_of(part)]
        doubled = [number for part in parts for number in doubled_of(part)]
        resets = [
            Reset(last=before[-1].number, first=after[0].number, entry=index_of(after[0].pos))
            for before, after in pairwise(parts)
        ]
        return Series(
            series=name,
            first=min(one.number for one in told),
            last=max(one.number for one in told),
            records=len(told),
            lacking=sum(high - low + 1 for low, high in lacking),
            missing=tuple(lacking[:SHOWN]),
            elsewhere=0,
            doubles=len(doubled),
            doubled=tuple(dict.fromkeys(doubled))[:SHOWN],
            late=sum(late_of(part) for part in parts),
            began_again=len(resets),
            resets=tuple(resets[:SHOWN]),
        )

    def _breaks(self) -> list[Row[Any]]:
        """The records that do not simply follow the one before: numbers left out, given again, or late."""
        told = self._numbered().c
        order = (told.sequence,) if self._wraps is None else (told.at_us, told.turn)
        before = func.lag(told.sequence).over(partition_by=told.series, order_by=(*order, told.pos))
        # Of those with no smaller a number, which came first.
        after = func.min(told.pos).over(
            partition_by=told.series, order_by=(told.sequence.desc(), told.pos.desc()), rows=(None, 0)
        )
        step = select(
            told.series, told.sequence, told.at_us, told.pos, before.label("before"), after.label("after")
        ).subquery().c  # fmt: skip
        follows = step.sequence - step.before == 1
        if self._wraps is not None:
            follows = or_(follows, and_(step.sequence == 0, step.before == self._wraps - 1))
        chosen = select(step.series, step.sequence, step.before, step.pos, step.after).where(
            or_(and_(step.before.is_not(None), ~follows), step.after < step.pos)
        )
        return list(
            self._connection.execute(
                chosen.order_by(step.series, step.sequence if self._wraps is None else step.at_us, step.pos)
            )
        )

    def _numbered(self) -> Subquery:
        """The records that have a number. `turn`: how those of one moment follow each other, of a counter that begins
        again; whichever came first, the others are near it on either side.
        """
        row = schema.record.c
        turn: ColumnElement[int] = literal(0)
        if self._wraps is not None:
            met = func.first_value(row.sequence).over(partition_by=(row.series, row.at_us), order_by=row.pos)
            turn = (row.sequence - met + self._wraps + self._wraps // 2) % self._wraps
        return (
            select(row.series, row.sequence, row.at_us, row.pos, turn.label("turn"))
            .where(self._mine, row.sequence.is_not(None))
            .subquery()
        )

    def _one(self, name: str, first: int, last: int, records: int, steps: list[Row[Any]]) -> Series:
        lacking: list[tuple[int, int]] = []
        doubled: list[int] = []
        late = elsewhere = 0
        for step in steps:
            late += self._wraps is None and step.after < step.pos
            if step.before is None:
                continue
            if step.sequence == step.before:
                doubled.append(step.sequence)
            elif self._wraps is not None:
                lacking += self._around(step.before, step.sequence, self._wraps)
            elif step.sequence - step.before > 1:
                lacking.append((step.before + 1, step.sequence - 1))
        if self._wraps is None:
            lacking, elsewhere = self._not_elsewhere(name, lacking)
            lacking = [*self._outside(name, first, last, below=True), *lacking]
            lacking += self._outside(name, first, last, below=False)
        return Series(
            series=name,
            first=first,
            last=last,
            records=records,
            lacking=sum(high - low + 1 for low, high in lacking),
            missing=tuple(lacking[:SHOWN]),
            elsewhere=elsewhere,
            doubles=len(doubled),
            doubled=tuple(dict.fromkeys(doubled))[:SHOWN],
            late=late,
        )

    @staticmethod
    def _around(before: int, number: int, wraps: int) -> list[tuple[int, int]]:
        """The numbers between two of a counter that begins again at 0."""
        if before < number:
            return [(before + 1, number - 1)] if number - before > 1 else []
        return [(low, high) for low, high in ((before + 1, wraps - 1), (0, number - 1)) if low <= high]

    def _not_elsewhere(self, name: str, lacking: list[tuple[int, int]]) -> tuple[list[tuple[int, int]], int]:
        """What lacks among records of all times, and how many numbers lie in another time than the interval."""
        row = schema.record.c
        rest: list[tuple[int, int]] = []
        elsewhere = 0
        for low, high in lacking:
            there = self._connection.scalars(
                select(row.sequence)
                .where(self._every, row.series == name, row.sequence >= low, row.sequence <= high)
                .distinct()
                .order_by(row.sequence)
            ).all()
            elsewhere += len(there)
            at = low
            for number in (*there, high + 1):
                if number > at:
                    rest.append((at, number - 1))
                at = number + 1
        return rest, elsewhere

    def _outside(self, name: str, first: int, last: int, *, below: bool) -> list[tuple[int, int]]:
        """What lacks between the interval's numbers and the nearest that the log has beyond them."""
        row = schema.record.c
        same = (self._every, row.series == name)
        if below:
            near = self._connection.scalar(select(func.max(row.sequence)).where(*same, row.sequence < first))
            return [] if near is None or near >= first - 1 else [(near + 1, first - 1)]
        near = self._connection.scalar(select(func.min(row.sequence)).where(*same, row.sequence > last))
        return [] if near is None or near <= last + 1 else [(last + 1, near - 1)]
