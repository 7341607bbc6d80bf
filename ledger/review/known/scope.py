"""What a change itself says that it allows (`core.rule_parameters.Scope`): when, of which object, and which values."""

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum

from ledger.core.instants import PRECISION_US
from ledger.core.looks import Span
from ledger.core.ranges import number_of
from ledger.core.record import Change
from ledger.core.rule_parameters import Scope
from ledger.core.times import Precision, parse_source_time
from ledger.review.known.cases import Case
from ledger.review.known.facts import Told
from ledger.review.known.patterns import text_of


class Allowed(StrEnum):
    """Whether a change allows what was done."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"
    """Clocks leave it open."""
    UNREADABLE = "unreadable"
    """What it says of it is no instant, or no number."""


def names(case: Case, scope: Scope, told: Told) -> str | None:
    """The object that a change says it is of, by what it said before a record; None: it says nothing of that."""
    return _said(case, told.about).get(scope.object_id)


def allows(case: Case, scope: Scope, told: Told, object_id: str, changes: Sequence[Change] = ()) -> Allowed:
    """Whether a change allows a record and its changes of an object, by the last that it says of each bound before the
    record.
    """
    said = _said(case, told.about)
    if said.get(scope.object_id, object_id) != object_id:
        return Allowed.NO
    within = [_when(said, scope, told.about), *(_value(said, scope, one) for one in changes)]
    version = said.get(scope.version)
    if changes and version is not None and all(text_of(one.new) != version for one in changes):
        return Allowed.NO
    return next((one for one in (Allowed.NO, Allowed.UNREADABLE, Allowed.UNKNOWN) if one in within), Allowed.YES)


def lasts(told: Told, scope: Scope, about: Span) -> Allowed:
    """Whether what a record tells lasts at a time: from when it says, or else from when it happened, until it says.

    What happened on a day, without an end, lasts for that day.
    """
    said: dict[str | None, str] = {}
    said.update((one.attribute, text) for one in told.record.changes if (text := text_of(one.new)) is not None)
    verdict = _when(said, scope, about)
    if scope.valid_from in said or verdict is Allowed.NO:
        return verdict
    own, days = told.about, PRECISION_US[told.record.occurred_at.precision] >= PRECISION_US[Precision.DAY]
    if about.high_us < own.low_us or (days and scope.valid_to not in said and about.low_us > own.high_us):
        return Allowed.NO
    return verdict if about.low_us > own.high_us or (days and about.low_us >= own.low_us) else Allowed.UNKNOWN


def _said(case: Case, about: Span) -> dict[str | None, str]:
    found: dict[str | None, str] = {}
    for told in case.records:
        if told.about.low_us <= about.high_us:
            for change in told.record.changes:
                text = text_of(change.new)
                if text is None:
                    found.pop(change.attribute, None)
                else:
                    found[change.attribute] = text
    return found


def _when(said: dict[str | None, str], scope: Scope, about: Span) -> Allowed:
    verdict = Allowed.YES
    for name, is_end in ((scope.valid_from, False), (scope.valid_to, True)):
        text = said.get(name)
        if text is None:
            continue
        time = parse_source_time(text, scope.zone)
        if time.instant_us is None:
            return Allowed.UNREADABLE
        # Until a day is until that day is over.
        edge = time.instant_us + (PRECISION_US[time.precision] if is_end else 0)
        outside, inside = (
            (about.low_us >= edge, about.high_us < edge) if is_end else (about.high_us < edge, about.low_us >= edge)
        )
        if outside:
            return Allowed.NO
        if not inside:
            verdict = Allowed.UNKNOWN
    return verdict


def _value(said: dict[str | None, str], scope: Scope, change: Change) -> Allowed:
    for name, sign in ((scope.low, 1), (scope.high, -1)):
        text = said.get(name)
        if text is None:
            continue
        bound, value = number_of(text), number_of(text_of(change.new))
        if bound is None:
            return Allowed.UNREADABLE
        if value is None or (value - bound) * Decimal(sign) < 0:
            return Allowed.NO
    return Allowed.YES
