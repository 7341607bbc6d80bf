"""D03: the program of a controller or panel was changed, or differs from its baseline, without an approved change.

Which records tell that, and what approves it, the parameter `d03` says. A change covers a program by its asset (a link,
or the asset map) or by the change request that the program's record names, and by what it says that it allows: when,
which object, which version. Guard: an emergency change may be approved afterwards, for a time; that is a finding too,
but matters less.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec import structs

from ledger.core.clock import MICROSECONDS
from ledger.core.record import Action, Change, LinkKind, Outcome, same
from ledger.core.rule_parameters import D03
from ledger.core.system_class import SystemClass
from ledger.findings.kinds import Severity
from ledger.present.inert import one_line
from ledger.review.known.cases import Case, Course, Elsewhere, Force
from ledger.review.known.facts import Told
from ledger.review.known.pace import apart
from ledger.review.known.patterns import changed, fits, types
from ledger.review.rules.approvals import APPROVING, CHANGE, Approvals, touched
from ledger.review.rules.known import Known
from ledger.review.rules.rule import About, Judged, Said, by_value, undated, unknown

_CONTROL: Final = (SystemClass.PLC, SystemClass.DCS, SystemClass.SCADA)
_EDITS: Final = frozenset({Action.UPDATE, Action.CONFIGURE, Action.PATCH})
_CHANGE: Final = CHANGE._replace(by_asset=True)
_WORDS: Final = {
    "not-approved": "no approved change is of it",
    "not-covered": "what is approved of it allows something else",
    "approved-later": "its change was approved only afterwards",
    "emergency": "its change was an emergency, approved afterwards",
}


class UnapprovedProgram:
    """Examines changes of programs in control systems, and what versioning tools find to differ."""

    about = About(
        id="D03",
        version=1,
        title="Controller program differs from its approved version",
        severity=Severity.CRITICAL,
        needs=(_CONTROL, APPROVING),
    )

    def examines(self, told: Told, known: Known) -> bool:
        record = told.record
        if record.outcome is not Outcome.SUCCESS or not known.is_of(told, _CONTROL):
            return False
        value = known.value(told, D03)
        if value is None:
            return record.action in _EDITS and bool(record.changes)
        return bool(_changes(told, value)) or fits(record, value.differs)

    def touches(self, new: Sequence[Told], known: Known) -> Iterable[int]:
        for value in known.every(D03):
            of = Elsewhere(known.connected(_CONTROL), types(value.programs, value.differs))
            yield from known.not_before(touched(value, _CHANGE, new, known), of)

    def judge(self, anchors: Sequence[Told], known: Known) -> Iterator[Judged]:
        return by_value(anchors, known, D03, _judged, _unplaced)


def _changes(told: Told, value: D03) -> list[Change]:
    """What a record changes of a program; what is only looked at for the first time changes nothing."""
    if told.record.action is Action.READ:
        return []
    return [one for one in changed(told.record, value.programs) if same(one.old, one.new) is not True]


def _unplaced(told: Told, known: Known) -> Judged | None:
    if not known.assets_of(told) and not told.ids(LinkKind.CHANGE_REQUEST):
        return Judged(told.index, Said.LACKING, "asset-map")
    return undated(told, known)


def _late(value: D03) -> D03:
    """The same where changes are approved afterwards too."""
    return structs.replace(value, grace_s=max(value.grace_s, value.retrospective_s))


def _judged(anchors: Sequence[Told], value: D03, known: Known) -> Iterator[Judged]:
    """Records of one parameter's value."""
    ids = {id_ for one in anchors for id_ in one.ids(LinkKind.CHANGE_REQUEST)}
    approvals = Approvals(value, _CHANGE, anchors, ids, known)
    late = Approvals(_late(value), _CHANGE, anchors, ids, known)
    for told in anchors:
        named, subjects = told.ids(LinkKind.CHANGE_REQUEST), [told.record.object.id, *known.assets_of(told)]
        said = approvals.of(told, named, subjects, _changes(told, value))
        if said is None:
            yield _unapproved(told, [*late.cases(told, named, subjects)], value, known)
        else:
            yield Judged(told.index, Said.CLEAR) if said.said is Said.EXPLAINED else said


def _unapproved(told: Told, cases: Sequence[Case], value: D03, known: Known) -> Judged:
    """What is to be said of a program that no change had been approved of."""
    courses = {Course(case, value.approved, value.ended, known.order).at(told): case for case in cases}
    emergencies = [case for case in cases if any(fits(one.record, value.emergency) for one in case.records)]
    in_time = [one for case in emergencies for one in _approvals(case, told, value, known)]
    if in_time:
        return _found(told, "emergency", min(in_time, key=lambda one: (one.moment_us, one.record.source_record_id)))
    if emergencies:
        systems = known.systems(APPROVING, told.moment_us)
        waits = unknown(told, systems, known, max(value.grace_s, value.retrospective_s))
        if waits is not None:
            return waits
    if Force.YES in courses:
        return _found(told, "not-covered")
    return _found(told, "approved-later" if Force.LATER in courses else "not-approved")


def _approvals(case: Case, told: Told, value: D03, known: Known) -> Iterator[Told]:
    """What approved a change afterwards, and still in time."""
    longest = value.retrospective_s * MICROSECONDS
    for one in case.records:
        if fits(one.record, value.approved) and apart(told, one)[0] > 0 and apart(told, one)[1] <= longest:
            yield one


def _found(told: Told, why: str, approval: Told | None = None) -> Judged:
    at, thing = told.index, one_line(told.record.object.id)
    entries = (at,) if approval is None else tuple(sorted((at, approval.index)))
    detail = f"{thing} was changed, or found to differ, by entry {at}: {_WORDS[why]}"
    if approval is not None:
        detail += f", by entry {approval.index}"
    return Judged(at, Said.FINDING, why, entries, detail, Severity.HIGH if why == "emergency" else None)


RULE: Final = UnapprovedProgram()
