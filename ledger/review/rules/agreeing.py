"""Whether two systems tell the same of the same thing: amounts summed up, or what each told last."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from ledger.core.ranges import number_of
from ledger.core.record import Change
from ledger.core.rule_parameters import D23, Agreement
from ledger.core.rule_parameters.patterns import Patterns
from ledger.present.inert import one_line
from ledger.review.known.cases import Elsewhere
from ledger.review.known.facts import Told
from ledger.review.known.pace import in_order
from ledger.review.known.patterns import fits, text_of, types
from ledger.review.rules.known import Known
from ledger.review.rules.rule import Judged, Said, unknown

Key = tuple[str, ...]
"""What is shared, an id for each kind of link."""


class Sides(NamedTuple):
    """What the two systems tell of the same thing, each in the order of time."""

    told: list[Told]
    other: list[Told]

    @property
    def anchor(self) -> Told | None:
        """The record that stands for all of it: the last that one system told, or else the other."""
        return next(iter(reversed(self.told or self.other)), None)


class Agreeing:
    """By one agreement, what stands beside some records."""

    def __init__(self, asked: Sequence[Told], of: Agreement, in_flight_s: int, known: Known) -> None:
        self._of = of
        self._known = known
        self._in_flight_s = in_flight_s
        self._sides = _sides(asked, of, known)

    def said(self, told: Told) -> Judged:
        """What is said of a record: of one for which another stands, nothing."""
        at, key = told.index, key_of(told, self._of)
        if key is None:
            lacking = next(kind for kind in self._of.links if not told.ids(kind))
            return Judged(at, Said.LACKING, f"link-{lacking.value}")
        if not self._known.systems((self._of.system,), told.moment_us):
            return Judged(at, Said.LACKING, f"no-{self._of.system.value}")
        sides = self._sides[key]
        if sides.anchor is None or sides.anchor.index != at or (not sides.told and self._of.tolerance is None):
            return Judged(at, Said.CLEAR)
        return self._held(told, key, sides)

    def _held(self, told: Told, key: Key, sides: Sides) -> Judged:
        """One side against the other."""
        differs = _amounts(sides, self._of) if self._of.tolerance is not None else _texts(sides, self._of)
        if differs is None:
            return Judged(told.index, Said.CLEAR)
        if isinstance(differs, Judged):
            return differs._replace(anchor=told.index)
        last = max((*sides.told, *sides.other), key=lambda one: one.about.high_us)
        sources = {one.record.source for one in (*sides.told, *sides.other)}
        sources.update(self._known.systems((self._of.system,), told.moment_us))
        waits = unknown(last, sorted(sources), self._known, self._in_flight_s)
        if waits is not None:
            return waits._replace(anchor=told.index)
        entries = {one[-1].index for one in sides if one}
        thing = ", ".join(map(one_line, key))
        why = "differs" if sides.told and sides.other else "no-partner"
        return Judged(told.index, Said.FINDING, why, tuple(sorted(entries)), f"{thing}: {differs}")


def key_of(told: Told, of: Agreement) -> Key | None:
    """What a record is of; None where it names not all."""
    ids = [told.ids(kind) for kind in of.links]
    return tuple(one[0] for one in ids) if all(ids) else None


def beside(told: Sequence[Told], of: Agreement, known: Known) -> Iterator[Told]:
    """The records of both sides that are of the same things as these."""
    kind, sources = of.links[0], {source for source, _ in known.of_sources(D23)}
    elsewhere = Elsewhere(tuple(sorted(sources)), types(of.told, of.other))
    linking = known.linking(kind, {id_ for one in told for id_ in one.ids(kind)}, elsewhere)
    yield from known.told(entry for its in linking.values() for entry in its)


def _sides(asked: Sequence[Told], of: Agreement, known: Known) -> Mapping[Key, Sides]:
    found = defaultdict[Key, Sides](lambda: Sides([], []))
    for one in in_order([*beside(asked, of, known)]):
        key = key_of(one, of)
        if key is not None and fits(one.record, of.other) and known.is_of(one, (of.system,)):
            found[key].other.append(one)
        elif key is not None and fits(one.record, of.told):
            found[key].told.append(one)
    return found


def _changes(told: Sequence[Told], by: Patterns) -> Iterator[Change]:
    """What tells it, of each record."""
    for one in told:
        attributes = {pattern.attribute for pattern in by if fits(one.record, (pattern,))}
        yield from [change for change in one.record.changes if change.attribute in attributes][:1]


def _amounts(sides: Sides, of: Agreement) -> str | Judged | None:
    """How the sums differ, or why that cannot be said; None: they do not."""
    changes = [[*_changes(sides.told, of.told)], [*_changes(sides.other, of.other)]]
    if len({change.unit for side in changes for change in side}) > 1:
        return Judged(-1, Said.LACKING, "unit")
    numbers = [[number_of(change.new) for change in side] for side in changes]
    if any(number is None for side in numbers for number in side):
        return Judged(-1, Said.LACKING, "amount")
    one, other = (sum((number for number in side if number is not None), Decimal(0)) for side in numbers)
    if abs(one - other) <= Decimal(of.tolerance or "0"):
        return None
    return f"one system tells {one} in all, and the other {other}"


def _texts(sides: Sides, of: Agreement) -> str | None:
    """How the last texts differ; None: they do not."""
    one, other = (
        [text_of(change.new) for change in _changes(told, by)]
        for told, by in ((sides.told, of.told), (sides.other, of.other))
    )
    if not other:
        return "one system tells of it, and the other does not"
    last, against = one[-1] if one else None, other[-1]
    if last == against or (last, against) in of.same:
        return None
    return f"one system tells {one_line(str(last))}, and the other {one_line(str(against))}"
