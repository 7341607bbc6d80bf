"""What lasts: what a record puts on and another takes off again, and phases of equipment that are under way."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ledger.core.clock import MICROSECONDS
from ledger.core.rule_parameters.patterns import Patterns
from ledger.present.inert import one_line
from ledger.review.known.cases import Case, Course, Elsewhere, Force
from ledger.review.known.facts import Told
from ledger.review.known.pace import apart
from ledger.review.known.patterns import fits, types
from ledger.review.known.systems import Classes
from ledger.review.rules.known import Known
from ledger.review.rules.rule import Judged, Said, unknown
from ledger.store.changes import Thing


class Lasting(NamedTuple):
    """What lasts in words (`put on`, `off`), and the codes of what lasted for too long, and of what has no end."""

    begun: str
    ended: str
    too_long: str
    left: str


def thing_of(told: Told) -> Thing:
    """The object of a record."""
    return Thing(told.record.source, told.record.object.type, told.record.object.id)


def ends(anchors: Sequence[Told], ended: Patterns, known: Known) -> Mapping[Thing, list[Told]]:
    """What ends something of the objects of these records, whenever that was."""
    of = known.of_objects(anchors)
    return _fitting(known.told(entry for entries in of.values() for entry in entries), ended)


def ends_within(anchors: Sequence[Told], ended: Patterns, within_s: int, known: Known) -> Mapping[int, list[Told]]:
    """For each record by its index: what ends, no more than so long after it, what it began of its object, or may.

    For objects of which very much is told.
    """
    within = within_s * MICROSECONDS
    near = _fitting(known.nearby.things(anchors, 0, within, types(ended)) if anchors and ended else (), ended)
    return {
        told.index: [one for one in near.get(thing_of(told), ()) if apart(told, one)[0] <= within] for told in anchors
    }


def _fitting(told: Iterable[Told], patterns: Patterns) -> Mapping[Thing, list[Told]]:
    found = defaultdict[Thing, list[Told]](list)
    for one in told:
        if fits(one.record, patterns):
            found[thing_of(one)].append(one)
    return found


def lasted(told: Told, its_ends: Iterable[Told], longest_s: int, words: Lasting, known: Known) -> Judged:
    """Whether what a record began ended in time."""
    at, longest = told.index, longest_s * MICROSECONDS
    times = [(*apart(told, one), one) for one in its_ends]
    after = [one for one in times if one[1] > 0]
    if any(least > 0 and most <= longest for least, most, _ in after):
        return Judged(at, Said.CLEAR)
    if any(least <= longest for least, *_ in after):
        return Judged(at, Said.UNORDERED, "on-and-off")
    thing = one_line(told.record.object.id)
    if after:
        least, _, end = min(after, key=lambda one: (one[0], one[2].index))
        detail = (
            f"{thing} was {words.begun} by entry {at} and {words.ended} by entry {end.index},"
            f" {least // MICROSECONDS} s later; {longest_s} s are allowed"
        )
        return Judged(at, Said.FINDING, words.too_long, tuple(sorted((at, end.index))), detail)
    waits = unknown(told, [told.record.source], known, longest_s)
    detail = f"{thing} was {words.begun} by entry {at} and not {words.ended} within {longest_s} s"
    return waits or Judged(at, Said.FINDING, words.left, (at,), detail)


class Phases:
    """Phases of equipment that may be under way at some records, by what begins and what ends them."""

    def __init__(
        self, classes: Classes, begun: Patterns, ended: Patterns, asked: Sequence[Told], back_s: int, known: Known
    ) -> None:
        self._known = known
        self._phases = []
        of = Elsewhere(known.connected(classes), types(begun, ended))
        for case in known.cases.around(of, asked, back_s * MICROSECONDS, 0) if begun else ():
            assets = {asset for one in case.records for asset in known.assets_of(one)}
            self._phases.append((case, Course(case, begun, ended, known.order), assets))

    def at(self, told: Told) -> Iterator[tuple[Case, Force]]:
        """The phases of a record's equipment, and whether each was under way."""
        assets = self._known.assets_of(told)
        yield from ((case, course.at(told)) for case, course, of in self._phases if not of.isdisjoint(assets))
