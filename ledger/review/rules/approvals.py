"""What was approved elsewhere and can cover records: changes, planned downtimes, permits to work, support tickets."""

from collections.abc import Collection, Iterable, Sequence
from typing import Final, NamedTuple, Protocol

from ledger.core.clock import MICROSECONDS
from ledger.core.looks import Span
from ledger.core.record import Change
from ledger.core.rule_parameters.patterns import Patterns, Scope
from ledger.core.system_class import SystemClass
from ledger.review.known.cases import Case, Course, Elsewhere, Force
from ledger.review.known.facts import Told
from ledger.review.known.patterns import text_of, types
from ledger.review.known.scope import Allowed, allows, names
from ledger.review.known.systems import Classes
from ledger.review.rules.known import Known
from ledger.review.rules.rule import Judged, Said, unknown

APPROVING: Final = (SystemClass.QUALITY_SYSTEM, SystemClass.MAINTENANCE)


class Approving(Protocol):
    """What approves, and what ends that; what an approval says that it allows; for how long it counts before a record,
    and how long after it the other system has to tell.
    """

    @property
    def approved(self) -> Patterns: ...
    @property
    def ended(self) -> Patterns: ...
    @property
    def scope(self) -> Scope: ...
    @property
    def back_s(self) -> int: ...
    @property
    def grace_s(self) -> int: ...


class Sort(NamedTuple):
    """What is approved: in which systems, and how it is called where it covers a record, or may.

    `by_asset`: it is of the assets that its records concern too; `named`: what a record names counts alone.
    """

    classes: Classes
    why: str
    unsure: str
    by_asset: bool = False
    named: bool = False


CHANGE: Final = Sort(APPROVING, "approved-change", "change-and-approval")


class Approvals:
    """Those that can cover some records: what is named, and what lies near in time and is of the same subject."""

    def __init__(self, by: Approving, sort: Sort, asked: Sequence[Told], ids: Iterable[str], known: Known) -> None:
        """`ids`: the ids by which approvals are named for these records."""
        self._by = by
        self._sort = sort
        self._known = known
        self._back, self._on = by.back_s * MICROSECONDS, by.grace_s * MICROSECONDS
        of = Elsewhere(known.connected(sort.classes), types(by.approved, by.ended))
        self._named = known.cases.named(of, set(ids)) if by.approved else {}
        self._by_subject = bool(by.approved) and (sort.by_asset or by.scope.object_id is not None)
        near = known.cases.around(of, asked, self._back, self._on) if self._by_subject else []
        self._near = [(case, self._subjects(case)) for case in near]

    def of(
        self, told: Told, ids: Collection[str], subjects: Collection[str], changes: Sequence[Change] = ()
    ) -> Judged | None:
        """That something approved covers a record (explained), or may; None: nothing does, and that is known.

        `ids`: by which it is named; `subjects`: what it has to be of, where it says so, or where nobody names it (none:
        what is named may be of anything); `changes`: what it has to allow.
        """
        states = {self._state(case, told, subjects, changes) for case in self.cases(told, ids, subjects)}
        if (Force.YES, Allowed.YES) in states:
            return Judged(told.index, Said.EXPLAINED, self._sort.why)
        maybe = {one for one in states if one[0] in (Force.YES, Force.UNKNOWN) and one[1] is not Allowed.NO}
        if any(allowed is not Allowed.UNREADABLE for _, allowed in maybe):
            return Judged(told.index, Said.UNORDERED, self._sort.unsure)
        if maybe:
            return Judged(told.index, Said.LACKING, "scope-of-change")
        asked = bool(self._by.approved) and (self._by_subject or bool(ids))
        systems = self._known.systems(self._sort.classes, told.moment_us) if asked else ()
        return unknown(told, systems, self._known, self._by.grace_s)

    def cases(self, told: Told, ids: Collection[str], subjects: Collection[str]) -> Iterable[Case]:
        """Those that are of a record, whether they cover it or not."""
        yield from (case for id_ in ids for case in self._named.get(id_, ()))
        if ids and self._sort.named:
            return
        low, high = told.about.low_us - self._back, told.about.high_us + self._on
        near = Span(low_us=low, high_us=high, measured=False)
        yield from (
            one
            for case, ever in self._near
            if not ever.isdisjoint(subjects)
            if (one := case.within(near)) and self._is_of(one, told, frozenset(subjects))
        )

    def _subjects(self, case: Case) -> frozenset[str]:
        """All that an approval is of at any time."""
        changes = (change for one in case.records for change in one.record.changes)
        said = {text_of(one.new) for one in changes if one.attribute == self._by.scope.object_id}
        assets = {asset for one in case.records for asset in self._known.assets_of(one)} if self._sort.by_asset else ()
        return frozenset(one for one in (*said, *assets) if one is not None)

    def _is_of(self, case: Case, told: Told, subjects: Collection[str]) -> bool:
        return names(case, self._by.scope, told) in subjects or not self._assets(case).isdisjoint(subjects)

    def _assets(self, case: Case) -> set[str]:
        """The assets that an approval is of by its records, where that counts."""
        of = case.records if self._sort.by_asset else ()
        return {asset for one in of for asset in self._known.assets_of(one)}

    def _state(
        self, case: Case, told: Told, subjects: Collection[str], changes: Sequence[Change]
    ) -> tuple[Force, Allowed]:
        by, said = self._by, names(case, self._by.scope, told)
        force = Course(case, by.approved, by.ended, self._known.order).at(told)
        assets = self._assets(case) if said is None else {said}
        if assets and subjects and assets.isdisjoint(subjects):
            return force, Allowed.NO
        return force, allows(case, by.scope, told, said or "", changes)


def touched(by: Approving, sort: Sort, new: Iterable[Told], known: Known) -> list[Told]:
    """Those of new records that approve, or end what was approved."""
    of = types(by.approved, by.ended)
    return [one for one in new if one.record.object.type in of and known.is_of(one, sort.classes)]
