"""C07: the value is one that can be, totals foot, and what else recorded it agrees."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from ledger.core.parameters import Corroboration, CrossFooting, Range
from ledger.core.ranges import inside, number_of
from ledger.core.record import Maybe, Sealed
from ledger.review.alcoa.attributes import Verdict, worst
from ledger.review.known.facts import Facts


def plausible(facts: Facts) -> Verdict:
    """The values of the attribute that has a range lie in it, a total is what its parts come to, and another source
    gives the same where one has to.
    """
    rule, wanted = facts.value(Range), facts.value(Corroboration)
    ranged = [] if rule is None else [_inside(one.new, rule) for one in facts.told_of(rule.attribute)]
    footing, agreeing = facts.value(CrossFooting), [] if wanted is None else list(_agreeing(facts, wanted))
    foots = [] if footing is None else [_foots(facts, footing, one.new) for one in facts.told_of(footing.attribute)]
    return worst([*(ranged or [Verdict.NO_RANGE]), *foots, *agreeing])


def _inside(value: Maybe, rule: Range) -> Verdict:
    if isinstance(value, Sealed):
        return Verdict.SEALED
    return Verdict.HOLDS if inside(value, rule) else Verdict.OUT_OF_RANGE


def _foots(facts: Facts, rule: CrossFooting, total: Maybe) -> Verdict:
    if rule.parts is None:
        addends = [facts.told_of(name) for name in rule.addends]
        if not all(addends):
            return Verdict.NO_PARTS
        return _sum([one[-1].new for one in addends], total, rule)
    footed = facts.footed
    if footed is None or not footed.named:
        return Verdict.NO_PARTS
    if not footed.known:
        return Verdict.ORDER_UNKNOWN
    found = _sum(footed.values if rule.parts.attribute is not None else [footed.count], total, rule)
    # What agrees with nothing at all says something only where nothing can have been missed.
    told = found is Verdict.SEALED or (found is Verdict.HOLDS and footed.count > 0)
    return found if told or footed.covered else Verdict.NOT_COVERED


def _sum(parts: Sequence[Maybe], total: Maybe, rule: CrossFooting) -> Verdict:
    if any(isinstance(one, Sealed) for one in (*parts, total)):
        return Verdict.SEALED
    whole, numbers = number_of(total), [number_of(one) for one in parts if one is not None]
    known = [one for one in numbers if one is not None]
    foots = whole is not None and len(known) == len(numbers) and abs(sum(known) - whole) <= Decimal(rule.tolerance)
    return Verdict.HOLDS if foots else Verdict.NOT_FOOTING


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
