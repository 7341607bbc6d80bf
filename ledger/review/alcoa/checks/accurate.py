"""C07: the value is one that can be, and what else recorded it agrees."""

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from ledger.core.parameters import Corroboration, Range, RangeKind
from ledger.core.record import Maybe, Sealed
from ledger.review.alcoa.attributes import Verdict, worst
from ledger.review.alcoa.facts import Facts


def plausible(facts: Facts) -> Verdict:
    """The values of the attribute that has a range lie in it, and another source gives the same where one has to."""
    rule, wanted = facts.value(Range), facts.value(Corroboration)
    inside = [] if rule is None else [_inside(one.new, rule) for one in facts.told_of(rule.attribute)]
    agreeing = [] if wanted is None else list(_agreeing(facts, wanted))
    return worst([*(inside or [Verdict.NO_RANGE]), *agreeing])


def _inside(value: Maybe, rule: Range) -> Verdict:
    if isinstance(value, Sealed):
        return Verdict.SEALED
    if rule.kind is RangeKind.TEXT:
        return Verdict.HOLDS
    number = number_of(value)
    if number is None:
        return Verdict.OUT_OF_RANGE
    whole = rule.kind is not RangeKind.INTEGER or number == number.to_integral_value()
    above = rule.low is None or number >= Decimal(rule.low)
    below = rule.high is None or number <= Decimal(rule.high)
    return Verdict.HOLDS if whole and above and below else Verdict.OUT_OF_RANGE


def _agreeing(facts: Facts, wanted: Corroboration) -> Iterator[Verdict]:
    """For each value of the record whether one that the other source tells of that time is near enough to it."""
    for change in facts.told_of(wanted.attribute):
        others = [one for one in facts.corroborating if not isinstance(one, Sealed)]
        if isinstance(change.new, Sealed) or len(others) < len(facts.corroborating):
            yield Verdict.SEALED
            continue
        if not others:
            yield Verdict.NO_CORROBORATION
            continue
        own, numbers = number_of(change.new), [number_of(one) for one in others]
        apart = [abs(one - own) for one in numbers if one is not None and own is not None]
        near = len(apart) == len(others) and min(apart) <= Decimal(wanted.tolerance)
        yield Verdict.HOLDS if near else Verdict.DIFFERS


def number_of(value: Maybe) -> Decimal | None:
    """A value as a number; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
