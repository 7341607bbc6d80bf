"""D20: an alarm was handled wrongly: acknowledged without a word in time, or by somebody not on duty; shelved for too
long; or its limit was widened and set back around an excursion.

What all of these are, the parameter `d20` says; the asset map, what is critical. Guard: a test of the equipment was
under way that names an approved change. Of one that is acknowledged, what is lacking counts before who it was.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from typing import Final

from ledger.core.clock import MICROSECONDS
from ledger.core.record import Action, LinkKind
from ledger.core.rule_parameters import D20
from ledger.core.system_class import SystemClass
from ledger.findings.kinds import Severity
from ledger.present.inert import one_line
from ledger.review.known.cases import Case, Elsewhere, Force
from ledger.review.known.facts import Told
from ledger.review.known.pace import apart
from ledger.review.known.patterns import fits, types
from ledger.review.rules.approvals import CHANGE, Approvals, touched
from ledger.review.rules.known import Known
from ledger.review.rules.lasting import Lasting, Phases, ends_within, lasted
from ledger.review.rules.raised import QUALITY, Raised
from ledger.review.rules.rule import About, Judged, Said, by_value, uncritical, unknown
from ledger.review.rules.turns import Turns
from ledger.review.rules.widened import Widenings, moves, widens

_CONTROL: Final = (SystemClass.SCADA, SystemClass.DCS, SystemClass.PLC)
_ALARMS: Final = frozenset({Action.ACKNOWLEDGE, Action.SUPPRESS})
_SHELVED: Final = Lasting("shelved", "taken back", "shelved-too-long", "shelved-too-long")


class Sort(Enum):
    """What was done about an alarm."""

    ACKNOWLEDGED = "acknowledged"
    SHELVED = "shelved"
    WIDENED = "widened"


class AlarmHandled:
    """Examines what is done about alarms, and what widens their limits."""

    about = About(
        id="D20",
        version=1,
        title="Alarm handled wrongly",
        severity=Severity.HIGH,
        needs=(_CONTROL, QUALITY),
    )

    def examines(self, told: Told, known: Known) -> bool:
        if not known.is_of(told, _CONTROL):
            return False
        value = known.value(told, D20)
        return told.record.action in _ALARMS if value is None else _sort(told, value) is not None

    def touches(self, new: Sequence[Told], known: Known) -> Iterable[int]:
        for value in known.every(D20):
            limits = Elsewhere(known.connected(_CONTROL), frozenset(one.object_type for one in value.limits))
            told = [one for one in new if moves(one, value) or fits(one.record, (*value.excursion, *value.values))]
            yield from (one.index for one in Widenings.around(told, value, limits, known))
            # That somebody went, that a test ended, or its approval, takes away what spoke for it; all else explains.
            ended = [one for one in new if fits(one.record, (*value.off_duty, *value.test_ended))]
            ended += touched(value, CHANGE, new, known)
            of = types(value.acknowledged, value.shelved) | limits.types
            yield from known.not_before(ended, limits._replace(types=of))

    def judge(self, anchors: Sequence[Told], known: Known) -> Iterator[Judged]:
        return by_value(anchors, known, D20, _judged, uncritical)


def _sort(told: Told, value: D20) -> Sort | None:
    if fits(told.record, value.acknowledged):
        return Sort.ACKNOWLEDGED
    if fits(told.record, value.shelved):
        return Sort.SHELVED
    return Sort.WIDENED if widens(told, value) else None


def _judged(anchors: Sequence[Told], value: D20, known: Known) -> Iterator[Judged]:
    """What was done about alarms, of one parameter's value."""
    by_sort = defaultdict[Sort | None, list[Told]](list)
    for told in anchors:
        by_sort[_sort(told, value)].append(told)
    shelved = by_sort[Sort.SHELVED]
    its_ends = ends_within(shelved, value.unshelved, value.shelved_s, known)
    said = [
        *_acknowledged(by_sort[Sort.ACKNOWLEDGED], value, known),
        *(lasted(one, its_ends[one.index], value.shelved_s, _SHELVED, known) for one in shelved),
        *Widenings(by_sort[Sort.WIDENED], value, known).said(),
    ]
    told_of = {told.index: told for told in anchors}
    found = [told_of[one.anchor] for one in said if one.said is Said.FINDING]
    tests = _Tests(found, value, known) if found else None
    for one in said:
        guarded = tests.of(told_of[one.anchor]) if tests is not None and one.said is Said.FINDING else None
        yield guarded or one


def _acknowledged(anchors: Sequence[Told], value: D20, known: Known) -> Iterator[Judged]:
    """Whether those who acknowledged alarms said a word in time, and were on duty."""
    comments = ends_within(anchors, value.commented, value.comment_s, known)
    raised = Raised(value.deviation, anchors, value.back_s, value.comment_s, known)
    turns = Turns(anchors, value, known)
    for told in anchors:
        silent = _silent(told, comments[told.index], raised, value, known)
        yield silent or turns.of(told) or Judged(told.index, Said.CLEAR)


def _silent(told: Told, comments: Iterable[Told], raised: Raised, value: D20, known: Known) -> Judged | None:
    """That nothing was said of an alarm, or that this cannot be said; None: something was."""
    within, times = value.comment_s * MICROSECONDS, [apart(told, one) for one in comments]
    if told.record.reason or any(least >= 0 and most <= within for least, most in times):
        return None
    if any(most >= 0 and least <= within for least, most in times):
        return Judged(told.index, Said.UNORDERED, "alarm-and-comment")
    deviation = raised.of(told)
    if deviation is not None:
        return None if deviation.said is Said.EXPLAINED else deviation
    own = [told.record.source] if value.commented else []
    detail = (
        f"{one_line(told.record.object.id)}: entry {told.index} acknowledges it,"
        f" and nothing was said of it within {value.comment_s} s"
    )
    return unknown(told, own, known, value.comment_s) or Judged(
        told.index, Said.FINDING, "no-comment", (told.index,), detail
    )


class _Tests:
    """Tests of equipment that were under way when something was done about its alarms, and what approved them."""

    def __init__(self, asked: Sequence[Told], value: D20, known: Known) -> None:
        self._known = known
        self._value = value
        self._phases = Phases(_CONTROL, value.test, value.test_ended, asked, value.back_s, known)
        ids = (id_ for told in asked for case, _ in self._phases.at(told) for id_ in self._named(case))
        self._approvals = Approvals(value, CHANGE, asked, ids, known)

    def of(self, told: Told) -> Judged | None:
        """That an approved test explains what was done, or may; None: none does."""
        maybe: Judged | None = None
        for case, force in self._phases.at(told):
            if force not in (Force.YES, Force.UNKNOWN):
                continue
            approved = self._approvals.of(told, self._named(case), self._known.assets_of(told))
            if approved is not None and force is Force.UNKNOWN:
                approved = Judged(told.index, Said.UNORDERED, "test")
            if approved is not None and approved.said is Said.EXPLAINED:
                return approved._replace(why="approved-test")
            maybe = maybe or approved
        return maybe

    def _named(self, case: Case) -> list[str]:
        begun = (one for one in case.records if fits(one.record, self._value.test))
        return [id_ for one in begun for id_ in one.ids(LinkKind.CHANGE_REQUEST)]


RULE: Final = AlarmHandled()
