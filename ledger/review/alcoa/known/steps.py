"""What stood in each attribute before a record changed it."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from msgspec import UNSET
from sqlalchemy import Connection, and_, select

from ledger.core.record import Maybe
from ledger.review.alcoa.facts import Previous, Told
from ledger.review.alcoa.known.order import Order
from ledger.review.alcoa.known.records import MAX_CLOCK_ERROR_US, Records
from ledger.review.alcoa.known.rows import there
from ledger.store import schema
from ledger.store.changes import Changes, Field, Moment, before
from ledger.store.position import index_of, pos_of
from ledger.store.records import HOUR_US

_RIVALS: Final = 2
"""Changes before the stretch of time that are looked at: which of them was the last may be unknown."""
_SURELY_US: Final = MAX_CLOCK_ERROR_US // 2
"""What was claimed to happen so much earlier is before a change, whatever both clocks' errors."""
_EVER: Final = (-(2**31), 2**31 - 1)
"""All hours that there are."""
_UNKNOWN: Final = Previous(known=False)
_NONE: Final = Previous(known=True)


class Steps:
    """The changes of one source's objects in a log, as of a size."""

    def __init__(
        self, connection: Connection, log: int, size: int, records: Records, source: str, order: Order
    ) -> None:
        self._connection = connection
        self._log = log
        self._size = size
        self._records = records
        self._changes = Changes(connection, log, size)
        self._source = source
        self._undated = self._never_dated()
        self._order = order

    def before(self, asked: Sequence[Told]) -> Mapping[int, list[Previous]]:
        """For each record, by its index, what stood before each of its changes."""
        fields: dict[Field, list[Told]] = defaultdict(list)
        for told in asked:
            for attribute in dict.fromkeys(one.attribute for one in told.record.changes):
                fields[_field(told, attribute)].append(told)
        moments = self._moments(fields)
        told_of = self._records.told(sorted({_index(one) for near in moments.values() for one in near}))
        found: dict[tuple[int, str], Previous] = {}
        for field, records in fields.items():
            # Of a record that changes an attribute twice the last one stands for it.
            steps = _Steps(self._order, [told_of[index] for index in map(_index, moments[field]) if index in told_of])
            for told in records:
                found[told.index, field.attribute] = steps.previous(told, field.attribute)
        return {told.index: [found[told.index, change.attribute] for change in told.record.changes] for told in asked}

    def _moments(self, fields: Mapping[Field, Sequence[Told]]) -> dict[Field, list[Moment]]:
        """The changes of each field around those that are asked for, the last ones before them, and all without a date.

        To a record without a date all changes are near.
        """
        asked = [told for records in fields.values() for told in records]
        low = min((min(told.about.low_us, told.moment_us) for told in asked), default=0) - MAX_CLOCK_ERROR_US
        high = max((max(told.about.high_us, told.moment_us) for told in asked), default=0) + MAX_CLOCK_ERROR_US
        found = self._around(fields.keys(), low, high)
        edges = {}
        for field, records in fields.items():
            if any(told.span is None for told in records):
                found[field] = self._changes.between(field, *_EVER)
            elif not found[field] or found[field][0].at_us > min(told.moment_us for told in records) - _SURELY_US:
                edges[field] = found[field][0] if found[field] else Moment(low, pos_of(self._log, 0))
        self._lead(found, edges)
        for field in fields:
            found[field] += self._undated.get(field, ())
        return found

    def _around(self, fields: Collection[Field], low: int, high: int) -> dict[Field, list[Moment]]:
        """The changes of these fields between two instants, in order."""
        change = schema.record_change.c
        columns = (change.object_type, change.object_id, change.attribute, change.at_us, change.pos, change.ordinal)
        rows = self._connection.execute(
            select(*columns).where(
                change.hour.in_(range(low // HOUR_US, high // HOUR_US + 1)),
                change.source == self._source,
                change.pos.between(pos_of(self._log, 0), pos_of(self._log, self._size) - 1),
            )
        )
        found: dict[Field, list[Moment]] = defaultdict(list)
        for type_, id_, attribute, *moment in rows:
            field = Field(self._source, type_, id_, attribute)
            if field in fields:
                found[field].append(Moment(*moment))
        for moments in found.values():
            moments.sort()
        return found

    def _lead(self, found: Mapping[Field, list[Moment]], edges: dict[Field, Moment]) -> None:
        """Puts the last changes before those that were found in front of them."""
        for _ in range(_RIVALS):
            asked = list(edges.items())
            answers = zip(asked, before(self._connection, self._log, self._size, asked), strict=True)
            edges = {field: last for (field, _), last in answers if last is not None}
            for field, last in edges.items():
                found[field].insert(0, last)

    def _never_dated(self) -> Mapping[Field, list[Moment]]:
        """The changes of records that nothing places in time: they may have come before or after any other.

        Such a record's moment is that of its receipt; that of one between two looks seldom is.
        """
        row, change = schema.record.c, schema.record_change.c
        columns = (change.object_type, change.object_id, change.attribute, change.at_us, change.pos, change.ordinal)
        rows = self._connection.execute(
            select(*columns)
            .join_from(schema.record, schema.record_change, change.pos == row.pos)
            .where(
                and_(
                    row.occurred_us.is_(None),
                    row.at_us == row.received_us,
                    row.source == self._source,
                    *there(self._log, self._size),
                )
            )
        ).all()
        found: dict[Field, list[Moment]] = defaultdict(list)
        for at in range(0, len(rows), 1000):
            part = rows[at : at + 1000]
            told = self._records.told(index_of(one.pos) for one in part)
            for type_, id_, attribute, at_us, pos, ordinal in part:
                one = told.get(index_of(pos))
                if one is not None and one.span is None:
                    found[Field(self._source, type_, id_, attribute)].append(Moment(at_us, pos, ordinal))
        return found


class _Steps:
    """The records that change one field, in the order of when they may have begun; those without a date last."""

    def __init__(self, order: Order, steps: Iterable[Told]) -> None:
        every = {one.index: one for one in steps}.values()
        self._order = order
        dated = [(one.span.low_us, one.span.high_us, one) for one in every if one.span is not None]
        dated.sort(key=lambda one: (one[0], one[2].index))
        self._lows = [low for low, *_ in dated]
        self._dated = [one for *_, one in dated]
        self._undated = [one for one in every if one.span is None]
        self._widest = max((high - low for low, high, _ in dated), default=0)

    def previous(self, told: Told, attribute: str) -> Previous:
        """What stood before a record's change of the field; unknown where two that decide it cannot be put in order."""
        earlier = []
        for other in self._near(told):
            first = self._order.first(told, other)
            if first is None:
                return _UNKNOWN
            if first is other:
                earlier.append(other)
        if not earlier and told.span is not None:
            # Nothing that can meet it was before it: the last of those that lie wholly before.
            place = bisect_left(self._lows, told.span.low_us - self._widest)
            earlier = self._dated[max(0, place - 1) : place]
        if not earlier:
            return _NONE
        last = self._last(earlier, told)
        return _UNKNOWN if last is None else Previous(known=True, found=True, new=_new(last, attribute))

    def _near(self, told: Told) -> list[Told]:
        """The other steps that can meet a record's span; to one without a date all are near, as it is to all."""
        if told.span is None:
            near = self._dated
        else:
            begin = bisect_left(self._lows, told.span.low_us - self._widest)
            near = self._dated[begin : bisect_left(self._lows, told.span.high_us + 1)]
        return [other for other in (*near, *self._undated) if other.index != told.index]

    def _last(self, earlier: Sequence[Told], told: Told) -> Told | None:
        """Of those before a record the one that all the others were before; None where that is unknown."""
        first, latest = self._order.first, earlier[0]
        for one in earlier[1:]:
            if first(one, latest) is not one:
                latest = one
        for rival in self._near(latest):
            if rival.index == told.index or first(told, rival) is told:
                continue
            if first(rival, latest) is not rival:
                return None
        return latest


def _field(told: Told, attribute: str) -> Field:
    record = told.record
    return Field(record.source, record.object.type, record.object.id, attribute)


def _new(told: Told, attribute: str) -> Maybe:
    return next((one.new for one in reversed(told.record.changes) if one.attribute == attribute), UNSET)


def _index(moment: Moment) -> int:
    return index_of(moment.pos)
