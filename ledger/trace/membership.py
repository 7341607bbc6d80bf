"""Which records belong to a batch, an order or a lot: those that say so, and those that its occupation of equipment
says so of; and to which batches a record belongs.

*Read*: the record carries the link. *Derived*: it concerns an equipment (by its link, its tag or its room) and happened
while the batch had that, or in the time before and after that a rule adds. A record of a polled source names no
instant, but the two looks between which it happened: it belongs if both lie in the interval, and *may* belong if the
time between them lies in it only in part. A record may belong to several batches. Computed from records, maps and
parameters alone, as of a size; records are read some at a time, so that only their numbers are held in memory.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import accumulate, groupby, islice
from operator import itemgetter
from typing import Final, NamedTuple

import msgspec
from sqlalchemy import Connection, select

from ledger.core.looks import looked, moment_us
from ledger.core.record import Action, LinkKind, RecordBody
from ledger.store import schema
from ledger.store.position import index_of, pos_of
from ledger.trace.assets import Assets
from ledger.trace.batch import edge_at, edges_of, named_with
from ledger.trace.bodies import bodies, linked, placed
from ledger.trace.windows import Edge, Occupation, Why, Windows, overlaps, paired, why

PAGE: Final = 500
NEAREST: Final = 1_000
"""Starts and stops of an asset that are read before a record, and after it, to tell of it alone."""
_ALWAYS: Final = 2**62


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A record of the batch; `why` is None where the record itself carries the link."""

    index: int
    why: Why | None = None


class _Candidate(NamedTuple):
    """A record that may be one: `interval` is the number of the occupation, -1 where it carries the link itself."""

    entry: int
    interval: int
    tag: str


def members(
    connection: Connection,
    log: int,
    size: int,
    kind: LinkKind,
    id_: str,
    intervals: Sequence[Occupation],
    assets: Assets | None = None,
    after: int = -1,
) -> Iterator[Member]:
    """Every record of the batch after an entry once, in index order; one that carries the link is *read*, whatever else
    holds.

    Of several occupations that a record falls into, the one is given that says most: one of which it is certain.
    """
    streams: list[Iterable[_Candidate]] = [_read(connection, log, size, kind, id_, after)]
    if intervals:
        assets = assets or Assets(connection, log, size)
        for number, one in enumerate(intervals):
            near = assets.around(one.equipment, one.low_us, one.high_us)
            streams.append([_Candidate(found.entry, number, found.tag) for found in near if found.entry > after])
    candidates = groupby(merge(*streams), key=lambda one: one.entry)
    grouped = ((index, list(group)) for index, group in candidates)
    while page := list(islice(grouped, PAGE)):
        derived = [index for index, group in page if group[0].interval >= 0]
        read = dict(bodies(connection, log, derived))
        for index, group in page:
            found = read.get(index)
            if found is None:
                yield Member(index=index)
                continue
            reason = _best(index, found, ((intervals[one.interval], one.tag) for one in group))
            if reason is not None:
                yield Member(index=index, why=reason)


def undated(assets: Assets, intervals: Sequence[Occupation]) -> int:
    """How many records of the occupied equipment name neither an instant nor two looks, so that nothing places them.

    Of what came after the batch first had the equipment: before that it cannot have happened meanwhile.
    """
    since: dict[str, int] = {}
    for one in intervals:
        since[one.equipment] = min(one.low_us, since.get(one.equipment, one.low_us))
    found = {one.entry for equipment, low in since.items() for one in assets.undated(equipment, low)}
    return sum(looked(body) is None for _, body in bodies(assets.connection, assets.log, sorted(found)))


class Belonging(msgspec.Struct, frozen=True, kw_only=True):
    """A batch to which a record belongs; `why` is None where the record itself names the batch."""

    batch: str
    why: Why | None = None


class Belongings(msgspec.Struct, frozen=True, kw_only=True):
    """The batches to which a record belongs, by their names; `whole` false: others that had its equipment long before
    or long after were not looked at.
    """

    batches: tuple[Belonging, ...]
    whole: bool


def batches_of(connection: Connection, log: int, size: int, index: int, body: RecordBody) -> Belongings:
    """The batches of one record; of many records ask `Batches`.

    Raises ConfigError where the tables are of an earlier version and have no moments, IntegrityError for an entry that
    bounds an occupation and whose body is not there.
    """
    batches = Batches(Assets(connection, log, size), moment_us(body))
    return Belongings(batches=batches.of(index, body), whole=batches.whole)


class Had(NamedTuple):
    """From `low_us` to `high_us` at the farthest what an asset did can belong to a batch."""

    low_us: int
    high_us: int
    batch: str
    start: Edge
    stop: Edge | None


class _Asset(NamedTuple):
    """Who had an asset, by when that can have begun; `reached`: how far those up to each can reach at the most."""

    had: list[Had]
    lows: list[int]
    reached: list[int]


class Batches:
    """To which batches records belong; what was read of each asset is remembered.

    `whole` is false where not all starts and stops of an asset were read: given `near_us`, `NEAREST` on either side.
    """

    def __init__(self, assets: Assets, near_us: int | None = None) -> None:
        self.assets = assets
        self.whole = True
        self._near_us = near_us
        self.windows = Windows(assets)
        self._had: dict[str, _Asset] = {}
        self._orders: dict[str, list[str]] = {}

    def of(self, index: int, body: RecordBody) -> tuple[Belonging, ...]:
        """The batches of a record, by their names."""
        found: dict[str, Why | None] = {}
        place = placed(body)
        if place is not None:
            for asset, tag in self.assets.of(body):
                for had in self.around(asset, place.span.low_us, place.span.high_us):
                    reason = why(index, place, self.windows.of(asset, had.start, had.stop), tag)
                    before = found.get(had.batch)
                    if reason is not None and (before is None or reason.weight > before.weight):
                        found[had.batch] = reason
        found |= dict.fromkeys(link.id for link in body.record.links if link.kind is LinkKind.BATCH)
        return tuple(Belonging(batch=batch, why=found[batch]) for batch in sorted(found))

    def has(self, body: RecordBody) -> bool:
        """Whether a record belongs to any batch: as `of`, without saying why."""
        if any(link.kind is LinkKind.BATCH for link in body.record.links):
            return True
        place = placed(body)
        return place is not None and any(
            overlaps(place.span, self.windows.of(asset, had.start, had.stop))
            for asset, _ in self.assets.of(body)
            for had in self.around(asset, place.span.low_us, place.span.high_us)
        )

    def having(self, asset: str, since_us: int | None) -> Iterator[Had]:
        """What had an asset from an instant on (None: ever)."""
        return self.around(asset, -_ALWAYS if since_us is None else since_us, _ALWAYS)

    def nearest(self, asset: str, at_us: int) -> tuple[Had | None, Had | None]:
        """What had an asset last before an instant, and first after it."""
        had = self._asset(asset).had
        before = [one for one in had if one.stop is not None and one.stop.span.low_us <= at_us]
        after = (one for one in had if one.start.span.low_us > at_us)
        last = max(before, key=lambda one: one.stop.span.low_us if one.stop else 0, default=None)
        return last, min(after, key=lambda one: one.start.span.low_us, default=None)

    def around(self, asset: str, low_us: int, high_us: int) -> Iterator[Had]:
        """What can have had an asset between two instants, with the time before and after that a rule may add."""
        known = self._asset(asset)
        at = bisect_right(known.lows, high_us)
        while at > 0 and known.reached[at - 1] >= low_us:
            at -= 1
            if known.had[at].high_us >= low_us:
                yield known.had[at]

    def _asset(self, asset: str) -> _Asset:
        if asset not in self._had:
            had = sorted(self._read(asset), key=lambda one: (one.low_us, one.batch))
            reached = list(accumulate((one.high_us for one in had), max))
            self._had[asset] = _Asset(had, [one.low_us for one in had], reached)
        return self._had[asset]

    def _read(self, asset: str) -> Iterator[Had]:
        """Pairs the starts and stops of each batch that had the asset, as `trace.batch.occupations` does for one."""
        connection, log, size = self.assets.connection, self.assets.log, self.assets.size
        told: dict[str, list[tuple[Action, Edge]]] = {}
        edges = sorted(edges_of(connection, log, size, LinkKind.EQUIPMENT, asset))
        if self._near_us is not None and len(edges) > 2 * NEAREST:
            at = bisect_right(edges, self._near_us, key=itemgetter(0))
            edges = edges[max(0, at - NEAREST) : at + NEAREST]
            self.whole = False
        for index, body in bodies(connection, log, sorted(edge.entry for edge in edges)):
            edge = edge_at(index, body)
            if edge is not None:
                for batch in self._named(body):
                    told.setdefault(batch, []).append((body.record.action, edge))
        for batch, its in told.items():
            for start, stop in paired(its)[0]:
                high = _ALWAYS if stop is None else stop.span.high_us + self.windows.farthest_us
                yield Had(start.span.low_us - self.windows.farthest_us, high, batch, start, stop)

    def _named(self, body: RecordBody) -> set[str]:
        """The batches that a record names, itself or by their order."""
        found = {link.id for link in body.record.links if link.kind is LinkKind.BATCH}
        for link in body.record.links:
            if link.kind is LinkKind.ORDER:
                if link.id not in self._orders:
                    assets = self.assets
                    self._orders[link.id] = named_with(
                        assets.connection, assets.log, assets.size, LinkKind.ORDER, link.id, LinkKind.BATCH
                    )
                found.update(self._orders[link.id])
        return found


def _read(connection: Connection, log: int, size: int, kind: LinkKind, id_: str, last: int) -> Iterator[_Candidate]:
    link = schema.record_link.c
    after = pos_of(log, 0) + last
    while True:
        page = connection.scalars(
            select(link.pos).where(linked(log, size, kind, id_), link.pos > after).order_by(link.pos).limit(PAGE)
        ).all()
        for pos in page:
            yield _Candidate(index_of(pos), -1, "")
        if len(page) < PAGE:
            return
        after = page[-1]


def _best(index: int, body: RecordBody, by: Iterable[tuple[Occupation, str]]) -> Why | None:
    place = placed(body)
    if place is None:
        return None
    found = [reason for occupation, tag in by if (reason := why(index, place, occupation, tag)) is not None]
    return max(found, key=lambda reason: reason.weight, default=None)
