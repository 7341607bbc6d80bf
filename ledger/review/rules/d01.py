"""D01: an audit trail was switched off or narrowed; or switched on only shortly before an inspection; or its source was
silent while its process went on.

What switches it, when inspections are, and how long a source may be silent while others tell of what activity, the
parameter `d01` says. Guards: a change that the record names, or planned downtime of the source, was approved before. A
silence is named by the last record before it; where the source's collector was away, it cannot be told from a gap.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from ledger.core.clock import MICROSECONDS, parse_utc
from ledger.core.instants import cannot_order
from ledger.core.looks import Span
from ledger.core.parameters import ParameterName
from ledger.core.record import Action, LinkKind
from ledger.core.rule_parameters import D01
from ledger.core.system_class import SystemClass
from ledger.findings.kinds import Severity
from ledger.present.inert import one_line
from ledger.review.known.cases import Elsewhere
from ledger.review.known.facts import Told
from ledger.review.known.patterns import fits, types
from ledger.review.known.records import MAX_CLOCK_ERROR_US
from ledger.review.rules.approvals import CHANGE, Approvals, touched
from ledger.review.rules.known import Known
from ledger.review.rules.rule import About, Judged, Said, by_value, unknown

_PROCESS: Final = (SystemClass.DCS, SystemClass.SCADA, SystemClass.PLC, SystemClass.HISTORIAN)
_WORDS: Final = {
    "logging-off": "{thing}: the audit trail was switched off or narrowed by entry {at}",
    "on-before-inspection": "{thing}: the audit trail was switched on only shortly before an inspection, by entry {at}",
    "silent": "{source}: silent after entry {at} for more than {silent} s, while entry {other} tells of activity",
}


class LoggingOff:
    """Examines what switches audit trails, and all records of sources that are never silent for long."""

    about = About(
        id="D01",
        version=1,
        title="Logging disabled or narrowed",
        severity=Severity.CRITICAL,
        parameters=(ParameterName.SYSTEM,),
    )

    def examines(self, told: Told, known: Known) -> bool:
        value = known.value(told, D01)
        if value is None:
            return told.record.action is Action.CONFIGURE
        return value.silent_s is not None or fits(told.record, (*value.off, *value.on))

    def touches(self, new: Sequence[Told], known: Known) -> Iterable[int]:
        for source, value in known.of_sources(D01):
            within = (value.silent_s or 0) * MICROSECONDS
            cases = touched(value, CHANGE, new, known)
            activity = [one for one in new if fits(one.record, value.activity) and known.is_of(one, _PROCESS)]
            named = known.linking(LinkKind.CHANGE_REQUEST, {one.record.object.id for one in cases})
            yield from (entry for entries in named.values() for entry in entries)
            if value.scope.object_id is not None:
                yield from known.not_before(cases, Elsewhere((source,), types(value.off, value.on)))
            for told, back in ((activity, 0), (cases, value.back_s * MICROSECONDS)):
                if told and value.silent_s is not None:
                    low = min(one.about.low_us for one in told) - within - MAX_CLOCK_ERROR_US
                    high = max(one.about.high_us for one in told) + back + MAX_CLOCK_ERROR_US
                    yield from known.speaking.last(source, low, high, within)

    def judge(self, anchors: Sequence[Told], known: Known) -> Iterator[Judged]:
        return by_value(anchors, known, D01, _judged)


def _judged(anchors: Sequence[Told], value: D01, known: Known) -> Iterator[Judged]:
    """Records of one parameter's value: first those that need no look at any other system."""
    silent, switched = [], []
    for told in anchors:
        why = _switched(told, value)
        if why is not None:
            switched.append((told, why))
        elif value.silent_s is None or known.speaking.again(
            told.record.source, told.moment_us, value.silent_s * MICROSECONDS
        ):
            yield Judged(told.index, Said.CLEAR)
        else:
            silent.append(told)
    found = [*_silences(silent, value, known)]
    yield from (one for one in found if one.said is not Said.FINDING)
    told_of = {told.index: told for told in silent}
    findings = [(told_of[one.anchor], one) for one in found if one.said is Said.FINDING]
    findings += [(told, _found(told, why, (told.index,))) for told, why in switched]
    if findings:
        asked = [told for told, _ in findings]
        changes = Approvals(value, CHANGE, asked, (id_ for one in asked for id_ in _named(one)), known)
        yield from (changes.of(told, _named(told), (told.record.source,)) or one for told, one in findings)


def _named(told: Told) -> list[str]:
    return told.ids(LinkKind.CHANGE_REQUEST)


def _switched(told: Told, value: D01) -> str | None:
    if fits(told.record, value.off):
        return "logging-off"
    if fits(told.record, value.on):
        about, shortly = told.about, value.shortly_s * MICROSECONDS
        if any(about.low_us < at and about.high_us >= at - shortly for at in map(parse_utc, value.inspections)):
            return "on-before-inspection"
    return None


def _silences(anchors: Sequence[Told], value: D01, known: Known) -> Iterator[Judged]:
    """What is said of the last records before silences."""
    if not anchors:
        return
    assert value.silent_s is not None
    within = value.silent_s * MICROSECONDS
    of = Elsewhere(known.connected(_PROCESS), types(value.activity))
    low, high = min(one.about.low_us for one in anchors), max(one.about.high_us for one in anchors) + within
    told = known.cases.told(of, low, high)
    activity = [one for one in told if fits(one.record, value.activity)]
    for anchor in anchors:
        source = anchor.record.source
        during = Span(low_us=anchor.about.high_us + 1, high_us=anchor.about.high_us + within, measured=False)
        others = [one for one in activity if cannot_order(one.about, during)]
        inside = [one for one in others if during.low_us <= one.about.low_us and one.about.high_us <= during.high_us]
        own = unknown(anchor, (source,), known, value.silent_s)
        lacking = known.lacking((_PROCESS,), anchor.moment_us)
        if own is not None:
            yield own
        elif lacking is not None:
            yield Judged(anchor.index, Said.LACKING, lacking)
        elif inside:
            first = min(inside, key=lambda one: (one.moment_us, one.record.source, one.record.source_record_id))
            yield _found(anchor, "silent", tuple(sorted((anchor.index, first.index))), first.index, value.silent_s)
        elif others:
            yield Judged(anchor.index, Said.UNORDERED, "silence-and-activity")
        else:
            systems = (one for one in known.systems(_PROCESS, anchor.moment_us) if one != source)
            yield unknown(anchor, systems, known, value.silent_s) or Judged(anchor.index, Said.CLEAR)


def _found(told: Told, why: str, entries: tuple[int, ...], other: int = -1, silent: int = 0) -> Judged:
    at, thing, source = told.index, one_line(told.record.object.id), one_line(told.record.source)
    detail = _WORDS[why].format(thing=thing, source=source, at=at, other=other, silent=silent)
    return Judged(at, Said.FINDING, why, entries, detail)


RULE: Final = LoggingOff()
