"""Cases of other systems: a change request, a work order, a deviation, with its records, and whether it is in force.

Records are read by whole hours, each hour once for all that ask for the same types of the same systems.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import product
from typing import Final, NamedTuple

from sqlalchemy import Connection, select

from ledger.core.looks import Span
from ledger.core.rule_parameters import Pattern
from ledger.review.known.facts import Told
from ledger.review.known.fields import NEAR
from ledger.review.known.order import Order
from ledger.review.known.patterns import fits
from ledger.review.known.reach import Reach
from ledger.review.known.records import Records
from ledger.review.known.rows import there
from ledger.store import schema
from ledger.store.changes import Thing
from ledger.store.objects import records_of
from ledger.store.position import index_of
from ledger.store.records import HOUR_US

_AT_ONCE: Final = 400
"""Hours of one statement."""


class Case(NamedTuple):
    """An object of another system, and records of it in the order of their moments."""

    thing: Thing
    records: tuple[Told, ...]

    def within(self, near: Span) -> "Case | None":
        """The case as its records in a time tell it; None: none does."""
        kept = tuple(one for one in self.records if _meet(one.about, near))
        return None if not kept else self if len(kept) == len(self.records) else Case(self.thing, kept)

    @property
    def about(self) -> Span:
        """From the first of its records to the last."""
        spans = [one.about for one in self.records]
        low, high = min(one.low_us for one in spans), max(one.high_us for one in spans)
        return Span(low_us=low, high_us=high, measured=False)


class Force(StrEnum):
    """Whether a case is in force at some time."""

    YES = "yes"
    NO = "no"
    LATER = "later"
    """Only after that time it came into force."""
    UNKNOWN = "unknown"
    """Clocks leave it open."""


class Elsewhere(NamedTuple):
    """Objects of some types in some systems."""

    sources: tuple[str, ...]
    types: frozenset[str]


class Cases:
    """Of a log as of a size."""

    def __init__(
        self, connection: Connection, log: int, size: int, records: Records, bounds: tuple[int, int], reach: Reach
    ) -> None:
        """`bounds`: the first and the last moment of any record; `reach`: of all records below the size."""
        self._connection = connection
        self._log = log
        self._size = size
        self._records = records
        self._bounds = bounds
        self._reach = reach
        self._hours: dict[Elsewhere, dict[int, list[int]]] = {}

    def told(self, of: Elsewhere, low_us: int, high_us: int) -> Sequence[Told]:
        """The records of these systems and types that can have happened in a time, and some around it."""
        reach = max((self._reach.over(one, low_us, high_us) for one in of.sources), default=0)
        low, high = max(low_us - NEAR * reach, self._bounds[0]), min(high_us + NEAR * reach, self._bounds[1])
        hours = self._read(of, range(low // HOUR_US, high // HOUR_US + 1))
        return [*self._records.told(index for entries in hours for index in entries).values()]

    def around(self, of: Elsewhere, asked: Sequence[Told], back_us: int, on_us: int) -> list[Case]:
        """The cases of these systems and types with records from so long before one of these records to so long after
        it; some lie outside.
        """
        if not asked:
            return []
        spans = [one.about for one in asked]
        return [
            *cases(self.told(of, min(one.low_us for one in spans) - back_us, max(one.high_us for one in spans) + on_us))
        ]

    def named(self, of: Elsewhere, ids: Collection[str]) -> Mapping[str, list[Case]]:
        """The cases by their ids, each with all its records."""
        things = [Thing(*one) for one in product(of.sources, sorted(of.types), sorted(ids))]
        places = records_of(self._connection, self._log, self._size, things)
        found = defaultdict[str, list[Case]](list)
        for case in cases(self._records.told(sorted(index_of(pos) for _, pos in places)).values()):
            found[case.thing.id].append(case)
        return found

    def _read(self, of: Elsewhere, wanted: range) -> Iterator[list[int]]:
        held = self._hours.setdefault(of, {})
        lacking = [hour for hour in wanted if hour not in held]
        row = schema.record.c
        for at in range(0, len(lacking), _AT_ONCE):
            hours = lacking[at : at + _AT_ONCE]
            held.update((hour, []) for hour in hours)
            chosen = select(row.hour, row.pos).where(
                row.hour.in_(hours), row.source.in_(of.sources), row.object_type.in_(sorted(of.types)),
                *there(self._log, self._size),
            )  # fmt: skip
            for hour, pos in self._connection.execute(chosen):
                held[hour].append(index_of(pos))
        return (held[hour] for hour in wanted)


class Course:
    """When a case came into force and when it ended."""

    def __init__(self, case: Case, begins: Sequence[Pattern], ends: Sequence[Pattern], order: Order) -> None:
        self.case = case
        self._order = order
        self._begun = [one for one in case.records if fits(one.record, begins)]
        self._ended = [one for one in case.records if fits(one.record, ends)]

    def at(self, told: Told) -> Force:
        """Whether it came into force before a record, and did not end again before it."""
        begun = [(one, self._order.first(one, told)) for one in self._begun]
        before = [one for one, first in begun if first is one]
        meanwhile = any(first is None for _, first in begun)
        if not before:
            return Force.UNKNOWN if meanwhile else Force.LATER if self._begun else Force.NO
        force = Force.YES
        for end in self._ended:
            first = [self._order.first(one, end) for one in before]
            last = self._order.first(end, told)
            if last is told or any(one is end for one in first):
                continue
            if meanwhile or None in first or last is None:
                force = Force.UNKNOWN
            else:
                return Force.NO
        return force


def cases(records: Iterable[Told]) -> Iterator[Case]:
    """The cases that these are records of."""
    found = defaultdict[Thing, list[Told]](list)
    for told in records:
        record = told.record
        found[Thing(record.source, record.object.type, record.object.id)].append(told)
    for thing, its in found.items():
        its.sort(key=lambda one: (one.moment_us, one.index))
        yield Case(thing, tuple(its))


def _meet(one: Span, other: Span) -> bool:
    return one.low_us <= other.high_us and one.high_us >= other.low_us
