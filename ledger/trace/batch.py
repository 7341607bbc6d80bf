"""What a batch, an order or a lot occupied, and when: by the records that say so.

Records with the actions start and stop that carry the id's link, or that of an order of the batch, and an equipment's
bound the time in which it had that equipment.
"""

from typing import Final, NamedTuple

import msgspec
from sqlalchemy import Connection, func, select

from ledger.core.looks import moment_us
from ledger.core.record import Action, LinkKind, Outcome, RecordBody
from ledger.store import schema
from ledger.store.combinations import combinations
from ledger.store.position import index_of
from ledger.trace.assets import Assets
from ledger.trace.bodies import bodies, decoded, linked, of_log, placed
from ledger.trace.windows import Edge, Occupation, Windows, paired

BATCH_KINDS: Final = frozenset({LinkKind.BATCH, LinkKind.ORDER, LinkKind.LOT})
"""Kinds of link whose START and STOP records say what the batch occupied."""
_MANY: Final = 2_000
"""Records that name an id of which each is looked at, sooner than all that start or stop anything."""


class Occupations(msgspec.Struct, frozen=True, kw_only=True):
    """All occupations of a batch, by equipment and time, and what could not be turned into one."""

    intervals: tuple[Occupation, ...]
    unmatched: tuple[int, ...]
    """Entries of START and STOP records that bound nothing: a stop without a start, or one without an instant."""


def occupations(
    connection: Connection, log: int, size: int, kind: LinkKind, id_: str, windows: Windows | None = None
) -> Occupations:
    """The intervals in which the batch occupied equipment. `windows`: remembers what was read, over several questions.

    Raises ConfigError where the tables are of an earlier version and have no moments.
    """
    if kind not in BATCH_KINDS:
        return Occupations(intervals=(), unmatched=())
    windows = windows or Windows(Assets(connection, log, size))
    names = [(kind, id_), *crosswalk(connection, log, size, kind, id_)]
    told = sorted({edge.entry for name in names for edge in edges_of(connection, log, size, *name)})
    by_equipment: dict[str, list[tuple[Action, Edge]]] = {}
    unmatched: list[int] = []
    for index, body in bodies(connection, log, told):
        edge = edge_at(index, body)
        for name in {link.id for link in body.record.links if link.kind is LinkKind.EQUIPMENT}:
            if edge is None:
                unmatched.append(index)
            else:
                by_equipment.setdefault(name, []).append((body.record.action, edge))
    intervals: list[Occupation] = []
    for name in sorted(by_equipment):
        pairs, left = paired(by_equipment[name])
        intervals += [windows.of(name, start, stop) for start, stop in pairs]
        unmatched += left
    return Occupations(intervals=tuple(intervals), unmatched=tuple(sorted(set(unmatched))))


def edge_at(index: int, body: RecordBody) -> Edge | None:
    """The end of an occupation that a record bounds; None where its source names no instant."""
    found = placed(body)
    return None if found is None else Edge(index=index, span=found.span, moment_us=moment_us(body))


def crosswalk(
    connection: Connection, log: int, size: int, kind: LinkKind, id_: str
) -> tuple[tuple[LinkKind, str], ...]:
    """The orders of a batch: those that a record names together with it. Of anything else there are none."""
    if kind is not LinkKind.BATCH:
        return ()
    return tuple((LinkKind.ORDER, order) for order in named_with(connection, log, size, kind, id_, LinkKind.ORDER))


def named_with(connection: Connection, log: int, size: int, kind: LinkKind, id_: str, other: LinkKind) -> list[str]:
    """The ids of another kind that records name together with an id."""
    link = schema.record_link.c
    positions = connection.scalars(select(link.pos).where(linked(log, size, kind, id_)).order_by(link.pos)).all()
    return sorted(
        {
            link.id
            for _, body in decoded(connection, log, map(index_of, positions), _LINKS)
            for link in body.record.links
            if link.kind is other
        }
    )


class Told(NamedTuple):
    """A record that starts or stops something: when that was (`core.looks.moment_us`), and its entry."""

    at_us: int
    entry: int


def edges_of(connection: Connection, log: int, size: int, kind: LinkKind, id_: str) -> list[Told]:
    """The START and STOP records that carry a link, in no order."""
    link, record = schema.record_link.c, schema.record.c
    chosen = select(link.at_us, link.pos)
    some = select(link.pos).where(linked(log, size, kind, id_)).limit(_MANY).subquery()
    if (connection.scalar(select(func.count()).select_from(some)) or 0) < _MANY:
        chosen = chosen.where(
            linked(log, size, kind, id_),
            record.pos == link.pos,
            record.action.in_(_EDGES),
            record.outcome == Outcome.SUCCESS.value,
        )
    else:
        # Much names an equipment; of all records few start or stop anything, and one index has them.
        wanted = [(None, action, Outcome.SUCCESS.value, None) for action in _EDGES]
        there = [one for some in wanted for one in combinations(connection, some)]
        edges = select(record.pos).where(
            record.source.in_({one.source for one in there}),
            record.action.in_(_EDGES),
            record.outcome == Outcome.SUCCESS.value,
            record.object_type.in_({one.object_type for one in there}),
            of_log(record.pos, log, size),
        )
        chosen = chosen.where(link.kind == kind, link.id == id_, link.pos.in_(edges))
    return [Told(at_us, index_of(pos)) for at_us, pos in connection.execute(chosen)]


class _Link(msgspec.Struct, frozen=True, gc=False):
    kind: LinkKind
    id: str


class _Record(msgspec.Struct, frozen=True, gc=False):
    links: tuple[_Link, ...] = ()


class _Links(msgspec.Struct, frozen=True, gc=False):
    """A record's body, of which only the links are read."""

    record: _Record


_EDGES: Final = (Action.START.value, Action.STOP.value)
_LINKS: Final = msgspec.json.Decoder(_Links)
