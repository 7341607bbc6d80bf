"""The exposure window of a source: received minus source-recorded, measured.

In that time the source alone held the record, and its administrator could have altered it unseen. Both moments are by
the clocks that told them: a source whose clock is ahead of the collector's shows less than there was, or less than
nothing, which is told apart.
"""

from typing import Final

import msgspec
from sqlalchemy import Connection, Select, and_, func, select

from ledger.core.clock import MICROSECONDS
from ledger.core.parameters import Exposure, ParameterName
from ledger.sources import tables as t
from ledger.sources.covering import ran, received_of, require_interval
from ledger.sources.parameters import Parameters
from ledger.store import schema
from ledger.store.matching import require_members
from ledger.store.position import index_of, pos_of

SHOWN: Final = 100
"""Records over the limit that are named; all are counted."""


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """How long records lay at their source, in microseconds; median and 95th percentile are of records that tell.

    `records` tell when they were recorded, `unknown` do not; `negative`: recorded, by the source's clock, after they
    were received.
    """

    records: int
    unknown: int
    negative: int
    median_us: int | None
    p95_us: int | None
    longest_us: int | None


class Exposed(msgspec.Struct, frozen=True, kw_only=True):
    """The window of an interval, and how many of its records are over the limit that parameter entry `limit_entry`
    sets; None: nobody has set one. `over_indices`: the longest first.
    """

    window: Window
    limit_us: int | None
    limit_entry: int | None
    over: int
    over_indices: tuple[int, ...]


def exposed(
    connection: Connection, parameters: Parameters, log: int, size: int, source: str, from_us: int, to_us: int
) -> Exposed:
    """The exposure of records that happened from `from_us` to before `to_us`, as of a size of the log.

    The limit is the one that holds for the source at the end of the interval, whatever the type of object. Raises
    SchemaViolation for an interval that is none, ConfigError where the tables are of an earlier version.
    """
    require_interval(from_us, to_us)
    require_members(connection, "the moment at which they happened")
    row = schema.record.c
    mine = and_(received_of(log, size, source), row.at_us >= from_us, row.at_us < to_us)
    found = parameters.at(connection, log, size, ParameterName.EXPOSURE, source, None, to_us - 1)
    limit = found.value.limit_s * MICROSECONDS if found is not None and isinstance(found.value, Exposure) else None
    over, indices = 0, tuple[int, ...]()
    if limit is not None:
        length = row.received_us - row.recorded_us
        exceeding = (mine, row.recorded_us.is_not(None), length > limit)
        over = connection.scalar(select(func.count()).where(*exceeding)) or 0
        longest = select(row.pos).where(*exceeding).order_by(length.desc(), row.pos).limit(SHOWN)
        indices = tuple(map(index_of, connection.scalars(longest)))
    return Exposed(
        window=_window(connection, select(row.received_us, row.recorded_us).where(mine)),
        limit_us=limit,
        limit_entry=None if limit is None or found is None else found.entry,
        over=over,
        over_indices=indices,
    )


def lately(connection: Connection, log: int, size: int, source: str, newest: int) -> Window:
    """The exposure of those of a source's newest records that say when they were recorded; at most so many.

    Of its newest runs that brought so many records, as of a size.
    """
    row, run = schema.record.c, t.collection_run.c
    runs = connection.execute(
        select(run.pos, run.records).where(ran(log, size, source)).order_by(run.pos.desc()).limit(newest + 1)
    ).all()
    # A run's records stand before it, and behind the run before.
    low, brought = pos_of(log, 0) - 1, 0
    for one in runs:
        if brought >= newest:
            low = one.pos
            break
        brought += one.records
    else:
        low = runs[-1].pos if len(runs) > newest else low
    told = select(row.received_us, row.recorded_us).where(
        row.pos > low,
        row.pos < (runs[0].pos if runs else low),
        # As an expression: no index of sources, which would give all of its records to be sorted.
        row.source.concat("") == source,
        row.recorded_us.is_not(None),
    )
    return _window(connection, told.order_by(row.pos.desc()).limit(newest))


def _window(connection: Connection, chosen: Select[tuple[int, int | None]]) -> Window:
    one = chosen.subquery().c
    length = one.received_us - one.recorded_us
    every, told, negative, longest = connection.execute(
        select(func.count(), func.count(length), func.count().filter(length < 0), func.max(length))
    ).one()
    places = {(told - 1) // 2, (told * 95 + 99) // 100 - 1}
    ranked = (
        select(length.label("length"), func.row_number().over(order_by=length).label("place"))
        .where(one.recorded_us.is_not(None))
        .subquery()
        .c
    )
    found = connection.scalars(
        select(ranked.length).where(ranked.place.in_([place + 1 for place in places])).order_by(ranked.place)
    ).all()
    return Window(
        records=told,
        unknown=every - told,
        negative=negative,
        median_us=found[0] if found else None,
        p95_us=found[-1] if found else None,
        longest_us=longest,
    )
