"""C10: a record goes on from what was known before it, in the order of its numbers, as it is specified."""

from collections.abc import Iterator

import msgspec

from ledger.core.parameters import Range, Sequence
from ledger.core.record import Change, Sealed, same
from ledger.review.alcoa.attributes import Verdict, worst
from ledger.review.known.facts import Facts, Previous


def continues(facts: Facts) -> Verdict:
    """Old values are the last known new ones, times follow the numbers, unit and rounding are those of the range."""
    changes = zip(facts.told.record.changes, facts.previous, strict=True)
    found = [_goes_on(change, previous) for change, previous in changes]
    found += _in_order(facts)
    rule = facts.value(Range)
    if rule is not None:
        found += [_specified(one, rule) for one in facts.told_of(rule.attribute)]
    return worst(found, Verdict.NO_PREVIOUS)


def _goes_on(change: Change, previous: Previous) -> Verdict:
    """A change of which more lie between two looks than the pair shows says nothing of the one before."""
    if change.gap or not previous.known:
        return Verdict.ORDER_UNKNOWN
    if not previous.found or change.old is msgspec.UNSET or previous.new is msgspec.UNSET:
        return Verdict.NO_PREVIOUS
    goes_on = same(change.old, previous.new)
    if goes_on is None:
        return Verdict.SEALED
    return Verdict.HOLDS if goes_on else Verdict.BROKEN_CONTINUITY


def _in_order(facts: Facts) -> Iterator[Verdict]:
    """The time at which it was written down, else at which it happened, is not before that of the number before.

    A counter that begins again puts nothing in order.
    """
    rule, own = facts.value(Sequence), facts.series
    if own is None or own.before is None or (rule is not None and rule.wraps is not None):
        return
    record = facts.told.record
    written = None if record.source_recorded_at is None else record.source_recorded_at.instant_us
    for mine, other in ((written, own.before.recorded_us), (record.occurred_at.instant_us, own.before.occurred_us)):
        if mine is not None and other is not None:
            yield Verdict.OUT_OF_SEQUENCE if mine < other else Verdict.HOLDS
            return


def _specified(change: Change, rule: Range) -> Verdict:
    if isinstance(change.new, Sealed):
        return Verdict.SEALED
    if rule.unit is not None and change.unit != rule.unit:
        return Verdict.UNKNOWN_UNIT
    places = len(str(change.new).partition(".")[2])
    return Verdict.HOLDS if rule.decimals in (None, places) else Verdict.DECIMALS
