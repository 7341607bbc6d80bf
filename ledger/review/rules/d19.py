"""D19: signatures or steps at a pace that nobody keeps, or of what the person never opened.

What is signed, and what pace is too fast, the parameter `d19` says; each person, or else account, at each source by
itself. Guard: what was signed is one set (a link that all of it shares), and the person opened that set before.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from ledger.core.clock import MICROSECONDS
from ledger.core.record import Action, ActorKind
from ledger.core.rule_parameters import D19, Pattern
from ledger.findings.kinds import Severity
from ledger.present.inert import one_line
from ledger.review.known.cases import Elsewhere
from ledger.review.known.facts import Told
from ledger.review.known.pace import Burst, apart, bursts, in_order
from ledger.review.known.patterns import fits, types
from ledger.review.rules.known import Known
from ledger.review.rules.rule import About, Judged, Said, unknown

_SIGNATURES: Final = frozenset({Action.SIGN, Action.APPROVE})

Who = tuple[str, str]


class ImpossiblePace:
    """Examines what people signed, and the steps that they did."""

    about = About(id="D19", version=1, title="Impossible pace", severity=Severity.MEDIUM)

    def examines(self, told: Told, known: Known) -> bool:
        value, record = known.value(told, D19), told.record
        signs = record.action in _SIGNATURES if value is None else fits(record, value.signed)
        return signs and record.actor.kind is ActorKind.PERSON

    def touches(self, new: Sequence[Told], known: Known) -> Iterable[int]:
        for value in known.every(D19):
            own = [one for one in new if fits(one.record, value.signed)]
            back = 2 * max(value.within_s, value.least_s) * MICROSECONDS
            yield from (one.index for one in known.nearby.things(own, back, back, types(value.signed)))

    def judge(self, anchors: Sequence[Told], known: Known) -> Iterator[Judged]:
        groups = defaultdict[int, list[Told]](list)
        for told in anchors:
            value = known.value(told, D19)
            if value is None:
                yield Judged(told.index, Said.LACKING, "d19")
            elif known.who(told) is None:
                yield Judged(told.index, Said.LACKING, "one-person")
            else:
                groups[id(value)].append(told)
        for of in groups.values():
            yield from _judged(of, known)


def _judged(anchors: Sequence[Told], known: Known) -> Iterator[Judged]:
    """Signatures of one parameter's value."""
    value = known.value(anchors[0], D19)
    assert value is not None
    back = 2 * max(value.within_s, value.least_s) * MICROSECONDS
    signed = _by_person(known.nearby.things(anchors, back, 0, types(value.signed)), value.signed, known)
    opened = _opening([one for of in signed.values() for one in of], value, known)
    for who, of in _by_person(anchors, value.signed, known).items():
        every = in_order(signed.get(who, ()))
        places = {one.index: place for place, one in enumerate(every)}
        found = {one.told[-1].index: one for one in bursts(every, value.many, value.within_s * MICROSECONDS)}
        for told in of:
            place = places[told.index]
            last = every[place - 1] if place else None
            yield _said(told, found.get(told.index), last, opened.get(who, ()), value, known)


def _opening(signed: Iterable[Told], value: D19, known: Known) -> dict[Who, list[Told]]:
    """What opened the objects that were signed, or the sets that they are of, by source and person."""
    if not value.opened:
        return {}
    ids = defaultdict[str, set[str]](set)
    for one in signed:
        ids[one.record.source].update((one.record.object.id, *_sets(one, value)))
    found = (
        one
        for source, of in ids.items()
        for cases in known.cases.named(Elsewhere((source,), types(value.opened)), of).values()
        for case in cases
        for one in case.records
    )
    return _by_person(found, value.opened, known)


def _by_person(records: Iterable[Told], patterns: Sequence[Pattern], known: Known) -> dict[Who, list[Told]]:
    """What people did that fits, by source and person."""
    found = defaultdict[Who, list[Told]](list)
    for told in records:
        who = known.who(told)
        if who is not None and told.record.actor.kind is ActorKind.PERSON and fits(told.record, patterns):
            found[told.record.source, "\0".join(who)].append(told)
    return found


def _said(
    told: Told, burst: Burst | None, last: Told | None, opened: Sequence[Told], value: D19, known: Known
) -> Judged:
    at, thing = told.index, one_line(told.record.object.id)
    if burst is not None and not burst.sure:
        return Judged(at, Said.UNORDERED, "signatures")
    if burst is not None:
        if _one_set(burst.told, opened, value):
            return Judged(at, Said.EXPLAINED, "one-set")
        entries = tuple(sorted(one.index for one in burst.told))
        detail = f"{thing}: entry {at} is the last of {len(entries)} by one person within {value.within_s} s"
        return Judged(at, Said.FINDING, "too-many", entries, detail)
    if last is not None and value.least_s and last.record.object != told.record.object:
        least, most = apart(last, told)
        if most < value.least_s * MICROSECONDS and not _one_set([last, told], opened, value):
            detail = f"{thing}: entry {at} came less than {value.least_s} s after entry {last.index}, by one person"
            return Judged(at, Said.FINDING, "too-soon", tuple(sorted((last.index, at))), detail)
        if least < value.least_s * MICROSECONDS <= most:
            return Judged(at, Said.UNORDERED, "signatures")
    if value.opened and not _opened(told, opened, value):
        waits = unknown(told, [told.record.source], known, 0, value.open_s)
        detail = f"{thing}: entry {at} signs what the person did not open within {value.open_s} s before"
        return waits or Judged(at, Said.FINDING, "not-opened", (at,), detail)
    return Judged(at, Said.CLEAR)


def _opened(told: Told, opened: Iterable[Told], value: D19) -> bool:
    """Whether the person opened the object, or the set that it is of."""
    ids = {told.record.object.id, *_sets(told, value)}
    return any(one.record.object.id in ids and _shortly(one, told, value) for one in opened)


def _one_set(signed: Sequence[Told], opened: Sequence[Told], value: D19) -> bool:
    """Whether all of it is of one set that the person opened before the first."""
    shared = set.intersection(*(_sets(one, value) for one in signed))
    return any(one.record.object.id in shared and _shortly(one, signed[0], value) for one in opened)


def _sets(told: Told, value: D19) -> set[str]:
    return {link.id for link in told.record.links if link.kind is value.set_link}


def _shortly(opened: Told, told: Told, value: D19) -> bool:
    least, most = apart(opened, told)
    return most > 0 and least <= value.open_s * MICROSECONDS


RULE: Final = ImpossiblePace()
