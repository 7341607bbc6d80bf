"""Records of critical equipment that belong to no batch: listed, never dropped, also those that nothing dates."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import islice

import msgspec
from sqlalchemy import Connection, select

from ledger.store import schema
from ledger.store.position import pos_of
from ledger.trace.assets import DAY_US, Assets
from ledger.trace.bodies import bodies
from ledger.trace.membership import Batches, Had
from ledger.trace.windows import Edge


class Neighbour(msgspec.Struct, frozen=True, kw_only=True):
    """A batch that had the equipment before, or after: by this entry, which ended or began that."""

    batch: str
    entry: int


class Orphan(msgspec.Struct, frozen=True, kw_only=True):
    """A record of critical equipment in no batch; `at_us`: when it happened (`core.looks.moment_us`).

    `before`: the batch that had the equipment last; `after`: the one that had it next; None: there is none.
    """

    index: int
    at_us: int
    equipment: str
    before: Neighbour | None
    after: Neighbour | None


class OrphanPage(msgspec.Struct, frozen=True, kw_only=True):
    """In the order of time; `next_after`: after which entry the next page begins, None: this was the last."""

    orphans: tuple[Orphan, ...]
    next_after: int | None


def orphans(
    connection: Connection, log: int, size: int, from_us: int, to_us: int, after: int | None = None, limit: int = 500
) -> OrphanPage:
    """Those that happened from `from_us` to before `to_us` (microseconds UTC), as of a size of the log.

    Raises ConfigError where the tables are of an earlier version and have no moments.
    """
    assets = Assets(connection, log, size)
    row = schema.record.c
    last = None if after is None else connection.scalar(select(row.at_us).where(row.pos == pos_of(log, after)))
    found = list(islice(_found(assets, from_us, to_us, None if last is None else (last, after or 0)), limit + 1))
    more = len(found) > limit
    return OrphanPage(orphans=tuple(found[:limit]), next_after=found[limit - 1].index if more else None)


def _found(assets: Assets, from_us: int, to_us: int, after: tuple[int, int] | None) -> Iterator[Orphan]:
    critical, batches = assets.ever_critical(), Batches(assets)
    first, last = assets.bounds
    low, high = max(from_us, first), min(to_us, last + 1)
    if after is not None:
        low = max(low, after[0])
    while low < high:
        end = min(high, (low // DAY_US + 1) * DAY_US)
        concerned = defaultdict[tuple[int, int], list[str]](list)
        for asset in critical:
            for at_us, entry in {(at_us, one.entry) for at_us, one in assets.moments(asset, low, end)}:
                if assets.critical(asset, at_us) and (after is None or (at_us, entry) > after):
                    concerned[at_us, entry].append(asset)
        wanted = sorted(concerned)
        for (at_us, _), (index, body) in zip(
            wanted, bodies(assets.connection, assets.log, [entry for _, entry in wanted]), strict=True
        ):
            if not batches.has(body):
                asset = concerned[at_us, index][0]
                before, following = batches.nearest(asset, at_us)
                yield Orphan(
                    index=index,
                    at_us=at_us,
                    equipment=asset,
                    before=None if before is None or before.stop is None else _neighbour(before, before.stop),
                    after=None if following is None else _neighbour(following, following.start),
                )
        low = end


def _neighbour(had: Had, by: Edge) -> Neighbour:
    return Neighbour(batch=had.batch, entry=by.index)
