"""What stood in each attribute before a record changed it."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from msgspec import UNSET
from sqlalchemy import Connection, and_, select

from ledger.core.record import Maybe
from ledger.review.known.facts import Previous, Told
from ledger.review.known.fields import Fields
from ledger.review.known.order import Order
from ledger.review.known.reach import Reach
from ledger.review.known.records import Records
from ledger.review.known.rows import there
from ledger.store import schema
from ledger.store.changes import Field, Moment
from ledger.store.position import index_of

_UNKNOWN: Final = Previous(known=False)
_NONE: Final = Previous(known=True)


class Steps:
    """The changes of one source's objects in a log, as of a size."""

    def __init__(
        self, connection: Connection, log: int, size: int, records: Records, source: str, order: Order, reach: Reach
    ) -> None:
        self._connection = connection
        self._log = log
        self._size = size
        self._records = records
        self._fields = Fields(connection, log, size, source, reach)
        self._source = source
        self._undated = self._never_dated()
        self._order = order

    def before(self, asked: Sequence[Told]) -> Mapping[int, list[Previous]]:
        """For each record, by its index, what stood before each of its changes."""
        stretches = list(self._fields.stretches(asked))
        moments = [
            [*of, *self._undated.get(one.field, ())]
            for one, of in zip(stretches, self._fields.around(stretches), strict=True)
        ]
        told_of = self._records.told(sorted({one.entry for of in moments for one in of}))
        found: dict[tuple[int, str], Previous] = {}
        for (field, records, *_), of in zip(stretches, moments, strict=True):
            # Of a record that changes an attribute twice the last one stands for it.
            steps = _Steps(self._order, [told_of[one.entry] for one in of if one.entry in told_of])
            for told in records:
                found[told.index, field.attribute] = steps.previous(told, field.attribute)
        return {told.index: [found[told.index, change.attribute] for change in told.record.changes] for told in asked}

    def touched(self, records: Iterable[Told]) -> Iterator[int]:
        """The records of which what stood before a change can be, or hang on, what one of these records made."""
        return (one.entry for one in self._fields.touched(list(self._fields.stretches(records))))

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
        return (
            _UNKNOWN if last is None else Previous(known=True, found=True, new=_new(last, attribute), entry=last.index)
        )

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


def _new(told: Told, attribute: str) -> Maybe:
    return next((one.new for one in reversed(told.record.changes) if one.attribute == attribute), UNSET)
