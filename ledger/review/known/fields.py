"""The changes of fields around records of one source: those near in time, the last before them, the next after."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, NamedTuple

from sqlalchemy import Connection

from ledger.review.known.facts import Told
from ledger.review.known.reach import Reach
from ledger.store.changes import Changes, Field, Moment
from ledger.store.position import pos_of
from ledger.store.records import HOUR_US

NEAR: Final = 4
"""What lies so many reaches around records is read: there most often stands what was before them without doubt."""
_BACK: Final = 48
"""Hours with changes that are looked through for the last changes of many fields at once."""
_MANY: Final = 8
"""Fields for which that costs less than to look for each by itself."""
_WHOLE: Final = 4_000
"""Objects, each in an hour, that are asked for one by one; instead of more, hours are read whole."""
_MOST: Final = 200_000
"""Changes, and hours of objects, that are kept at hand."""
_EVER: Final = (-(2**31), 2**31 - 1)
"""All hours that there are."""


class Stretch(NamedTuple):
    """Records that change a field, from the first instant of them to the last; `reach_us` (`known.reach`) there.

    Of records without a date nothing but the field is known.
    """

    field: Field
    records: Sequence[Told]
    low_us: int = 0
    high_us: int = 0
    reach_us: int = 0
    dated: bool = True

    @property
    def hours(self) -> range:
        return _hours(self.low_us - NEAR * self.reach_us, self.high_us + NEAR * self.reach_us)


class Fields:
    """The changes of one source's objects in a log, as of a size."""

    def __init__(self, connection: Connection, log: int, size: int, source: str, reach: Reach) -> None:
        self._log = log
        self._source = source
        self._reach = reach
        self._changes = Changes(connection, log, size)
        self._held: dict[tuple[int, str], list[tuple[Field, Moment]]] = {}
        self._kept = 0

    def stretches(self, records: Iterable[Told]) -> Iterator[Stretch]:
        """The fields that these records of the source change, each by stretches of time."""
        fields: dict[Field, list[Told]] = defaultdict(list)
        for told in records:
            record = told.record
            for attribute in dict.fromkeys(one.attribute for one in record.changes):
                fields[Field(record.source, record.object.type, record.object.id, attribute)].append(told)
        for field, of in fields.items():
            undated = [told for told in of if told.span is None]
            if undated:
                yield Stretch(field, undated, dated=False)
            yield from self._dated(field, [told for told in of if told.span is not None])

    def _dated(self, field: Field, records: Iterable[Told]) -> Iterator[Stretch]:
        spans = [(min(one.about.low_us, one.moment_us), max(one.about.high_us, one.moment_us), one) for one in records]
        current: Stretch | None = None
        part: list[Told] = []
        for low, high, told in sorted(spans, key=lambda one: (one[0], one[2].index)):
            reach = self._reach.over(self._source, low, high)
            if current is not None and low <= current.high_us + NEAR * reach + HOUR_US:
                current = current._replace(high_us=max(current.high_us, high), reach_us=max(current.reach_us, reach))
            else:
                if current is not None:
                    yield current
                part = []
                current = Stretch(field, part, low, high, reach)
            part.append(told)
        if current is not None:
            yield current

    def around(self, stretches: Sequence[Stretch]) -> list[list[Moment]]:
        """For each, in order, the changes of the field that can meet its records, and those of which one was the last
        before them.

        To a record without a date all changes are near.
        """
        near = self._near(stretches)
        found: list[list[Moment]] = []
        lacking: list[int] = []
        for number, one in enumerate(stretches):
            if not one.dated:
                found.append(self._changes.between(one.field, *_EVER))
                continue
            moments = _between(near.get(one.field, ()), one.hours)
            settled = _settled(one, moments)
            if settled is None:
                lacking.append(number)
            else:
                moments = moments[bisect_left(moments, (settled.at_us - 2 * one.reach_us,)) :]
            found.append(moments[: bisect_right(moments, (one.high_us + NEAR * one.reach_us + 1,))])
        for number, led in zip(lacking, self._last([stretches[number] for number in lacking]), strict=True):
            found[number][:0] = led
        return found

    def touched(self, stretches: Sequence[Stretch]) -> Iterator[Moment]:
        """The changes of which the last one before them can be one of these records, or hangs on their order."""
        near = self._near(stretches)
        alone: list[Stretch] = []
        beyond: list[tuple[Field, int, int]] = []
        for one in stretches:
            if not one.dated:
                yield from self._changes.between(one.field, *_EVER)
                continue
            moments = _between(near.get(one.field, ()), one.hours)
            moments = moments[bisect_left(moments, (one.low_us - one.reach_us,)) :]
            later = bisect_left(moments, (one.high_us + one.reach_us + 1,))
            yield from moments[:later]
            if later < len(moments):
                beyond.append(_from(one, moments[later]))
            else:
                alone.append(one)
        after = _After(self._changes, alone)
        for one in alone:
            first = after.first(one)
            if first is not None:
                beyond.append(_from(one, first))
        yield from (moment for moments in self._within(beyond) for moment in moments)

    def _near(self, stretches: Iterable[Stretch]) -> Mapping[Field, list[Moment]]:
        return self._read({(hour, one.field.id) for one in stretches if one.dated for hour in one.hours})

    def _read(self, wanted: Collection[tuple[int, str]]) -> Mapping[Field, list[Moment]]:
        """The changes of these objects, each in an hour, in order of time.

        What was read is kept: records that are judged one after the other often lie in the same hours.
        """
        if self._kept > _MOST:
            self._held.clear()
            self._kept = 0
        lacking: dict[tuple[int, str], list[tuple[Field, Moment]]] = {
            one: [] for one in wanted if one not in self._held
        }
        if len(lacking) > _WHOLE:
            rows = self._changes.whole(self._source, {hour for hour, _ in lacking})
        else:
            rows = self._changes.near(self._source, lacking)
        for field, moment in rows:
            of = lacking.get((moment.at_us // HOUR_US, field.id))
            if of is not None:
                of.append((field, moment))
        self._held.update(lacking)
        # Of most hours of an object nothing is told: that, too, is kept.
        self._kept += len(lacking) + sum(map(len, lacking.values()))
        found: dict[Field, list[Moment]] = defaultdict(list)
        for one in wanted:
            for field, moment in self._held[one]:
                found[field].append(moment)
        for moments in found.values():
            moments.sort()
        return found

    def _last(self, stretches: Sequence[Stretch]) -> list[list[Moment]]:
        """For each, the last change of its field before its hours, and those so near to it that they may be later."""
        last: dict[tuple[Field, int], Moment] = {}
        by_hour: dict[int, set[Field]] = defaultdict(set)
        for one in stretches:
            by_hour[one.hours[0]].add(one.field)
        for hour, fields in by_hour.items():
            for at in islice(self._changes.hours_before(hour), _BACK if len(fields) >= _MANY else 0):
                moments = self._read({(at, field.id) for field in fields})
                last.update(((field, hour), moments[field][-1]) for field in fields & moments.keys())
                fields.difference_update(moments)
                if not fields:
                    break
        alone = [(field, hour) for hour, fields in by_hour.items() for field in fields]
        edges = [(field, Moment(hour * HOUR_US, pos_of(self._log, 0))) for field, hour in alone]
        found = zip(alone, self._changes.before(edges), strict=True)
        last.update((name, one) for name, one in found if one is not None)
        led = [last.get((one.field, one.hours[0])) for one in stretches]
        there = [(one, found) for one, found in zip(stretches, led, strict=True) if found is not None]
        wanted = [(one.field, found.at_us - 2 * one.reach_us, found.at_us) for one, found in there]
        answers = iter(self._within(wanted))
        return [[] if found is None else next(answers) for found in led]

    def _within(self, wanted: Sequence[tuple[Field, int, int]]) -> list[list[Moment]]:
        """For each the changes of the field from one instant to another, both included."""
        moments = self._read({(hour, field.id) for field, low, high in wanted for hour in _hours(low, high)})
        return [
            of[bisect_left(of, (low,)) : bisect_left(of, (high + 1,))]
            for of, low, high in ((moments.get(field, []), low, high) for field, low, high in wanted)
        ]


def _hours(low_us: int, high_us: int) -> range:
    return range(low_us // HOUR_US, high_us // HOUR_US + 1)


def _between(moments: Sequence[Moment], hours: range) -> list[Moment]:
    low, high = hours[0] * HOUR_US, (hours[-1] + 1) * HOUR_US
    return list(moments[bisect_left(moments, (low,)) : bisect_left(moments, (high,))])


def _settled(one: Stretch, moments: Sequence[Moment]) -> Moment | None:
    """The last change that was before all records without doubt, if all that can be later than it was read too."""
    place = bisect_left(moments, (one.low_us - one.reach_us,))
    last = moments[place - 1] if place else None
    return last if last is not None and last.at_us - 2 * one.reach_us >= one.hours[0] * HOUR_US else None


def _from(one: Stretch, first: Moment) -> tuple[Field, int, int]:
    return one.field, first.at_us, first.at_us + 2 * one.reach_us


class _After:
    """The first change of fields after the hours of stretches; what few objects ever were is read once for all of their
    fields.
    """

    def __init__(self, changes: Changes, stretches: Sequence[Stretch]) -> None:
        self._changes = changes
        self._newest = next(changes.hours_before(_EVER[1]), None) if stretches else None
        changes.read(one.field.thing for one in stretches if self._newer(one))

    def first(self, one: Stretch) -> Moment | None:
        if not self._newer(one):
            return None
        every = self._changes.few(one.field.thing)
        if every is None:
            return self._changes.after(one.field, one.hours[-1])
        moments = every.get(one.field, [])
        place = bisect_left(moments, ((one.hours[-1] + 1) * HOUR_US,))
        return moments[place] if place < len(moments) else None

    def _newer(self, one: Stretch) -> bool:
        return self._newest is not None and one.hours[-1] < self._newest
