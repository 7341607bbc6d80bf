"""What speaks against somebody having done something: passages at doors, absences, trainings that are over."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from ledger.core.clock import MICROSECONDS
from ledger.core.record import LinkKind
from ledger.core.rule_parameters import D06
from ledger.core.system_class import SystemClass
from ledger.present.inert import one_line
from ledger.review.known.cases import Case, Course, Elsewhere, Force
from ledger.review.known.days import DAY_US
from ledger.review.known.facts import Told
from ledger.review.known.pace import Row, by_days
from ledger.review.known.patterns import fits, types
from ledger.review.known.scope import Allowed, lasts
from ledger.review.rules.known import Known
from ledger.review.rules.lasting import thing_of
from ledger.review.rules.rule import Judged, Said, unknown

DOORS: Final = (SystemClass.BADGE,)
STAFF: Final = (SystemClass.TRAINING,)
_PERSON: Final = ""
"""How `Known.who` tells a person from an account."""
_MOST: Final = 60
"""Days of passages that are kept at hand."""

Asked = Sequence[tuple[Told, str]]
"""Records, each with the person whose account it was."""


def persons_of(told: Told, known: Known) -> Sequence[str]:
    """Of whom a record is: whom it names, or else whose account it was."""
    named = told.ids(LinkKind.PERSON)
    who = None if named else known.who(told)
    return [who[1]] if who is not None and who[0] == _PERSON else named


class Passages:
    """Who went in and out. Days are read once: what is asked for often lies in few of them."""

    def __init__(self, value: D06, known: Known) -> None:
        self._value = value
        self._known = known
        self._both = (*value.entered, *value.left)
        self._of = Elsewhere(known.connected(DOORS), types(self._both))
        self._days: dict[int, Mapping[str, list[Told]]] = {}
        self._rows: dict[tuple[str, int, int, int], Row] = {}

    def of(self, told: Told, person: str) -> Judged | None:
        """That a person had left, or that this cannot be said; None: they were there, or nobody asks."""
        value, order, at = self._value, self._known.order, told.index
        if not value.left:
            return None
        its = self._around(told, person)
        force = Course(Case(thing_of(told), tuple(its)), value.left, value.entered, order).at(told)
        if force is Force.UNKNOWN:
            return Judged(at, Said.UNORDERED, "passage")
        before = [one for one in its if order.first(one, told) is one]
        systems = self._known.systems(DOORS, told.moment_us)
        if not before:
            waits = unknown(told, systems, self._known, value.grace_s)
            return waits or Judged(at, Said.LACKING, "passage")
        if force is not Force.YES:
            return None
        last = _last(one for one in before if fits(one.record, value.left))
        back_s = max(0, -(-(told.about.low_us - last.about.high_us) // MICROSECONDS))
        waits = unknown(told, systems, self._known, value.grace_s, back_s)
        return waits or _found(told, last, "off-site", "had left the site")

    def _around(self, told: Told, person: str) -> list[Told]:
        """The last passages of a person before a record, and those that may be."""
        low, high = told.about.low_us - self._value.passage_s * MICROSECONDS, told.about.high_us
        reach = max((self._known.reach.over(source, low, high) for source in self._of.sources), default=0)
        days = (low - reach) // DAY_US, (high + reach) // DAY_US
        key = person, reach, *days
        if key not in self._rows:
            every = [one for day in range(days[0], days[1] + 1) for one in self._day(day).get(person, ())]
            self._rows[key] = Row(every, reach)
        row = self._rows[key]
        first, behind = row.near(told)
        return [one for one in row.records[row.last(first) : behind] if one.about.high_us >= low]

    def _day(self, day: int) -> Mapping[str, list[Told]]:
        if day not in self._days:
            if len(self._days) >= _MOST:
                self._days.clear()
                self._rows.clear()
            found = defaultdict[str, list[Told]](list)
            for one in self._known.cases.told(self._of, day * DAY_US, (day + 1) * DAY_US - 1):
                if one.moment_us // DAY_US == day and fits(one.record, self._both):
                    for person in persons_of(one, self._known):
                        found[person].append(one)
            self._days[day] = found
        return self._days[day]


class Absences:
    """Who was absent, around some records."""

    def __init__(self, asked: Asked, value: D06, known: Known) -> None:
        self._value = value
        self._known = known
        of = Elsewhere(known.connected(STAFF), types(value.absent, value.present))
        persons = {told.index: person for told, person in asked}
        entries = defaultdict[str, set[int]](set)
        for its in by_days(told for told, _ in asked) if value.absent else ():
            low = min(one.about.low_us for one in its) - value.back_s * MICROSECONDS
            between = low, max(one.about.high_us for one in its)
            linking = known.linking(LinkKind.PERSON, {persons[one.index] for one in its}, of, between)
            for person, found in linking.items():
                entries[person].update(found)
        self._of = {person: known.told(found) for person, found in entries.items()}

    def of(self, told: Told, person: str) -> Judged | None:
        """That a person was absent, or may have been; None: they were not, as far as is known, or nobody asks."""
        low = told.about.low_us - self._value.back_s * MICROSECONDS
        its = [one for one in self._of.get(person, ()) if one.about.high_us >= low]
        back = [one for one in its if fits(one.record, self._value.present)]
        states: dict[Allowed, Told] = {}
        for one in its:
            if fits(one.record, self._value.absent):
                states[self._state(one, told, back)] = one
        if Allowed.YES in states:
            return _found(told, states[Allowed.YES], "absent", "was absent")
        if Allowed.UNKNOWN in states:
            return Judged(told.index, Said.UNORDERED, "absence")
        return Judged(told.index, Said.LACKING, "absence") if Allowed.UNREADABLE in states else None

    def _state(self, absence: Told, told: Told, back: Iterable[Told]) -> Allowed:
        """Whether an absence lasted when something happened, and nobody had told of the person since."""
        state = lasts(absence, self._value.absence, told.about)
        for one in back:
            if absence.moment_us < one.moment_us and one.about.low_us <= told.about.high_us:
                if one.about.high_us < told.about.low_us:
                    return Allowed.NO
                state = Allowed.UNKNOWN if state is Allowed.YES else state
        return state


class Trainings:
    """Who was trained for what some records need."""

    def __init__(self, asked: Asked, value: D06, known: Known) -> None:
        self._value = value
        self._known = known
        needing = [(told, person) for told, person in asked if self._documents(told)]
        of = Elsewhere(known.connected(STAFF), types(value.trained, value.withdrawn))
        self._of_person = known.linking(LinkKind.PERSON, {person for _, person in needing}, of)
        documents = {document for told, _ in needing for document in self._documents(told)}
        linking = known.linking(LinkKind.DOCUMENT, documents, of)
        self._of_document = {document: frozenset(entries) for document, entries in linking.items()}

    def of(self, told: Told, person: str) -> Judged | None:
        """That a person was not trained any more, or that this cannot be said; None: they were, or nobody asks."""
        said = [self._trained(told, person, one) for one in self._documents(told)]
        order = Said.FINDING, Said.PENDING, Said.UNORDERED, Said.LACKING
        return min((one for one in said if one is not None), key=lambda one: order.index(one.said), default=None)

    def _documents(self, told: Told) -> list[str]:
        return [one.document for one in self._value.required if fits(told.record, one.acts)]

    def _trained(self, told: Told, person: str, document: str) -> Judged | None:
        at, value = told.index, self._value
        of = self._of_document.get(document, frozenset())
        its = self._known.told(entry for entry in self._of_person.get(person, ()) if entry in of)
        trained = [one for one in its if fits(one.record, value.trained)]
        taken = [one for one in its if fits(one.record, value.withdrawn)]
        states = {self._state(one, told, taken) for one in trained}
        if Allowed.YES in states:
            return None
        if Allowed.UNKNOWN in states:
            return Judged(at, Said.UNORDERED, "training")
        before, withdrawn = (
            [one for one in some if self._known.order.first(one, told) is one] for some in (trained, taken)
        )
        waits = unknown(told, self._known.systems(STAFF, told.moment_us), self._known, value.grace_s)
        if Allowed.UNREADABLE in states or not before:
            return waits or Judged(at, Said.LACKING, "training")
        words = f"was not trained in {one_line(document)} any more"
        return waits or _found(told, _last((*before, *withdrawn)), "training-expired", words)

    def _state(self, training: Told, told: Told, taken: Iterable[Told]) -> Allowed:
        state = lasts(training, self._value.qualification, told.about)
        between = {self._known.order.between(one, training, told) for one in taken}
        if True in between:
            return Allowed.NO
        return Allowed.UNKNOWN if None in between and state is Allowed.YES else state


def _last(records: Iterable[Told]) -> Told:
    return max(records, key=lambda one: (one.moment_us, one.record.source, one.record.source_record_id))


def _found(told: Told, by: Told, why: str, words: str) -> Judged:
    entries = tuple(sorted((told.index, by.index)))
    return Judged(told.index, Said.FINDING, why, entries, f"{words}, by entry {by.index}")
