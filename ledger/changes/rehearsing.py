"""What a change that reaches back alters, tried out: its entries are placed in the log, looked at, and undone.

Nothing is appended meanwhile, so only a little is looked at: what is beyond that, the change *can* alter.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Final, NamedTuple

import msgspec
from sqlalchemy import Connection, func, select

from ledger.core.address import LogId
from ledger.core.entry import draft
from ledger.core.record import LinkKind
from ledger.review.alcoa.assess import Assessor
from ledger.review.alcoa.blocks import Place, assess_block
from ledger.review.known.days import HOURS
from ledger.review.known.rows import there
from ledger.store import schema
from ledger.store.reading import LogReader
from ledger.store.store import Store
from ledger.trace.assets import Assets
from ledger.trace.batch import occupations
from ledger.trace.membership import Batches, members
from ledger.trace.windows import Windows

MOST_BODIES: Final = 1_000
"""A change of more entries is not tried out."""
MOST_JUDGED: Final = 1_000
"""Records that are assessed again."""
MOST_NEAR: Final = 2_000
"""Records of equipment that are looked at for the batches that had it, and records of these."""
Opens = Callable[[Connection, int, int], Assessor]
"""Opens an assessor of a log as of a size."""


class Occupied(NamedTuple):
    """An equipment, from a moment on (None: ever)."""

    equipment: str
    since: int | None


class Moved(NamedTuple):
    """Records that join a batch by a change, and that leave it; None where that was not looked at.

    `entry`: the first of them, else one that bounds the batch's time.
    """

    batch: str
    entry: int
    joined: int | None
    left: int | None


class Tried(NamedTuple):
    """Of the blocks judged again: whether they come out otherwise; and the batches that have other records."""

    judged: dict[Place, bool]
    moved: list[Moved]


def rehearse(
    store: Store,
    connection: Connection,
    log: LogId,
    bodies: Sequence[msgspec.Struct],
    places: Sequence[Place],
    occupied: Iterable[Occupied],
    opens: Opens,
) -> Tried:
    """What the entries with these bodies would make of blocks, and of the batches that had equipment.

    `connection`: a snapshot, in which is looked for what they can alter.
    """
    bounds = _bounds(connection, log.number, occupied)

    def look(trying: Connection, before: int, after: int) -> tuple[dict[Place, bool], dict[str, Moved | None]]:
        chosen = _few(trying, log.number, before, places)
        assessors = [opens(trying, log.number, size) for size in (before, after)]
        judged = {}
        for place in chosen:
            old, new = (assess_block(one, place) for one in assessors)
            judged[place] = old != new
        return judged, _moved(trying, log.number, (before, after), bounds)

    judged: dict[Place, bool] = {}
    looked: dict[str, Moved | None] = {}
    if len(bodies) <= MOST_BODIES and (places or bounds):
        judged, looked = store.rehearse(log.number, [draft(body) for body in bodies], look)
    moved = [looked.get(batch, Moved(batch, entry, None, None)) for batch, entry in bounds.items()]
    return Tried(judged, [one for one in moved if one is not None])


def _few(connection: Connection, log: int, size: int, places: Sequence[Place]) -> list[Place]:
    """The first of these blocks, with no more records than are assessed again."""
    row, chosen, left = schema.record.c, [], MOST_JUDGED
    for place in places:
        hours = row.hour.between(place.day * HOURS, place.day * HOURS + HOURS - 1)
        some = select(row.pos).where(row.source == place.source, hours, *there(log, size)).limit(left + 1)
        left -= connection.scalar(select(func.count()).select_from(some.subquery())) or 0
        if left < 0:
            break
        chosen.append(place)
    return chosen


def _bounds(connection: Connection, log: int, occupied: Iterable[Occupied]) -> dict[str, int]:
    """The batches that had equipment since a moment, by their names, each with an entry that bounds its time."""
    since: dict[str, int | None] = {}
    for one in occupied:
        before = since.get(one.equipment, one.since)
        since[one.equipment] = None if before is None or one.since is None else min(before, one.since)
    batches = Batches(Assets(connection, log, LogReader(connection, log).head().size))
    found = [had for equipment, moment in since.items() for had in batches.having(equipment, moment)]
    return {had.batch: had.start.index for had in sorted(found, key=lambda had: had.batch)}


def _moved(connection: Connection, log: int, sizes: tuple[int, int], bounds: Iterable[str]) -> dict[str, Moved | None]:
    """Of the first batches the records that join and leave; None for one that has the same as before."""
    before, after = (Windows(Assets(connection, log, size)) for size in sizes)
    found: dict[str, Moved | None] = {}
    left = MOST_NEAR
    for batch in bounds:
        old, new = _members(before, batch, left), _members(after, batch, left)
        if old is None or new is None:
            break
        left -= max(old.near, new.near)
        gone, come = old.members - new.members, new.members - old.members
        found[batch] = Moved(batch, min(gone | come), len(come), len(gone)) if gone or come else None
    return found


class _Of(NamedTuple):
    """The records of a batch, and how many were looked at for it."""

    members: frozenset[int]
    near: int


def _members(windows: Windows, batch: str, most: int) -> _Of | None:
    """None where more would have to be looked at."""
    assets = windows.assets
    where = (assets.connection, assets.log, assets.size, LinkKind.BATCH, batch)
    intervals = occupations(*where, windows).intervals
    near = sum(len(assets.around(one.equipment, one.low_us, one.high_us)) for one in intervals)
    if near > most:
        return None
    found = frozenset(one.index for one in islice(members(*where, intervals, assets), most + 1))
    return None if len(found) > most else _Of(found, max(near, len(found)))
