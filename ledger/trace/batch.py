"""Which records belong to a batch, an order or a lot: those that say so, and those that its occupation of equipment
says so of.

*Read*: the record carries the link. *Derived*: records that carry both the batch's link and an equipment's, with the
actions start and stop, bound the interval in which the batch occupied that equipment; every record with that
equipment's link that happened in the interval belongs to the batch too. A record of a polled source names no instant,
but the two looks between which it happened: it belongs if both lie in the interval, and *may* belong if the time
between them lies in it only in part. Computed from records alone, as of a size, and read a page at a time, so memory
does not grow with the number of records.
"""

import heapq
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, and_, or_, select

from ledger.core.clock import utc_text
from ledger.core.errors import IntegrityError
from ledger.core.looks import Span, looked, within
from ledger.core.record import Action, LinkKind, Outcome, RecordBody
from ledger.store import schema
from ledger.store.position import index_of, pos_of
from ledger.trace.instants import occurred

PAGE: Final = 500
MAX_CLOCK_ERROR_US: Final = 86_400_000_000
"""A source's clock is taken to be off by less than a day: records are looked for so far around an interval."""

BATCH_KINDS: Final = frozenset({LinkKind.BATCH, LinkKind.ORDER, LinkKind.LOT})
"""Kinds of link whose START and STOP records say what the batch occupied."""


class Edge(msgspec.Struct, frozen=True, kw_only=True):
    """One end of an occupation: the entry that says so, and when that was."""

    index: int
    span: Span


class Occupation(msgspec.Struct, frozen=True, kw_only=True):
    """The batch had this equipment from `start` to `stop`; without a stop, still at the size that was read."""

    equipment: str
    start: Edge
    stop: Edge | None


class Occupations(msgspec.Struct, frozen=True, kw_only=True):
    """All occupations of a batch, by equipment and time, and what could not be turned into one."""

    intervals: tuple[Occupation, ...]
    unmatched: tuple[int, ...]
    """Entries of START and STOP records that bound nothing: a stop without a start, or one without an instant."""


class Why(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a record is derived to belong: the equipment, the interval (UTC texts) and the two entries that bound it.

    `before` and `stopped_by` are absent while the equipment is still occupied. `certain` is false where the record may
    as well lie outside: the clocks' uncertainties, or the precision of the times, do not tell. `partly`: it happened
    between two looks, and the time between them lies in the interval only in part; such a record is never certain.
    """

    equipment: str
    started_by: int
    after: str
    stopped_by: int | None = None
    before: str | None = None
    certain: bool = True
    partly: bool = False


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A record of the batch; `why` is None where the record itself carries the link."""

    index: int
    why: Why | None = None


def occupations(connection: Connection, log: int, size: int, kind: LinkKind, id_: str) -> Occupations:
    """The intervals in which the batch occupied equipment, from the START and STOP records of both links."""
    if kind not in BATCH_KINDS:
        return Occupations(intervals=(), unmatched=())
    by_equipment: dict[str, list[tuple[Action, Edge]]] = {}
    unmatched: list[int] = []
    for index, equipment, action, body in _edges(connection, log, size, kind, id_):
        span = occurred(body)
        if span is None:
            unmatched.append(index)
        else:
            by_equipment.setdefault(equipment, []).append((action, Edge(index=index, span=span)))
    intervals: list[Occupation] = []
    for equipment in sorted(by_equipment):
        found, left = _pair(equipment, by_equipment[equipment])
        intervals += found
        unmatched += left
    return Occupations(intervals=tuple(intervals), unmatched=tuple(sorted(set(unmatched))))


def members(
    connection: Connection, log: int, size: int, kind: LinkKind, id_: str, intervals: Sequence[Occupation]
) -> Iterator[Member]:
    """Every record of the batch once, in index order; one that carries the link is *read*, whatever else holds."""
    streams: list[Iterator[Member]] = [_read(connection, log, size, kind, id_)]
    streams += [_derived(connection, log, size, interval) for interval in intervals]
    last = -1
    for member in heapq.merge(*streams, key=lambda member: (member.index, member.why is not None)):
        if member.index != last:
            last = member.index
            yield member


def undated(connection: Connection, log: int, size: int, intervals: Sequence[Occupation]) -> int:
    """How many records of the occupied equipment name neither an instant nor two looks, so that nothing places them."""
    equipment = sorted({interval.equipment for interval in intervals})
    link, record, body = schema.record_link.c, schema.record.c, schema.body.c
    found, after = 0, pos_of(log, 0) - 1
    while equipment:
        page = connection.execute(
            select(link.pos, body.body)
            .distinct()
            .join(schema.record, record.pos == link.pos)
            .outerjoin(schema.body, body.pos == link.pos)
            .where(
                link.kind == LinkKind.EQUIPMENT.value,
                link.id.in_(equipment),
                link.pos > after,
                link.pos < pos_of(log, size),
                record.occurred_us.is_(None),
            )
            .order_by(link.pos)
            .limit(PAGE)
        ).all()
        found += sum(looked(_decode(pos, data)) is None for pos, data in page)
        if len(page) < PAGE:
            break
        after = page[-1].pos
    return found


def _edges(
    connection: Connection, log: int, size: int, kind: LinkKind, id_: str
) -> Iterator[tuple[int, str, Action, RecordBody]]:
    batch, equipment = schema.record_link.alias("b").c, schema.record_link.alias("e").c
    record, body = schema.record.c, schema.body.c
    query = (
        select(record.pos, equipment.id, record.action, body.body)
        .join(batch.pos.table, batch.pos == record.pos)
        .join(equipment.pos.table, equipment.pos == record.pos)
        .outerjoin(schema.body, body.pos == record.pos)
        .where(
            batch.kind == kind.value,
            batch.id == id_,
            batch.pos >= pos_of(log, 0),
            batch.pos < pos_of(log, size),
            equipment.kind == LinkKind.EQUIPMENT.value,
            record.action.in_([Action.START.value, Action.STOP.value]),
            record.outcome == Outcome.SUCCESS.value,
        )
        .order_by(record.pos, equipment.id)
    )
    for pos, name, action, data in connection.execute(query):
        yield index_of(pos), name, Action(action), _decode(pos, data)


def _pair(equipment: str, edges: list[tuple[Action, Edge]]) -> tuple[list[Occupation], list[int]]:
    """Starts and stops in time order: a start opens, the next stop closes; a start within is part of the same."""
    found: list[Occupation] = []
    unmatched: list[int] = []
    start: Edge | None = None
    for action, edge in sorted(edges, key=lambda pair: (pair[1].span.low_us, pair[1].index)):
        if action is Action.START:
            start = start or edge
        elif start is None:
            unmatched.append(edge.index)
        else:
            found.append(Occupation(equipment=equipment, start=start, stop=edge))
            start = None
    if start is not None:
        found.append(Occupation(equipment=equipment, start=start, stop=None))
    return found, unmatched


def _read(connection: Connection, log: int, size: int, kind: LinkKind, id_: str) -> Iterator[Member]:
    link = schema.record_link.c
    after = pos_of(log, 0) - 1
    while True:
        page = connection.scalars(
            select(link.pos)
            .where(link.kind == kind.value, link.id == id_, link.pos > after, link.pos < pos_of(log, size))
            .order_by(link.pos)
            .limit(PAGE)
        ).all()
        for pos in page:
            yield Member(index=index_of(pos))
        if len(page) < PAGE:
            return
        after = page[-1]


def _derived(connection: Connection, log: int, size: int, interval: Occupation) -> Iterator[Member]:
    link, record, body = schema.record_link.c, schema.record.c, schema.body.c
    conditions = [
        link.kind == LinkKind.EQUIPMENT.value,
        link.id == interval.equipment,
        link.pos < pos_of(log, size),
    ]
    # A record without an instant is found by when it was received: no look is later than that.
    earliest = interval.start.span.low_us - MAX_CLOCK_ERROR_US
    dated = record.occurred_us >= earliest
    if interval.stop is not None:
        dated = and_(dated, record.occurred_us <= interval.stop.span.high_us + MAX_CLOCK_ERROR_US)
    conditions.append(or_(dated, and_(record.occurred_us.is_(None), record.received_us >= earliest)))
    after = pos_of(log, 0) - 1
    while True:
        page = connection.execute(
            select(link.pos, body.body)
            .join(schema.record, record.pos == link.pos)
            .outerjoin(schema.body, body.pos == link.pos)
            .where(*conditions, link.pos > after)
            .order_by(link.pos)
            .limit(PAGE)
        ).all()
        for pos, data in page:
            found = _decode(pos, data)
            span = occurred(found)
            between = None if span is not None else looked(found)
            place = span or between
            if place is not None and _inside(place, interval):
                yield Member(index=index_of(pos), why=_why(place, interval, between is not None))
        if len(page) < PAGE:
            return
        after = page[-1].pos


def _inside(span: Span, interval: Occupation) -> bool:
    """Whether the record can have happened in the interval, its edges widened by their uncertainty."""
    stop = interval.stop
    return span.high_us >= interval.start.span.low_us and (stop is None or span.low_us <= stop.span.high_us)


def _why(span: Span, interval: Occupation, between_looks: bool) -> Why:
    start, stop = interval.start, interval.stop
    certain = span.low_us >= start.span.high_us and (stop is None or span.high_us <= stop.span.low_us)
    measured = span.measured and start.span.measured and (stop is None or stop.span.measured)
    return Why(
        equipment=interval.equipment,
        started_by=start.index,
        after=utc_text(start.span.low_us),
        stopped_by=None if stop is None else stop.index,
        before=None if stop is None else utc_text(stop.span.high_us),
        certain=certain and measured,
        partly=between_looks and not within(span, start.span.low_us, None if stop is None else stop.span.high_us),
    )


_decoder = msgspec.json.Decoder(RecordBody)


def _decode(pos: int, data: bytes | None) -> RecordBody:
    if data is None:
        raise IntegrityError(f"entry {index_of(pos)} is a record, but its body is not there")
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise IntegrityError(f"the body of entry {index_of(pos)} is not one of a record: {error}") from None
