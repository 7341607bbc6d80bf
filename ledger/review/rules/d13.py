"""D13: a test of a lot failed and then passed, and no investigation of the failure was opened before.

What fails and passes, the parameter `d13` says. Looked at is each pass that follows a failure of another sample,
injection or test of the same lot with no pass between; what the same object told before is rule D12's. Guards: so many
results as the method takes together; an investigation that was opened before the pass, and not closed before the
failure. That there was none is said once the quality system's time is known.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from ledger.core.clock import MICROSECONDS
from ledger.core.record import Action, LinkKind, Outcome
from ledger.core.rule_parameters import D13
from ledger.core.system_class import SystemClass
from ledger.findings.kinds import Severity
from ledger.present.inert import one_line
from ledger.review.known.cases import Case, Course, Elsewhere, Force
from ledger.review.known.facts import Told
from ledger.review.known.pace import apart
from ledger.review.known.patterns import fits, text_of, types
from ledger.review.known.results import verdicts
from ledger.review.rules.known import Known
from ledger.review.rules.rule import About, Judged, Said, by_value, undated, unknown

_INSTRUMENTS: Final = (SystemClass.CHROMATOGRAPHY, SystemClass.INSTRUMENT)
_LIMS: Final = (SystemClass.LIMS,)
_LABORATORY: Final = (*_LIMS, *_INSTRUMENTS)
_QUALITY: Final = (SystemClass.QUALITY_SYSTEM,)
_TELLS: Final = frozenset({Action.CREATE, Action.UPDATE})
_FIRST: Final = (Said.FINDING, Said.PENDING, Said.UNORDERED, Said.LACKING, Said.EXPLAINED, Said.CLEAR)
"""Of a record that tells several tests to have passed the one is said that says most."""

Tested = tuple[str, str]
"""What results share: the lot, or what else `link` says, and the test."""


class TestedIntoCompliance:
    """Examines results that pass."""

    about = About(
        id="D13",
        version=1,
        title="Fail then pass with no investigation",
        severity=Severity.CRITICAL,
        needs=(_INSTRUMENTS, _LIMS, _QUALITY),
    )

    def examines(self, told: Told, known: Known) -> bool:
        if not known.is_of(told, _LABORATORY):
            return False
        value, record = known.value(told, D13), told.record
        if value is None:
            return record.action in _TELLS and record.outcome is Outcome.SUCCESS and bool(record.changes)
        return any(verdicts(record, value).values())

    def touches(self, new: Sequence[Told], known: Known) -> Iterable[int]:
        for value in known.every(D13):
            # That an investigation was closed, or of which test it is, may come late and open what it explained.
            of = types(value.opened, value.closed)
            told = [one for one in new if one.record.object.type in of and known.is_of(one, _QUALITY)]
            yield from known.not_before(told, Elsewhere(known.connected(_LABORATORY), types(value.results)))
            own = [one for one in new if verdicts(one.record, value) and known.is_of(one, _LABORATORY)]
            yield from (entry for entries in _linking(own, value, known).values() for entry in entries)

    def judge(self, anchors: Sequence[Told], known: Known) -> Iterator[Judged]:
        return by_value(anchors, known, D13, _judged, undated)


def _linking(told: Iterable[Told], value: D13, known: Known) -> Mapping[str, list[int]]:
    """The results of the same lots."""
    of = Elsewhere(known.connected(_LABORATORY), types(value.results))
    return known.linking(value.link, {id_ for one in told for id_ in one.ids(value.link)}, of)


class _Result(NamedTuple):
    told: Told
    passed: bool


def _judged(anchors: Sequence[Told], value: D13, known: Known) -> Iterator[Judged]:
    """Passes of one parameter's value."""
    results = _results(anchors, value, known)
    suspects: list[tuple[Told, Tested, Told]] = []
    said: dict[int, list[Judged]] = defaultdict(list)
    for told in anchors:
        lacking = _nameless(told, value)
        if lacking is not None:
            said[told.index].append(lacking)
            continue
        for tested in _passed(told, value):
            found = _failure(told, tested, results[tested], value, known)
            if isinstance(found, Told):
                suspects.append((told, tested, found))
            else:
                said[told.index].append(found)
    investigations = _Investigations([told for told, *_ in suspects], value, known)
    for told, tested, failure in suspects:
        said[told.index].append(investigations.of(told, tested, failure) or _found(told, tested, failure))
    for told in anchors:
        yield min(said[told.index], key=lambda one: _FIRST.index(one.said))


def _nameless(told: Told, value: D13) -> Judged | None:
    """What a result has to name, and does not."""
    if not told.ids(value.link):
        return Judged(told.index, Said.LACKING, f"link-{value.link.value}")
    return Judged(told.index, Said.LACKING, "test") if None in verdicts(told.record, value) else None


def _passed(told: Told, value: D13) -> list[Tested]:
    tests = [test for test, passed in verdicts(told.record, value).items() if passed and test is not None]
    return [(id_, test) for id_ in dict.fromkeys(told.ids(value.link)) for test in tests]


def _results(anchors: Sequence[Told], value: D13, known: Known) -> Mapping[Tested, list[_Result]]:
    """The results of the same lots, by lot and test."""
    linking = _linking(anchors, value, known)
    told = {one.index: one for one in known.told(entry for entries in linking.values() for entry in entries)}
    found = defaultdict[Tested, list[_Result]](list)
    for id_, entries in linking.items():
        for one in (told[entry] for entry in entries if entry in told):
            for test, passed in verdicts(one.record, value).items():
                if test is not None:
                    found[id_, test].append(_Result(one, passed))
    return found


def _failure(told: Told, tested: Tested, results: Sequence[_Result], value: D13, known: Known) -> Judged | Told:
    """The failure that a pass follows, with no other pass between; or what else is to be said of it."""
    at = told.index
    near = [one for one in results if one.told.index != at and apart(one.told, told)[0] <= value.back_s * MICROSECONDS]
    failures = [one.told for one in near if not one.passed and one.told.record.object != told.record.object]
    passes = [one.told for one in near if one.passed]
    followed, open_ = list[Told](), False
    for failure in failures:
        before = known.order.first(failure, told)
        between = {known.order.between(one, failure, told) for one in passes}
        if before is told or True in between:
            continue
        if before is None or None in between:
            open_ = True
        else:
            followed.append(failure)
    if not followed:
        return Judged(at, Said.UNORDERED, "failure-and-pass") if open_ else Judged(at, Said.CLEAR)
    last = max(followed, key=lambda one: (one.moment_us, one.record.source, one.record.source_record_id))
    return _replicate(told, tested[1], [one.told for one in near], value, known) or last


def _replicate(told: Told, test: str, near: Iterable[Told], value: D13, known: Known) -> Judged | None:
    """Whether a pass is one of the results that the method takes together, counted in its own system."""
    many = max((one.many for one in value.replicates if one.test == test), default=0)
    sure, maybe = {told.record.object.id}, {told.record.object.id}
    for one in (one for one in near if one.record.source == told.record.source):
        which = known.order.first(one, told)
        if which is not told:
            maybe.add(one.record.object.id)
        if which is one:
            sure.add(one.record.object.id)
    if len(maybe) <= many:
        return Judged(told.index, Said.EXPLAINED, "replicates")
    return Judged(told.index, Said.UNORDERED, "replicates") if len(sure) <= many else None


class _Investigations:
    """The investigations that share a lot with some passes, or that these name."""

    def __init__(self, anchors: Sequence[Told], value: D13, known: Known) -> None:
        self._value = value
        self._known = known
        of = Elsewhere(known.connected(_QUALITY), types(value.opened, value.closed))
        linking = known.linking(value.link, {id_ for one in anchors for id_ in one.ids(value.link)}, of)
        told = {one.index: one for one in known.told(entry for entries in linking.values() for entry in entries)}
        named = {id_ for one in anchors for id_ in one.ids(LinkKind.DEVIATION)}
        ids = {one.record.object.id for one in told.values()}
        self._by_id = known.cases.named(of, named | ids)
        self._of_lot = {
            id_: sorted({told[entry].record.object.id for entry in entries if entry in told})
            for id_, entries in linking.items()
        }

    def of(self, told: Told, tested: Tested, failure: Told) -> Judged | None:
        """What explains a pass after a failure, or leaves it open; None: nothing does."""
        lot, test = tested
        ids = dict.fromkeys((*self._of_lot.get(lot, ()), *told.ids(LinkKind.DEVIATION)))
        cases = [case for id_ in ids for case in self._by_id.get(id_, ()) if self._is_of(case, test)]
        covers = {self._covers(case, told, failure) for case in cases}
        if True in covers:
            return Judged(told.index, Said.EXPLAINED, "investigation")
        if None in covers:
            return Judged(told.index, Said.UNORDERED, "pass-and-investigation")
        systems = self._known.systems(_QUALITY, told.moment_us)
        back_s = max(0, -(-apart(failure, told)[1] // MICROSECONDS))
        return unknown(told, systems, self._known, self._value.grace_s, back_s)

    def _is_of(self, case: Case, test: str) -> bool:
        """Whether an investigation is of a test, by the last that it says; one that says nothing is of all."""
        name = self._value.investigated_test
        said = [
            text_of(change.new) for one in case.records for change in one.record.changes if change.attribute == name
        ]
        return not said or said[-1] in (None, test)

    def _covers(self, case: Case, told: Told, failure: Told) -> bool | None:
        """Whether it was opened before the pass and not closed before the failure; None: clocks leave it open."""
        order, value = self._known.order, self._value
        force = Course(case, value.opened, value.closed, order).at(failure)
        between = {order.between(one, failure, told) for one in case.records if fits(one.record, value.opened)}
        if force is Force.YES or True in between:
            return True
        return None if force is Force.UNKNOWN or None in between else False


def _found(told: Told, tested: Tested, failure: Told) -> Judged:
    at, (lot, test) = told.index, map(one_line, tested)
    detail = (
        f"{lot}: {test} failed by entry {failure.index} and passed by entry {at};"
        " no investigation had been opened before"
    )
    return Judged(at, Said.FINDING, "retested", tuple(sorted((failure.index, at))), detail)


RULE: Final = TestedIntoCompliance()
