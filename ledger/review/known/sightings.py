"""Who was seen at which terminal: by person where the map tells whose the account is, else by account.

Days are read once and kept: to a record those around it matter, as a clock may be off by a day. For a person only
sources of which the map has accounts are read, for an account its own.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection, select

from ledger.core.clock import MICROSECONDS
from ledger.core.parameters import Travel
from ledger.review.known.days import DAY_US
from ledger.review.known.facts import Owner, Sighting, Told
from ledger.review.known.maps import Account, Accounts
from ledger.review.known.records import MAX_CLOCK_ERROR_US, Records
from ledger.review.known.rows import within
from ledger.store import schema
from ledger.store.position import index_of

Who = str | Account
_MOST: Final = 400_000
"""Sightings that are kept at hand."""


class _Seen(NamedTuple):
    low_us: int
    entry: int
    sighting: Sighting


class _Day:
    """The sightings of a day: by who was seen, in the order of when it may have begun; the longest of them."""

    def __init__(self, found: Iterable[tuple[Who, _Seen]]) -> None:
        self.by: dict[Who, list[_Seen]] = defaultdict(list)
        for who, seen in found:
            self.by[who].append(seen)
        for seen_of in self.by.values():
            seen_of.sort(key=lambda one: one[:2])
        spans = [one.sighting.span for of in self.by.values() for one in of]
        self.widest = max((span.high_us - span.low_us for span in spans), default=0)
        self.count = len(spans)

    def near(self, who: Who, low_us: int, high_us: int) -> Iterator[_Seen]:
        """Those that can meet a stretch of time."""
        seen = self.by.get(who, ())
        begin = bisect_left(seen, (low_us - self.widest,)) if seen else 0
        yield from seen[begin : bisect_right(seen, (high_us + 1,))] if seen else ()


class Sightings:
    """Of a log as of a size."""

    def __init__(self, connection: Connection, log: int, size: int, records: Records, accounts: Accounts) -> None:
        self._connection = connection
        self._log = log
        self._size = size
        self._records = records
        self._accounts = accounts
        self._days: dict[tuple[int, tuple[str, ...], frozenset[str]], _Day] = {}

    def of(
        self, asked: Sequence[tuple[Told, Owner | None, Travel]], *, sure: bool = True
    ) -> Mapping[int, list[Sighting]]:
        """For each record by its index: where else the same one was seen, so near in time that a way can be too long;
        not `sure`: also where clocks leave open whether it was so near.
        """
        found: dict[int, list[Sighting]] = {}
        tables = {id(table): table for *_, table in asked}
        ways = {key: (_longest(table), _stations(table)) for key, table in tables.items()}
        for told, owner, table in asked:
            span, (longest, stations) = told.span, ways[id(table)]
            if span is None or not longest:
                continue
            who = _who(told, owner)
            sources = self._accounts.sources if isinstance(who, str) else who[:1]
            edges = (span.high_us, span.low_us) if sure else (span.low_us, span.high_us)
            low, high = edges[0] - longest, edges[1] + longest
            first, last = (low - MAX_CLOCK_ERROR_US) // DAY_US, (high + MAX_CLOCK_ERROR_US) // DAY_US
            found[told.index] = [
                seen.sighting
                for day in range(first, last + 1)
                for seen in self._day(day, sources, stations).near(who, low, high)
                if seen.entry != told.index
                and (not sure or (seen.sighting.span.low_us > low and seen.sighting.span.high_us < high))
            ]
        return found

    def _day(self, day: int, sources: tuple[str, ...], stations: frozenset[str]) -> _Day:
        key = day, sources, stations
        held = self._days.get(key)
        if held is None:
            while self._days and sum(one.count for one in self._days.values()) > _MOST:
                del self._days[next(iter(self._days))]
            held = self._days[key] = _Day(self._read(*key))
        return held

    def _read(self, day: int, sources: tuple[str, ...], stations: frozenset[str]) -> Iterator[tuple[Who, _Seen]]:
        row = schema.record.c
        stretch = within(self._log, self._size, day * DAY_US, (day + 1) * DAY_US - 1, sources)
        found = self._connection.scalars(
            select(row.pos).where(stretch, row.workstation.in_(sorted(stations)), row.actor.is_not(None))
        ).all()
        for index, told in self._records.told(map(index_of, found)).items():
            actor, span = told.record.actor, told.span
            if span is not None and actor.workstation is not None:
                who = _who(told, self._accounts.owner(told.record.source, actor, told.about))
                yield who, _Seen(span.low_us, index, Sighting(span=span, workstation=actor.workstation, entry=index))


def _longest(table: Travel) -> int:
    return max((seconds for *_, seconds in table.pairs), default=0) * MICROSECONDS


def _stations(table: Travel) -> frozenset[str]:
    return frozenset(name for one, other, _ in table.pairs for name in (one, other))


def _who(told: Told, owner: Owner | None) -> Who:
    return (
        owner.id if owner is not None and owner.id is not None else (told.record.source, str(told.record.actor.account))
    )
