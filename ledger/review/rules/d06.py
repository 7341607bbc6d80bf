"""D06: something was done by somebody who was not there, or may not do it any more.

By which records somebody had left the site, was absent, or was trained, the parameter `d06` says; that their time was
over, the identity map, by the end of its last line for the account. Guard: approved work from afar, for who was absent
or off the site. Leaving a session is no act: sessions end by themselves.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from ledger.core.clock import MICROSECONDS
from ledger.core.record import Action, ActorKind, LinkKind, Outcome
from ledger.core.rule_parameters import D06
from ledger.core.rule_parameters.patterns import Pattern
from ledger.core.system_class import SystemClass
from ledger.findings.kinds import Severity
from ledger.present.inert import one_line
from ledger.review.known.cases import Course, Elsewhere, Force, cases
from ledger.review.known.facts import Told
from ledger.review.known.pace import by_days
from ledger.review.known.patterns import fits, types
from ledger.review.rules.approvals import APPROVING
from ledger.review.rules.known import Known
from ledger.review.rules.rule import About, Judged, Said, by_value, undated, unknown
from ledger.review.rules.whereabouts import DOORS, STAFF, Absences, Asked, Passages, Trainings, persons_of

_PERMITTING: Final = (*APPROVING, SystemClass.REMOTE_ACCESS)
_WITNESSES: Final = (*DOORS, *STAFF, SystemClass.REMOTE_ACCESS)
"""What they tell of people is no act of these."""
_AFAR: Final = frozenset({"absent", "off-site"})
_FIRST: Final = (Said.PENDING, Said.UNORDERED, Said.LACKING)


class ActedAbsent:
    """Examines what people did."""

    about = About(
        id="D06",
        version=1,
        title="Action by someone absent",
        severity=Severity.HIGH,
        needs=(STAFF, DOORS),
    )

    def examines(self, told: Told, known: Known) -> bool:
        record = told.record
        if record.actor.kind is not ActorKind.PERSON or record.actor.account is None:
            return False
        acted = record.action is not Action.LOGOUT and record.outcome is Outcome.SUCCESS
        return acted and not known.is_of(told, _WITNESSES)

    def touches(self, new: Sequence[Told], known: Known) -> Iterable[int]:
        for value in known.every(D06):
            # A permit that comes late can only explain; what ends one takes that away.
            lasting = (*value.absent, *value.present, *value.permits_ended)
            yield from _touched(new, (*value.left, *value.entered), value.passage_s, known)
            yield from _touched(new, lasting, value.back_s, known)
            yield from _touched(new, (*value.trained, *value.withdrawn), None, known)

    def judge(self, anchors: Sequence[Told], known: Known) -> Iterator[Judged]:
        return by_value(anchors, known, D06, _judged, _nobody)


def _touched(new: Sequence[Told], patterns: Sequence[Pattern], lasting_s: int | None, known: Known) -> Iterator[int]:
    """What the persons of new records did while these can matter; None: ever after."""
    for told in by_days(one for one in new if fits(one.record, patterns)):
        low, last = min(one.about.low_us for one in told), max(one.about.high_us for one in told)
        high = known.assets.bounds[1] if lasting_s is None else last + lasting_s * MICROSECONDS
        persons = {person for one in told for person in persons_of(one, known)}
        yield from known.acts_of(persons, low, high)


def _nobody(told: Told, known: Known) -> Judged | None:
    """Nothing can be said of an account that is not one person's, unless it was."""
    if not known.mapped(told.record.source):
        return Judged(told.index, Said.LACKING, "identity-map")
    if known.who(told) is None and not known.ended(told):
        return Judged(told.index, Said.LACKING, "one-person")
    return undated(told, known)


def _judged(anchors: Sequence[Told], value: D06, known: Known) -> Iterator[Judged]:
    """Records of one parameter's value."""
    asked = [(told, who[1]) for told in anchors if (who := known.who(told)) is not None]
    passages, absences, trainings = (
        Passages(value, known),
        Absences(asked, value, known),
        Trainings(asked, value, known),
    )
    said: dict[int, list[Judged]] = {}
    for told, person in asked:
        found = (absences.of(told, person), passages.of(told, person), trainings.of(told, person))
        said[told.index] = [one for one in found if one is not None]
    afar = [(told, person) for told, person in asked if any(one.why in _AFAR for one in said[told.index])]
    permits = _permits(afar, value, known)
    persons = {told.index: person for told, person in asked}
    for told in anchors:
        if told.index not in said:
            yield _found(told, [Judged(told.index, Said.FINDING, "account-ended", (told.index,), "had left for good")])
        else:
            yield _all(told, said[told.index], permits.get(persons[told.index], ()), value, known)


def _all(told: Told, said: Sequence[Judged], permits: Sequence[Course], value: D06, known: Known) -> Judged:
    """What all together say of a record."""
    findings = [one for one in said if one.said is Said.FINDING]
    afar = [one for one in findings if one.why in _AFAR]
    guard = _guard(told, permits, value, known) if afar else None
    if guard is not None:
        findings = [one for one in findings if one not in afar]
    if findings:
        return _found(told, findings)
    open_ = [one for one in said if one.said is not Said.FINDING]
    if guard is not None and guard.said is not Said.EXPLAINED:
        open_.append(guard)
    return min(open_, key=lambda one: _FIRST.index(one.said), default=guard or Judged(told.index, Said.CLEAR))


def _permits(asked: Asked, value: D06, known: Known) -> Mapping[str, list[Course]]:
    """The permits to work from afar, by person."""
    of = Elsewhere(known.connected(_PERMITTING), types(value.permits, value.permits_ended))
    linking = known.linking(LinkKind.PERSON, {person for _, person in asked}, of) if value.permits else {}
    return {
        person: [Course(case, value.permits, value.permits_ended, known.order) for case in cases(known.told(entries))]
        for person, entries in linking.items()
    }


def _guard(told: Told, permits: Sequence[Course], value: D06, known: Known) -> Judged | None:
    """Whether somebody worked from afar and was permitted to; None: they did not, or were not."""
    if told.record.actor.channel not in value.remote:
        return None
    forces = {one.at(told) for one in permits}
    if not value.permits or Force.YES in forces:
        return Judged(told.index, Said.EXPLAINED, "remote-access")
    if Force.UNKNOWN in forces:
        return Judged(told.index, Said.UNORDERED, "permit")
    return unknown(told, known.systems(_PERMITTING, told.moment_us), known, value.grace_s)


def _found(told: Told, findings: Sequence[Judged]) -> Judged:
    at, record = told.index, told.record
    entries = tuple(sorted({entry for one in findings for entry in one.entries}))
    words = "; ".join(one.detail for one in findings)
    detail = f"{one_line(record.object.id)}: by entry {at} acted {one_line(str(record.actor.account))}, who {words}"
    return Judged(at, Said.FINDING, findings[0].why, entries, detail)


RULE: Final = ActedAbsent()
