"""Limits of alarms that were widened and set back around an excursion."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from ledger.core.clock import MICROSECONDS
from ledger.core.ranges import number_of
from ledger.core.record import Change, Outcome
from ledger.core.rule_parameters import D20
from ledger.core.system_class import SystemClass
from ledger.present.inert import one_line
from ledger.review.known.cases import Elsewhere
from ledger.review.known.facts import Told
from ledger.review.known.pace import apart, in_order
from ledger.review.known.patterns import fits, types
from ledger.review.rules.known import Known
from ledger.review.rules.lasting import thing_of
from ledger.review.rules.rule import Judged, Said, unknown
from ledger.store.changes import Thing

_PROCESS: Final = (
    SystemClass.SCADA,
    SystemClass.DCS,
    SystemClass.PLC,
    SystemClass.HISTORIAN,
    SystemClass.BUILDING,
)


class _Step(NamedTuple):
    """A limit that a change widened: what it was, and whether the alarm is raised above it."""

    change: Change
    was: Decimal
    high: bool

    def back(self, number: Decimal) -> bool:
        """Whether a limit of this value lets no more pass than before."""
        return number <= self.was if self.high else number >= self.was

    def beyond(self, number: Decimal) -> bool:
        """Whether the limit as it was would have raised the alarm."""
        return number > self.was if self.high else number < self.was


def widens(told: Told, value: D20) -> bool:
    """Whether a record widens a limit."""
    return next(_steps(told, value), None) is not None


def moves(told: Told, value: D20) -> bool:
    """Whether a record moves a limit, either way."""
    record, names = told.record, _attributes(value)
    of_limit = any(one.object_type == record.object.type for one in value.limits)
    return of_limit and any(change.attribute in names for change in record.changes)


def _attributes(value: D20) -> frozenset[str]:
    return frozenset(one.attribute for one in value.limits)


class Widenings:
    """Records that widen limits, with what came after them."""

    def __init__(self, anchors: Sequence[Told], value: D20, known: Known) -> None:
        self._anchors = anchors
        self._value = value
        self._known = known
        self._within = value.restored_s * MICROSECONDS
        self._of = defaultdict[Thing, list[Told]](list)
        of = Elsewhere(
            tuple({one.record.source for one in anchors}), frozenset(one.object_type for one in value.limits)
        )
        for one in known.changing(of, _attributes(value), anchors, 0, self._within):
            self._of[thing_of(one)].append(one)

    @staticmethod
    def around(told: Sequence[Told], value: D20, of: Elsewhere, known: Known) -> Sequence[Told]:
        """The records that move limits so near to these that they can have to do with each other."""
        within = value.restored_s * MICROSECONDS
        return known.changing(of, _attributes(value), told, within, within) if told and value.limits else ()

    def said(self) -> Iterator[Judged]:
        """What is said of each of them."""
        for told in self._anchors:
            every = [self._said(told, step) for step in _steps(told, self._value)]
            first = (Said.FINDING, Said.PENDING, Said.UNORDERED, Said.LACKING, Said.CLEAR)
            yield min(every, key=lambda one: first.index(one.said))

    def _said(self, told: Told, step: _Step) -> Judged:
        """Of one limit: whether it was set back in time, and whether there was an excursion."""
        back = [one for one in self._of.get(thing_of(told), ()) if one.index != told.index and _sets_back(one, step)]
        times = [(*apart(told, one), one) for one in back]
        restored = [one for least, most, one in times if least > 0 and most <= self._within]
        if not restored:
            if any(most > 0 and least <= self._within for least, most, _ in times):
                return Judged(told.index, Said.UNORDERED, "limit-and-restoring")
            own = unknown(told, [told.record.source], self._known, self._value.restored_s)
            return own or Judged(told.index, Said.CLEAR)
        end = in_order(restored)[0]
        sure, maybe = self._excursions(told, end, step)
        if sure:
            return _found(told, end, in_order(sure)[0], step)
        if maybe:
            return Judged(told.index, Said.UNORDERED, "limit-and-excursion")
        seconds = self._value.restored_s
        systems = self._known.systems(_PROCESS, told.moment_us)
        return unknown(told, systems, self._known, seconds, seconds) or Judged(told.index, Said.CLEAR)

    def _excursions(self, told: Told, end: Told, step: _Step) -> tuple[list[Told], list[Told]]:
        """What surely, and what perhaps tells of excursions of the equipment, from before until the limit was back."""
        value, known = self._value, self._known
        of = Elsewhere(known.connected(_PROCESS), types(value.excursion, value.values))
        low, high = told.about.low_us - self._within, end.about.high_us
        assets, sure, maybe = set(known.assets_of(told)), list[Told](), list[Told]()
        for one in known.cases.told(of, low, high):
            if assets.isdisjoint(known.assets_of(one)) or one.about.high_us < low or one.about.low_us > high:
                continue
            if fits(one.record, value.excursion):
                sure.append(one)
            elif fits(one.record, value.values) and _tells_beyond(one, value, step):
                since, until = apart(told, one), apart(one, end)
                if min(since) > 0 and min(until) > 0:
                    sure.append(one)
                elif max(since) > 0 and max(until) > 0:
                    maybe.append(one)
        return sure, maybe


def _steps(told: Told, value: D20) -> Iterator[_Step]:
    record = told.record
    if record.outcome is not Outcome.SUCCESS:
        return
    for limit in value.limits:
        for change in record.changes if limit.object_type == record.object.type else ():
            old, new = number_of(change.old), number_of(change.new)
            if change.attribute != limit.attribute or old is None or new is None:
                continue
            if new > old if limit.high else new < old:
                yield _Step(change, old, limit.high)


def _sets_back(one: Told, step: _Step) -> bool:
    numbers = (number_of(change.new) for change in one.record.changes if change.attribute == step.change.attribute)
    return any(number is not None and step.back(number) for number in numbers)


def _tells_beyond(one: Told, value: D20, step: _Step) -> bool:
    """Whether a record tells a value beyond the limit as it was, in the unit of the limit."""
    attributes = {pattern.attribute for pattern in value.values if pattern.object_type == one.record.object.type}
    numbers = (
        number_of(change.new)
        for change in one.record.changes
        if change.attribute in attributes and change.unit == step.change.unit
    )
    return any(number is not None and step.beyond(number) for number in numbers)


def _found(told: Told, end: Told, excursion: Told, step: _Step) -> Judged:
    entries = tuple(sorted({told.index, end.index, excursion.index}))
    detail = (
        f"{one_line(told.record.object.id)}: {one_line(step.change.attribute)} was widened by entry {told.index} and"
        f" set back by entry {end.index}, around what entry {excursion.index} tells"
    )
    return Judged(told.index, Said.FINDING, "limit-widened", entries, detail)
