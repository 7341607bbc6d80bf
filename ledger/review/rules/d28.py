"""D28: an override, a forced value, a simulation or manual mode was left on for longer than it may.

What puts it on and off, and for how long it may be on, the parameter `d28` says; the asset map, what is critical.
Guards: a deviation of the same equipment was raised by then; a manual phase of the equipment was under way.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from ledger.core.clock import MICROSECONDS
from ledger.core.record import Action
from ledger.core.rule_parameters import D28
from ledger.core.system_class import SystemClass
from ledger.findings.kinds import Severity
from ledger.present.inert import one_line
from ledger.review.known.cases import Course, Elsewhere, Force
from ledger.review.known.facts import Told
from ledger.review.known.pace import apart
from ledger.review.known.patterns import fits, types
from ledger.review.rules.known import Known
from ledger.review.rules.rule import About, Judged, Said, by_value, uncritical, unknown
from ledger.store.changes import Thing

_CONTROL: Final = (SystemClass.PLC, SystemClass.DCS, SystemClass.SCADA)
_PHASES: Final = (*_CONTROL, SystemClass.MES)
_QUALITY: Final = (SystemClass.QUALITY_SYSTEM,)


class LeftOn:
    """Examines what puts an override on."""

    about = About(
        id="D28",
        version=1,
        title="Manual override, forced value or simulation left on",
        severity=Severity.HIGH,
        needs=(_CONTROL,),
    )

    def examines(self, told: Told, known: Known) -> bool:
        if not known.is_of(told, _CONTROL):
            return False
        value = known.value(told, D28)
        return told.record.action is Action.CONFIGURE if value is None else fits(told.record, value.on)

    def touches(self, new: Sequence[Told], known: Known) -> Iterable[int]:
        for value in known.every(D28):
            own = [one for one in new if fits(one.record, (*value.on, *value.off))]
            yield from (entry for entries in known.of_objects(own).values() for entry in entries)
            # That a phase ended takes its explanation away; all else that comes late can only explain.
            ended = [one for one in new if fits(one.record, value.phase_ended) and known.is_of(one, _PHASES)]
            yield from known.not_before(ended, Elsewhere(known.connected(_CONTROL), types(value.on)))

    def judge(self, anchors: Sequence[Told], known: Known) -> Iterator[Judged]:
        return by_value(anchors, known, D28, _judged, uncritical)


def _judged(anchors: Sequence[Told], value: D28, known: Known) -> Iterator[Judged]:
    """Overrides of one parameter's value."""
    of = known.of_objects(anchors)
    told = known.told(entry for entries in of.values() for entry in entries)
    ends = defaultdict[Thing, list[Told]](list)
    for one in told:
        if fits(one.record, value.off):
            ends[_thing(one)].append(one)
    long = []
    for anchor in anchors:
        said = _lasted(anchor, ends[_thing(anchor)], value, known)
        if said.said is Said.FINDING:
            long.append((anchor, said))
        else:
            yield said
    if long:
        guards = _Guards(value, [anchor for anchor, _ in long], known)
        yield from (guards.of(anchor) or said for anchor, said in long)


def _thing(told: Told) -> Thing:
    return Thing(told.record.source, told.record.object.type, told.record.object.id)


def _lasted(told: Told, ends: Iterable[Told], value: D28, known: Known) -> Judged:
    """Whether it went off again in time."""
    at, longest = told.index, value.longest_s * MICROSECONDS
    times = [(*apart(told, one), one) for one in ends]
    after = [one for one in times if one[1] > 0]
    if any(least > 0 and most <= longest for least, most, _ in after):
        return Judged(at, Said.CLEAR)
    if any(least <= longest for least, *_ in after):
        return Judged(at, Said.UNORDERED, "on-and-off")
    thing = one_line(told.record.object.id)
    if after:
        least, _, end = min(after, key=lambda one: (one[0], one[2].index))
        detail = f"{thing} was put on by entry {at} and off by entry {end.index}, {least // MICROSECONDS} s later"
        entries = tuple(sorted((at, end.index)))
        return Judged(at, Said.FINDING, "too-long", entries, f"{detail}; {value.longest_s} s are allowed")
    waits = unknown(told, [told.record.source], known, value.longest_s)
    detail = f"{thing} was put on by entry {at} and not off within {value.longest_s} s"
    return waits or Judged(at, Said.FINDING, "left-on", (at,), detail)


class _Guards:
    """Deviations and manual phases of the equipment of some overrides."""

    def __init__(self, value: D28, anchors: Sequence[Told], known: Known) -> None:
        self._value = value
        self._known = known
        on, back = (value.longest_s + value.grace_s) * MICROSECONDS, value.back_s * MICROSECONDS
        self._raised: Mapping[str, list[Told]] = defaultdict(list)
        if value.deviation:
            of = Elsewhere(known.connected(_QUALITY), types(value.deviation))
            for case in known.cases.around(of, anchors, back, on):
                for one in case.records:
                    if fits(one.record, value.deviation):
                        for asset in known.assets_of(one):
                            self._raised[asset].append(one)
        of = Elsewhere(known.connected(_PHASES), types(value.phase, value.phase_ended))
        phases = known.cases.around(of, anchors, back, 0) if value.phase else ()
        self._phases = []
        for case in phases:
            assets = {asset for one in case.records for asset in known.assets_of(one)}
            self._phases.append((Course(case, value.phase, value.phase_ended, known.order), assets))

    def of(self, told: Told) -> Judged | None:
        """What explains an override that was on for too long, or leaves it open; None: nothing does."""
        at, value, assets = told.index, self._value, self._known.assets_of(told)
        forces = {course.at(told) for course, of in self._phases if not of.isdisjoint(assets)}
        if Force.YES in forces:
            return Judged(at, Said.EXPLAINED, "manual-phase")
        if Force.UNKNOWN in forces:
            return Judged(at, Said.UNORDERED, "manual-phase")
        if not value.deviation:
            return None
        high = told.about.high_us + (value.longest_s + value.grace_s) * MICROSECONDS
        low = told.about.low_us - value.back_s * MICROSECONDS
        raised = [one for asset in assets for one in self._raised.get(asset, ())]
        if any(low <= one.about.high_us and one.about.low_us <= high for one in raised):
            return Judged(at, Said.EXPLAINED, "deviation")
        systems = self._known.systems(_QUALITY, told.moment_us)
        return unknown(told, systems, self._known, value.longest_s + value.grace_s, value.back_s)


RULE: Final = LeftOn()
