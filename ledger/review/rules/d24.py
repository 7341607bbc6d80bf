"""D24: a batch was released with open items: its audit trail review not signed, a deviation not closed, a critical or
high finding that nobody had judged or deferred, or equipment whose calibration had expired when the batch had it.

What a release is, and which records tell until when a calibration holds, the parameter `d24` says; when a deviation is
closed, the parameter `deviations`. What the other systems have to say of it is waited for; what the ledger itself has
is known at once.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from ledger.core.clock import MICROSECONDS
from ledger.core.instants import PRECISION_US
from ledger.core.parameters import Deviations, ParameterName
from ledger.core.record import Action, LinkKind
from ledger.core.rule_parameters import D24
from ledger.core.system_class import SystemClass
from ledger.core.times import parse_source_time
from ledger.findings.kinds import Severity
from ledger.present.inert import one_line
from ledger.review.known.cases import Case, Elsewhere
from ledger.review.known.facts import Told
from ledger.review.known.patterns import fits, text_of, types
from ledger.review.rules.known import Known
from ledger.review.rules.open_items import Item, OpenItems
from ledger.review.rules.rule import About, Judged, Said, by_value, undated, unknown
from ledger.trace.batch import occupations

_ERP: Final = (SystemClass.ERP,)
_QUALITY: Final = (SystemClass.QUALITY_SYSTEM,)
_MAINTENANCE: Final = (SystemClass.MAINTENANCE,)
_OTHERS: Final = (*_QUALITY, *_MAINTENANCE)
_EDGES: Final = frozenset({Action.START, Action.STOP})


class ReleasedOpen:
    """Examines releases of batches."""

    about = About(
        id="D24",
        version=2,
        title="Released with open items",
        severity=Severity.CRITICAL,
        needs=(_ERP, _QUALITY, _MAINTENANCE),
        parameters=(ParameterName.DEVIATIONS, ParameterName.RISK),
    )

    def examines(self, told: Told, known: Known) -> bool:
        if not known.is_of(told, _ERP):
            return False
        value = known.value(told, D24)
        return told.record.action is Action.APPROVE if value is None else fits(told.record, value.released)

    def touches(self, new: Sequence[Told], known: Known) -> Iterable[int]:
        deviations = {(source, one.object_type) for source, one in known.of_sources(Deviations)}
        batches = _batches_of_findings(known)
        for value in known.every(D24):
            of = Elsewhere(known.connected(_ERP), types(value.released))
            told = [
                one
                for one in new
                if one.record.action in _EDGES
                or (one.record.source, one.record.object.type) in deviations
                or fits(one.record, value.calibrated)
            ]
            yield from known.not_before(told, of)
            yield from (entry for its in known.linking(LinkKind.BATCH, batches, of).values() for entry in its)

    def judge(self, anchors: Sequence[Told], known: Known) -> Iterator[Judged]:
        return by_value(anchors, known, D24, _judged, _unjudged)


def _unjudged(told: Told, known: Known) -> Judged | None:
    return undated(told, known) if told.ids(LinkKind.BATCH) else Judged(told.index, Said.LACKING, "link-batch")


def _batches_of_findings(known: Known) -> set[str]:
    """The batches about whose records something was found since the last run."""
    anchors = [one.anchor for one in known.decided.findings(ReleasedOpen.about.id, known.low)]
    return {batch for told in known.told(anchors) for batch in told.ids(LinkKind.BATCH)}


def _judged(anchors: Sequence[Told], value: D24, known: Known) -> Iterator[Judged]:
    """Releases of one parameter's value."""
    ours, deviations = OpenItems(anchors, known, value.reviewed, ReleasedOpen.about.id), _deviations(anchors, known)
    calibrations = _calibrations(anchors, value, known)
    for told in anchors:
        own = ours.of(told)
        items = [*own.items]
        systems = known.systems(_OTHERS, told.moment_us)
        absent = unknown(told, systems, known, value.grace_s)
        if absent is None:
            items += _open_deviations(told, deviations, own.deferred, known)
            items += _expired(told, calibrations, value, known)
        sure = [one for one in items if one.sure and not one.unreadable]
        if sure:
            yield _found(told, sure)
        elif absent is not None:
            yield absent
        elif any(not one.sure for one in items):
            yield Judged(told.index, Said.UNORDERED, "release-and-closure")
        elif items:
            yield Judged(told.index, Said.LACKING, "due-date")
        else:
            yield Judged(told.index, Said.CLEAR)


class _Deviation(NamedTuple):
    """A deviation and what says how it stands."""

    case: Case
    by: Deviations


def _deviations(anchors: Sequence[Told], known: Known) -> Mapping[str, list[_Deviation]]:
    """The deviations that name the batches of some releases, by batch."""
    found = defaultdict[str, list[_Deviation]](list)
    batches = {batch for one in anchors for batch in one.ids(LinkKind.BATCH)}
    for source, by in known.of_sources(Deviations):
        of = Elsewhere((source,), frozenset({by.object_type}))
        linking = known.linking(LinkKind.BATCH, batches, of)
        told = {one.index: one for one in known.told(entry for its in linking.values() for entry in its)}
        cases = known.cases.named(of, {one.record.object.id for one in told.values()})
        for batch, entries in linking.items():
            for id_ in sorted({told[entry].record.object.id for entry in entries if entry in told}):
                found[batch] += [_Deviation(case, by) for case in cases.get(id_, ())]
    return found


def _open_deviations(
    told: Told, deviations: Mapping[str, Iterable[_Deviation]], deferred: Collection[str], known: Known
) -> Iterator[Item]:
    for batch in told.ids(LinkKind.BATCH):
        for one in deviations.get(batch, ()):
            if one.case.thing.id in deferred:
                continue
            first = [(record, known.order.first(record, told)) for record in one.case.records]
            before = [record for record, which in first if which is record]
            said = [state for record in before if (state := _closes(record, one.by)) is not None]
            # One of which nothing was told yet is not open; one of which no status was told is.
            states = {said[-1] if said else False} if before else {True}
            for record in (record for record, which in first if which is None):
                state = _closes(record, one.by)
                states |= {state} if state is not None else set() if before else {False}
            if False in states:
                detail = f"deviation {one_line(one.case.thing.id)} was not closed"
                yield Item("deviation-open", detail, tuple(one.index for one in before[-1:]), True not in states)


def _closes(record: Told, by: Deviations) -> bool | None:
    """Whether a record says that its deviation is closed; None: it says nothing of that."""
    told = [text_of(one.new) for one in record.record.changes if one.attribute == by.attribute]
    return None if not told else told[-1] in by.closed


def _calibrations(anchors: Sequence[Told], value: D24, known: Known) -> Mapping[str, list[Told]]:
    """What says until when calibrations hold, by asset."""
    found = defaultdict[str, list[Told]](list)
    if not value.calibrated:
        return found
    of = Elsewhere(known.connected(_MAINTENANCE), types(value.calibrated))
    low = min(one.about.low_us for one in anchors) - value.back_s * MICROSECONDS
    for told in known.cases.told(of, low, max(one.about.high_us for one in anchors)):
        if fits(told.record, value.calibrated):
            for asset in known.assets_of(told):
                found[asset].append(told)
    return found


def _expired(told: Told, calibrations: Mapping[str, Sequence[Told]], value: D24, known: Known) -> Iterator[Item]:
    """The equipment that the batch had after its last calibration before had expired."""
    for batch in told.ids(LinkKind.BATCH) if calibrations else ():
        held = occupations(known.connection, known.log, known.size, LinkKind.BATCH, batch, known.batches.windows)
        for one in held.intervals:
            used_us = one.start.span.high_us if one.stop is None else one.stop.span.high_us
            before = [other for other in calibrations.get(one.equipment, ()) if other.about.high_us <= used_us]
            last = max(before, key=lambda other: (other.moment_us, other.record.source_record_id), default=None)
            due = None if last is None else _due(last, value)
            if last is None or due is None:
                continue
            detail = f"the calibration of {one_line(one.equipment)} had expired"
            if not due.known:
                yield Item("calibration-expired", detail, (last.index,), unreadable=True)
            elif due.at_us <= used_us:
                yield Item("calibration-expired", detail, (last.index,))


class _Due(NamedTuple):
    known: bool
    at_us: int = 0


def _due(told: Told, value: D24) -> _Due | None:
    """Until when a calibration holds, a day until it is over; None: the record says nothing of that."""
    texts = [text_of(one.new) for one in told.record.changes if one.attribute == value.due]
    if not texts or texts[-1] is None:
        return None
    time = parse_source_time(texts[-1], value.zone)
    return _Due(False) if time.instant_us is None else _Due(True, time.instant_us + PRECISION_US[time.precision])


def _found(told: Told, items: Sequence[Item]) -> Judged:
    at = told.index
    entries = tuple(sorted({at, *(entry for one in items for entry in one.entries)}))
    words = "; ".join(dict.fromkeys(one.detail for one in items))
    batches = ", ".join(map(one_line, told.ids(LinkKind.BATCH)))
    return Judged(at, Said.FINDING, items[0].why, entries, f"{batches} was released by entry {at}: {words}")


RULE: Final = ReleasedOpen()
