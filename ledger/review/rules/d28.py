"""D28: an override, a forced value, a simulation or manual mode was left on for longer than it may.

What puts it on and off, and for how long it may be on, the parameter `d28` says; the asset map, what is critical.
Guards: a deviation of the same equipment was raised by then; a manual phase of the equipment was under way.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from ledger.core.record import Action
from ledger.core.rule_parameters import D28
from ledger.core.system_class import SystemClass
from ledger.findings.kinds import Severity
from ledger.review.known.cases import Elsewhere, Force
from ledger.review.known.facts import Told
from ledger.review.known.patterns import fits, types
from ledger.review.rules.known import Known
from ledger.review.rules.lasting import Lasting, Phases, ends, lasted, thing_of
from ledger.review.rules.raised import Raised
from ledger.review.rules.rule import About, Judged, Said, by_value, uncritical

_CONTROL: Final = (SystemClass.PLC, SystemClass.DCS, SystemClass.SCADA)
_PHASES: Final = (*_CONTROL, SystemClass.MES)
_OVERRIDE: Final = Lasting("put on", "off", "too-long", "left-on")


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
    its_ends = ends(anchors, value.off, known)
    long = []
    for anchor in anchors:
        said = lasted(anchor, its_ends.get(thing_of(anchor), ()), value.longest_s, _OVERRIDE, known)
        if said.said is Said.FINDING:
            long.append((anchor, said))
        else:
            yield said
    if long:
        asked = [anchor for anchor, _ in long]
        phases = Phases(_PHASES, value.phase, value.phase_ended, asked, value.back_s, known)
        raised = Raised(value.deviation, asked, value.back_s, value.longest_s + value.grace_s, known)
        yield from (_underway(anchor, phases) or raised.of(anchor) or said for anchor, said in long)


def _underway(told: Told, phases: Phases) -> Judged | None:
    """That a manual phase explains an override that was on for too long, or may; None: none does."""
    forces = {force for _, force in phases.at(told)}
    if Force.YES in forces:
        return Judged(told.index, Said.EXPLAINED, "manual-phase")
    return Judged(told.index, Said.UNORDERED, "manual-phase") if Force.UNKNOWN in forces else None


RULE: Final = LeftOn()
