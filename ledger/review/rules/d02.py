"""D02: a set point or recipe was changed, and no approved change that was in force covers it.

What a set point is, what approves a change and what ends it, the parameter `d02` says. A change covers it by its asset
(a link, or the asset map) or, where it names no asset, by the change request that the set point's record names; and by
what the change itself says of times, object and values. Only what the asset map calls critical is judged. Guard: a
value that operators may set by themselves. That nobody approved it is said once the other systems' time is known.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Final

from ledger.core.clock import MICROSECONDS
from ledger.core.looks import Span
from ledger.core.ranges import number_of
from ledger.core.record import Action, Change, LinkKind, Outcome
from ledger.core.rule_parameters import D02, Adjustable
from ledger.core.system_class import SystemClass
from ledger.findings.kinds import Severity
from ledger.present.inert import one_line
from ledger.review.known.cases import Case, Course, Elsewhere, Force
from ledger.review.known.facts import Told
from ledger.review.known.patterns import changed, types
from ledger.review.known.scope import Allowed, allows
from ledger.review.rules.known import Known
from ledger.review.rules.rule import About, Judged, Said, by_value, uncritical, unknown

_CONTROL: Final = (SystemClass.DCS, SystemClass.SCADA, SystemClass.PLC)
_APPROVING: Final = (SystemClass.QUALITY_SYSTEM, SystemClass.MAINTENANCE)
_EDITS: Final = frozenset({Action.UPDATE, Action.CONFIGURE})
_WORDS: Final = {
    "not-approved": "no approved change is of it",
    "not-covered": "what is approved of it allows something else",
    "approved-later": "its change was approved only afterwards",
}


class UnapprovedChange:
    """Examines changes of set points and recipes in control systems."""

    about = About(
        id="D02",
        version=1,
        title="Set point or recipe changed without an approved change",
        severity=Severity.CRITICAL,
        needs=(_CONTROL, _APPROVING),
    )

    def examines(self, told: Told, known: Known) -> bool:
        record = told.record
        if not record.changes or record.outcome is not Outcome.SUCCESS or not known.is_of(told, _CONTROL):
            return False
        value = known.value(told, D02)
        return record.action in _EDITS if value is None else bool(changed(record, value.set_points))

    def touches(self, new: Sequence[Told], known: Known) -> Iterable[int]:
        for value in known.every(D02):
            of = types(value.approved, value.ended)
            told = [one for one in new if one.record.object.type in of and known.is_of(one, _APPROVING)]
            yield from known.not_before(told, Elsewhere(known.connected(_CONTROL), types(value.set_points)))

    def judge(self, anchors: Sequence[Told], known: Known) -> Iterator[Judged]:
        return by_value(anchors, known, D02, _judged, uncritical)


def _judged(anchors: Sequence[Told], value: D02, known: Known) -> Iterator[Judged]:
    """Records of one parameter's value."""
    ranges = defaultdict[tuple[str, str], list[Adjustable]](list)
    for one in value.adjustable:
        ranges[one.object_id, one.attribute].append(one)
    changes = _Changes(value, anchors, known)
    for told in anchors:
        if all(
            _adjustable(one, ranges[told.record.object.id, one.attribute])
            for one in changed(told.record, value.set_points)
        ):
            yield Judged(told.index, Said.EXPLAINED, "operator-range")
            continue
        systems = known.systems(_APPROVING, told.moment_us)
        said = _said(told, changes.of(told), value) or unknown(told, systems, known, value.grace_s)
        yield said or _found(told, changes.of(told))


def _adjustable(change: Change, ranges: Iterable[Adjustable]) -> bool:
    number = number_of(change.new)
    return number is not None and any(Decimal(one.low) <= number <= Decimal(one.high) for one in ranges)


class _Change:
    """A change of the quality or maintenance system, of the assets that any of its records concerns."""

    def __init__(self, case: Case, value: D02, known: Known) -> None:
        self.course = Course(case, value.approved, value.ended, known.order)
        self.about = case.about
        self.assets = {asset for one in case.records for asset in known.assets_of(one)}


class _Changes:
    """The changes of the quality and maintenance systems that can be of some records, by asset and by id."""

    def __init__(self, value: D02, anchors: Sequence[Told], known: Known) -> None:
        self._value = value
        self._known = known
        self._back, self._on = value.back_s * MICROSECONDS, value.grace_s * MICROSECONDS
        of = Elsewhere(known.connected(_APPROVING), types(value.approved, value.ended))
        self._by_asset = defaultdict[str, list[_Change]](list)
        for case in known.cases.around(of, anchors, self._back, self._on):
            one = _Change(case, value, known)
            for asset in one.assets:
                self._by_asset[asset].append(one)
        named = known.cases.named(of, {id_ for one in anchors for id_ in one.ids(LinkKind.CHANGE_REQUEST)})
        self._by_id = {id_: [_Change(case, value, known) for case in found] for id_, found in named.items()}

    def of(self, told: Told) -> Iterator[_Change]:
        """Those of a record's assets, by what lies near in time; those that it names and that are of no asset."""
        low, high = told.about.low_us - self._back, told.about.high_us + self._on
        assets = self._known.assets_of(told)
        for asset in assets:
            for one in self._by_asset.get(asset, ()):
                near = self._within(one, low, high)
                if near is not None and not near.assets.isdisjoint(assets):
                    yield near
        for id_ in told.ids(LinkKind.CHANGE_REQUEST):
            yield from (one for one in self._by_id.get(id_, ()) if not one.assets)

    def _within(self, change: _Change, low_us: int, high_us: int) -> _Change | None:
        """The change as what lies near in time tells it, whatever else was read with it."""
        if low_us <= change.about.low_us and change.about.high_us <= high_us:
            return change
        case = change.course.case.within(Span(low_us=low_us, high_us=high_us, measured=False))
        return None if case is None else _Change(case, self._value, self._known)


def _said(told: Told, changes: Iterable[_Change], value: D02) -> Judged | None:
    """What changes say of a record; None: none covers it."""
    unordered = unreadable = False
    set_points = changed(told.record, value.set_points)
    for one in changes:
        force = one.course.at(told)
        if force not in (Force.YES, Force.UNKNOWN):
            continue
        allowed = allows(one.course.case, value.scope, told, told.record.object.id, set_points)
        if force is Force.YES and allowed is Allowed.YES:
            return Judged(told.index, Said.CLEAR)
        unreadable |= allowed is Allowed.UNREADABLE
        unordered |= allowed in (Allowed.YES, Allowed.UNKNOWN)
    if unordered:
        return Judged(told.index, Said.UNORDERED, "change-and-approval")
    return Judged(told.index, Said.LACKING, "scope-of-change") if unreadable else None


def _found(told: Told, changes: Iterable[_Change]) -> Judged:
    forces = {one.course.at(told) for one in changes}
    why = "not-covered" if Force.YES in forces else "approved-later" if Force.LATER in forces else "not-approved"
    thing = one_line(told.record.object.id)
    detail = f"{thing} was changed by entry {told.index}: {_WORDS[why]}"
    return Judged(told.index, Said.FINDING, why, (told.index,), detail)


RULE: Final = UnapprovedChange()
