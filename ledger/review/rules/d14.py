"""D14: a result was processed too often, integrated by hand until it passed, or with a part of its signal left out; or
its method was changed between the standard and the sample.

By which records, the parameter `d14` says. Guard: an approval of what the record names, from before it; or of the
changed method, from before its first sample.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, NamedTuple

from ledger.core.clock import MICROSECONDS
from ledger.core.record import Action, LinkKind, Outcome
from ledger.core.rule_parameters import D14
from ledger.core.system_class import SystemClass
from ledger.findings.kinds import Severity
from ledger.present.inert import one_line
from ledger.review.known.cases import Course, Elsewhere, Force
from ledger.review.known.facts import Told
from ledger.review.known.pace import Row, by_days, in_order
from ledger.review.known.patterns import fits, types
from ledger.review.known.results import passes
from ledger.review.rules.known import Known
from ledger.review.rules.lasting import thing_of
from ledger.review.rules.rule import About, Judged, Said, by_value, undated, unknown
from ledger.store.changes import Thing

_PROCESSING: Final = (SystemClass.CHROMATOGRAPHY,)
_APPROVING: Final = (*_PROCESSING, SystemClass.QUALITY_SYSTEM)
_NAMED: Final = (LinkKind.DOCUMENT, LinkKind.DEVIATION, LinkKind.CHANGE_REQUEST)
_FIRST: Final = (Said.FINDING, Said.PENDING, Said.UNORDERED, Said.LACKING, Said.EXPLAINED, Said.CLEAR)
"""Of a record that does several of these the one is said that says most."""


class Reprocessed:
    """Examines what is done to results and to methods in chromatography."""

    about = About(
        id="D14",
        version=1,
        title="Reprocessing or manual integration",
        severity=Severity.HIGH,
        needs=(_PROCESSING,),
    )

    def examines(self, told: Told, known: Known) -> bool:
        if not known.is_of(told, _PROCESSING):
            return False
        value, record = known.value(told, D14), told.record
        if value is None:
            return record.action is Action.UPDATE and record.outcome is Outcome.SUCCESS
        return fits(record, (*value.versions, *value.manual, *value.inhibited, *value.methods))

    def touches(self, new: Sequence[Told], known: Known) -> Iterable[int]:
        # An approval that comes late can only explain.
        for value in known.every(D14):
            told = [one for one in new if known.is_of(one, _PROCESSING)]
            results = types(value.versions, value.manual)
            own = [one for one in told if one.record.object.type in results]
            yield from (entry for entries in known.of_objects(own).values() for entry in entries)
            injected = (one for one in told if fits(one.record, (*value.standards, *value.samples)))
            for of_a_day in by_days(injected):
                yield from (one.index for one in _around(of_a_day, types(value.methods), value, known))

    def judge(self, anchors: Sequence[Told], known: Known) -> Iterator[Judged]:
        return by_value(anchors, known, D14, _judged, undated)


def _around(asked: Sequence[Told], of_types: frozenset[str], value: D14, known: Known) -> list[Told]:
    """What shares a link with some records and can lie near them in time; some lies outside."""
    within = value.within_s * MICROSECONDS
    low, high = min(one.about.low_us for one in asked) - within, max(one.about.high_us for one in asked) + within
    of = Elsewhere(known.connected(_PROCESSING), of_types)
    reach = _reach(low, high, known)
    ids = {id_ for one in asked for id_ in one.ids(value.link)}
    linking = known.linking(value.link, ids, of, (low - reach, high + reach))
    return known.told(entry for entries in linking.values() for entry in entries)


def _reach(low_us: int, high_us: int, known: Known) -> int:
    return max((known.reach.over(source, low_us, high_us) for source in known.connected(_PROCESSING)), default=0)


class _Injections:
    """The injections around some changes of methods, by what they share."""

    def __init__(self, changed: Sequence[Told], value: D14, known: Known) -> None:
        self._value = value
        self._rows: dict[int, Mapping[str, Row]] = {}
        both = (*value.standards, *value.samples)
        for asked in by_days(changed):
            of = defaultdict[str, list[Told]](list)
            for one in _around(asked, types(both), value, known):
                for id_ in one.ids(value.link) if fits(one.record, both) else ():
                    of[id_].append(one)
            spans = [one.about for one in (*asked, *(one for its in of.values() for one in its))]
            reach = _reach(min(one.low_us for one in spans), max(one.high_us for one in spans), known)
            rows = {id_: Row(its, reach) for id_, its in of.items()}
            self._rows.update((one.index, rows) for one in asked)

    def around(self, told: Told) -> list[Told]:
        """From the last standard before a change to the first injection after it, and all that can be near it."""
        within = self._value.within_s * MICROSECONDS
        low_us, high_us = told.about.low_us - within, told.about.high_us + within
        found: dict[int, Told] = {}
        for row in (self._rows[told.index].get(id_) for id_ in told.ids(self._value.link)):
            if row is not None:
                low, high = row.near(told)
                standards = (one for one in reversed(row.records[:low]) if fits(one.record, self._value.standards))
                chosen = (*row.records[low : high + 1], *islice(standards, 1))
                found.update((one.index, one) for one in chosen)
        return [one for one in found.values() if one.about.high_us >= low_us and one.about.low_us <= high_us]


class _Suspect(NamedTuple):
    """What would be found of a record: why, in words, and what it rests on; `used`: when what was changed was used."""

    why: str
    words: str
    entries: tuple[int, ...]
    used: Told | None = None


def _judged(anchors: Sequence[Told], value: D14, known: Known) -> Iterator[Judged]:
    """Records of one parameter's value."""
    told = known.told(entry for entries in known.of_objects(anchors).values() for entry in entries)
    own = defaultdict[Thing, list[Told]](list)
    for one in in_order(told):
        own[thing_of(one)].append(one)
    injections = _Injections([one for one in anchors if fits(one.record, value.methods)], value, known)
    approvals = _Approvals(anchors, own, value, known)
    for told_ in anchors:
        its = own[thing_of(told_)]
        found = [
            *_version(told_, its, value),
            *_by_hand(told_, its, value, known),
            *_inhibited(told_, value),
            *_between(told_, injections, value, known),
        ]
        said = [one if isinstance(one, Judged) else approvals.of(told_, one) or _found(told_, one) for one in found]
        yield min(said, key=lambda one: _FIRST.index(one.said), default=Judged(told_.index, Said.CLEAR))


def _version(told: Told, own: Sequence[Told], value: D14) -> Iterator[_Suspect]:
    """One version too many; that does not rest on which of them was first."""
    versions = [one.index for one in own if fits(one.record, value.versions)]
    at = versions.index(told.index) if told.index in versions else 0
    if at >= value.most:
        words = f"by entry {told.index} it has more than {value.most} versions"
        yield _Suspect("too-many-versions", words, tuple(versions[at - value.most : at + 1]))


def _by_hand(told: Told, own: Sequence[Told], value: D14, known: Known) -> Iterator[_Suspect | Judged]:
    """An integration by hand before which something failed that passes with it, or next after it."""
    if not fits(told.record, value.manual):
        return
    for attribute in dict.fromkeys((*(one.attribute for one in value.specified), value.verdict)):
        if attribute is not None:
            yield from _made_pass(told, own, attribute, value, known)


def _made_pass(
    told: Told, own: Sequence[Told], attribute: str, value: D14, known: Known
) -> Iterator[_Suspect | Judged]:
    before: list[tuple[bool, int]] = []
    after: list[tuple[bool, int]] = []
    unsure = set[bool]()
    for one in own:
        first = None if one.index == told.index else known.order.first(one, told)
        for change in (change for change in one.record.changes if change.attribute == attribute):
            old, new = passes(attribute, change.old, value), passes(attribute, change.new, value)
            if one.index == told.index:
                before += [] if old is None else [(old, one.index)]
                after[:0] = [] if new is None else [(new, one.index)]
            elif new is not None and first is None:
                unsure.add(new)
            elif new is not None:
                (before if first is one else after).append((new, one.index))
    failed = bool(before) and not before[-1][0]
    if failed and after and after[0][0]:
        entries = tuple(sorted({before[-1][1], told.index, after[0][1]}))
        words = f"{one_line(attribute)} failed, and passes after an integration by hand, by entry {told.index}"
        yield _Suspect("integrated-to-pass", words, entries)
    elif unsure and False in unsure | {one for one, _ in before} and True in unsure | {one for one, _ in after}:
        yield Judged(told.index, Said.UNORDERED, "integration")


def _inhibited(told: Told, value: D14) -> Iterator[_Suspect]:
    if fits(told.record, value.inhibited):
        words = f"a part of the signal was left out of the integration, by entry {told.index}"
        yield _Suspect("inhibited", words, (told.index,))


def _between(told: Told, injections: _Injections, value: D14, known: Known) -> Iterator[_Suspect | Judged]:
    """A method that was changed after a standard was injected and before the next sample."""
    if not fits(told.record, value.methods):
        return
    if not told.ids(value.link):
        yield Judged(told.index, Said.LACKING, f"link-{value.link.value}")
        return
    near = injections.around(told)
    first = {one.index: known.order.first(one, told) for one in near}
    before = [one for one in near if first[one.index] is one and fits(one.record, value.standards)]
    after = [one for one in near if first[one.index] is told]
    if None in first.values():
        yield Judged(told.index, Said.UNORDERED, "method-and-injection")
    elif before and not after:
        waits = unknown(told, known.systems(_PROCESSING, told.moment_us), known, value.within_s)
        yield waits or Judged(told.index, Said.CLEAR)
    elif before and fits(in_order(after)[0].record, value.samples):
        standard, sample = in_order(before)[-1], in_order(after)[0]
        words = (
            f"the method was changed by entry {told.index}, after the standard of entry {standard.index} and before"
            f" the sample of entry {sample.index}"
        )
        entries = tuple(sorted((standard.index, told.index, sample.index)))
        yield _Suspect("method-changed", words, entries, sample)


class _Approvals:
    """What approves what was done to results and methods."""

    def __init__(self, anchors: Sequence[Told], own: Mapping[Thing, Sequence[Told]], value: D14, known: Known) -> None:
        self._value = value
        self._known = known
        self._own = own
        of = Elsewhere(known.connected(_APPROVING), types(value.approved))
        ids = {id_ for one in anchors for id_ in _names(one)}
        self._named = known.cases.named(of, ids) if value.approved else {}

    def of(self, told: Told, suspect: _Suspect) -> Judged | None:
        """That it was approved, or may have been; None: it was not."""
        order, value, at = self._known.order, self._value, told.index
        cases = [case for id_ in _names(told) for case in self._named.get(id_, ())]
        states = {Course(case, value.approved, (), order).at(told) for case in cases}
        if suspect.used is not None:
            own = (one for one in self._own[thing_of(told)] if fits(one.record, value.approved))
            between = {order.between(one, told, suspect.used) for one in own}
            states |= {Force.YES} if True in between else {Force.UNKNOWN} if None in between else set()
        if Force.YES in states:
            return Judged(at, Said.EXPLAINED, "approved-method-event")
        if Force.UNKNOWN in states:
            return Judged(at, Said.UNORDERED, "approval")
        if not value.approved or not _names(told):
            return None
        return unknown(told, self._known.systems(_APPROVING, told.moment_us), self._known, value.grace_s)


def _names(told: Told) -> list[str]:
    """By what an approval may be named."""
    return [id_ for kind in _NAMED for id_ in told.ids(kind)]


def _found(told: Told, one: _Suspect) -> Judged:
    detail = f"{one_line(told.record.object.id)}: {one.words}"
    return Judged(told.index, Said.FINDING, one.why, one.entries, detail)


RULE: Final = Reprocessed()
