"""D17: a value that somebody entered disagrees with what equipment measured then.

What is held against what, and how far apart the two may be, the parameter `d17` says. A value agrees where any reading
of that time does: those near it, and the last one before, which holds until the next. Guard: the sensor was at fault.
That no reading agrees is said once the time of the systems that gave the others is known.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Final, NamedTuple

from ledger.core.clock import MICROSECONDS
from ledger.core.ranges import number_of
from ledger.core.record import Action, Change, LinkKind, Outcome
from ledger.core.rule_parameters import D17, Compared
from ledger.core.system_class import SystemClass
from ledger.findings.kinds import Severity
from ledger.present.inert import one_line
from ledger.review.known.cases import Course, Elsewhere, Force, cases
from ledger.review.known.facts import Told
from ledger.review.known.pace import Row, by_days
from ledger.review.known.patterns import types
from ledger.review.rules.equipment import of_assets
from ledger.review.rules.known import Known
from ledger.review.rules.lasting import thing_of
from ledger.review.rules.rule import About, Judged, Said, by_value, undated, unknown
from ledger.store.changes import Thing
from ledger.store.records import HOUR_US

_ENTERED: Final = (SystemClass.MES,)
_EQUIPMENT: Final = (SystemClass.HISTORIAN, SystemClass.DCS, SystemClass.SCADA, SystemClass.PLC, SystemClass.INSTRUMENT)
_TELLS: Final = frozenset({Action.CREATE, Action.UPDATE})
_MOST: Final = 200
"""Times of equipment of which the readings are kept at hand."""
_FIRST: Final = (Said.FINDING, Said.PENDING, Said.UNORDERED, Said.LACKING, Said.EXPLAINED, Said.CLEAR)
"""Of a record that enters several values the one is said that says most."""


class ValueDisagrees:
    """Examines values that people enter in the execution system."""

    about = About(
        id="D17",
        version=1,
        title="Recorded value disagrees with equipment",
        severity=Severity.HIGH,
        needs=(_ENTERED, _EQUIPMENT),
    )

    def examines(self, told: Told, known: Known) -> bool:
        if told.record.outcome is not Outcome.SUCCESS or not known.is_of(told, _ENTERED):
            return False
        value = known.value(told, D17)
        if value is None:
            return told.record.action in _TELLS and any(number_of(one.new) is not None for one in told.record.changes)
        return any(True for _ in _entered(told, value))

    def touches(self, new: Sequence[Told], known: Known) -> Iterable[int]:
        for value in known.every(D17):
            readings = {one.reading_type for one in value.compared} | types(value.fault, value.fault_ended)
            own = [one for one in new if one.record.object.type in readings and known.is_of(one, _EQUIPMENT)]
            of = Elsewhere(known.connected(_ENTERED), frozenset(one.object_type for one in value.compared))
            on = max(value.hold_s, value.back_s, value.within_s) * MICROSECONDS
            for told in by_days(own):
                low = min(one.about.low_us for one in told) - value.within_s * MICROSECONDS
                yield from (one.index for one in known.cases.told(of, low, max(x.about.high_us for x in told) + on))

    def judge(self, anchors: Sequence[Told], known: Known) -> Iterator[Judged]:
        return by_value(anchors, known, D17, _judged, undated)


def _entered(told: Told, value: D17) -> Iterator[tuple[Compared, Change]]:
    """What a record enters that is held against readings."""
    for by in value.compared:
        if by.object_type == told.record.object.type:
            changes = (one for one in told.record.changes if one.attribute == by.attribute)
            yield from ((by, one) for one in changes if number_of(one.new) is not None)


def _judged(anchors: Sequence[Told], value: D17, known: Known) -> Iterator[Judged]:
    """Records of one parameter's value."""
    readings = _Readings(anchors, value, known)
    for told in anchors:
        said = [_said(told, by, change, readings, value, known) for by, change in _entered(told, value)]
        yield min(said, key=lambda one: _FIRST.index(one.said))


class _Reading(NamedTuple):
    """What was measured, and how far from when a value was entered; `sure`: it is of that time without doubt."""

    told: Told
    change: Change
    apart_us: int
    sure: bool


class _Readings:
    """What equipment measured at about the time of some records."""

    def __init__(self, anchors: Sequence[Told], value: D17, known: Known) -> None:
        self._known = known
        self._within, self._hold = value.within_s * MICROSECONDS, value.hold_s * MICROSECONDS
        self._sources = known.connected(_EQUIPMENT)
        self._kept: dict[Hashable, Mapping[Thing, Row]] = {}
        self._linked: dict[LinkKind, Mapping[str, list[int]]] = {}
        kinds = defaultdict[LinkKind, set[str]](set)
        for by in value.compared:
            if by.link is not None:
                kinds[by.link].add(by.reading_type)
        for kind, of in kinds.items():
            ids = {id_ for one in anchors for id_ in one.ids(kind)}
            self._linked[kind] = known.linking(kind, ids, Elsewhere(self._sources, frozenset(of)))

    def of(self, told: Told, by: Compared) -> list[_Reading]:
        """Those that are, or may be, of a record's time, the nearest first."""
        chosen: list[_Reading] = []
        for rows in self._rows(told, by):
            for thing, row in rows.items():
                if not by.tags or thing.id in by.tags:
                    low, high = row.near(told, self._within)
                    near = row.records[row.last(low) : high]
                    readings = [self._reading(one, change, told) for one in near for change in _read(one, by)]
                    chosen += self._of_the_time(readings, told)
        return sorted(chosen, key=lambda one: (one.apart_us, one.told.record.source, one.told.record.source_record_id))

    def _rows(self, told: Told, by: Compared) -> Iterator[Mapping[Thing, Row]]:
        """What is read of the same equipment, or other thing, by object."""
        low, high = told.about.low_us - max(self._hold, self._within), told.about.high_us + self._within
        reach = max((self._known.reach.over(source, low, high) for source in self._sources), default=0)
        if by.link is not None:
            for id_ in told.ids(by.link):
                entries = self._linked[by.link].get(id_, ())
                yield self._held((by, id_, reach), partial(self._known.told, entries))
            return
        hours = (low - reach) // HOUR_US, (high + reach) // HOUR_US
        for asset in self._known.assets_of(told):
            yield self._held((by, asset, reach, *hours), partial(self._of_hours, asset, *hours))

    def _of_hours(self, asset: str, first: int, last: int) -> Iterable[Told]:
        near = self._known.assets.moments(asset, first * HOUR_US, (last + 1) * HOUR_US)
        return self._known.told(one.entry for _, one in near)

    def _held(
        self, key: tuple[Compared, str, int, *tuple[int, ...]], read: Callable[[], Iterable[Told]]
    ) -> Mapping[Thing, Row]:
        """What was read is kept: values that are entered one after the other are often of the same equipment."""
        if key not in self._kept:
            if len(self._kept) >= _MOST:
                self._kept.clear()
            by, _, reach, *_ = key
            found = defaultdict[Thing, list[Told]](list)
            for one in read():
                if one.record.source in self._sources and one.record.object.type == by.reading_type and _read(one, by):
                    found[thing_of(one)].append(one)
            self._kept[key] = {thing: Row(its, reach) for thing, its in found.items()}
        return self._kept[key]

    def _reading(self, one: Told, change: Change, told: Told) -> _Reading:
        a, b = one.about, told.about
        least = max(a.low_us - b.high_us, b.low_us - a.high_us, 0)
        most = max(a.high_us - b.low_us, b.high_us - a.low_us)
        return _Reading(one, change, least, most <= self._within)

    def _of_the_time(self, readings: Sequence[_Reading], told: Told) -> Iterator[_Reading]:
        """Of one object's readings those near a record, and those of which one was the last before it."""
        about = told.about
        before = [one.told.about for one in readings if one.told.about.high_us < about.low_us]
        last = max((one.low_us for one in before), default=about.high_us + 1)
        lasting = {
            one.told.index
            for one in readings
            if one.told.about.low_us <= about.high_us and one.told.about.high_us >= last
        }
        settled = bool(before) and len(lasting) == 1
        for one in readings:
            holds = one.told.index in lasting and one.apart_us <= self._hold
            if holds or one.apart_us <= self._within:
                yield one._replace(sure=one.sure or (holds and settled))


def _read(told: Told, by: Compared) -> list[Change]:
    return [one for one in told.record.changes if one.attribute == by.reading and number_of(one.new) is not None]


def _said(told: Told, by: Compared, change: Change, readings: _Readings, value: D17, known: Known) -> Judged:
    at = told.index
    if by.link is None and not known.assets_of(told):
        return Judged(at, Said.LACKING, "asset-map")
    if by.link is not None and not told.ids(by.link):
        return Judged(at, Said.LACKING, f"link-{by.link.value}")
    found = readings.of(told, by)
    comparable = [one for one in found if None in (one.change.unit, change.unit) or one.change.unit == change.unit]
    agreeing = [one for one in comparable if _agree(change, one.change, by)]
    if any(one.sure for one in agreeing):
        return Judged(at, Said.CLEAR)
    if agreeing:
        return Judged(at, Said.UNORDERED, "reading-and-entry")
    if not comparable:
        systems = known.systems(_EQUIPMENT, told.moment_us)
        waits = unknown(told, systems, known, value.within_s + value.grace_s, value.within_s)
        return waits or Judged(at, Said.LACKING, "unit" if found else "reading")
    nearest = comparable[0]
    back_s = max(value.within_s, -(-nearest.apart_us // MICROSECONDS))
    telling = sorted({one.told.record.source for one in comparable})
    guard = _at_fault(told, nearest.told, value, known)
    waits = guard or unknown(told, telling, known, value.within_s + value.grace_s, back_s)
    return waits or _found(told, change, nearest, by)


def _agree(entered: Change, read: Change, by: Compared) -> bool:
    one, other = number_of(entered.new), number_of(read.new)
    return one is not None and other is not None and abs(one - other) <= Decimal(by.tolerance)


def _at_fault(told: Told, reading: Told, value: D17, known: Known) -> Judged | None:
    """Whether the sensor was at fault, or may have been; None: that is not told."""
    of = Elsewhere(known.connected(_EQUIPMENT), types(value.fault, value.fault_ended))
    assets = {*known.assets_of(told), *known.assets_of(reading)}
    near = of_assets(assets, of, told, value.back_s * MICROSECONDS, 0, known)
    forces = {Course(case, value.fault, value.fault_ended, known.order).at(told) for case in cases(near)}
    if Force.YES in forces:
        return Judged(told.index, Said.EXPLAINED, "sensor-fault")
    return Judged(told.index, Said.UNORDERED, "sensor-fault") if Force.UNKNOWN in forces else None


def _found(told: Told, change: Change, nearest: _Reading, by: Compared) -> Judged:
    at, other, unit = told.index, nearest.told.index, "" if change.unit is None else f" {change.unit}"
    detail = one_line(
        f"{told.record.object.id}: {change.attribute} was entered as {change.new}{unit} by entry {at} and"
        f" {nearest.told.record.object.id} read {nearest.change.new}{unit} by entry {other}; {by.tolerance} is allowed"
    )
    return Judged(at, Said.FINDING, "disagrees", tuple(sorted((at, other))), detail)


RULE: Final = ValueDisagrees()
