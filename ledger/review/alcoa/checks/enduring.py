"""C11: the record lasts: it verifies, somebody outside vouched for it in time, and it is in several places."""

from ledger.core.parameters import Enduring
from ledger.review.alcoa.attributes import Verdict, worst
from ledger.review.known.facts import Facts

_HOUR_US = 3_600_000_000


def anchored(facts: Facts) -> Verdict:
    """A witness or an authority of time vouched for a checkpoint over it soon after it was logged, the newest
    verification that reached it holds, and enough separate copies were stated lately.
    """
    wanted = facts.value(Enduring)
    if wanted is None:
        return Verdict.NO_LIMIT
    return worst((_anchored(facts, wanted), _verified(facts), _copied(facts, wanted)))


def _anchored(facts: Facts, wanted: Enduring) -> Verdict:
    found = facts.anchoring
    if found is None:
        return Verdict.NO_ANCHOR
    passed = found.waited_us if found.after_us is None else found.after_us
    if passed > wanted.anchor_hours * _HOUR_US:
        return Verdict.NOT_ANCHORED
    return Verdict.NO_ANCHOR if found.after_us is None else Verdict.HOLDS


def _verified(facts: Facts) -> Verdict:
    if facts.verified is None:
        return Verdict.NO_VERIFICATION
    return Verdict.HOLDS if facts.verified else Verdict.NOT_VERIFIED


def _copied(facts: Facts, wanted: Enduring) -> Verdict:
    """No copy that anybody told of is not known to be none."""
    if not wanted.copies:
        return Verdict.HOLDS
    if not facts.copies.ages_us:
        return Verdict.NO_COPIES
    lately = sum(age <= wanted.copy_days * 24 * _HOUR_US for age in facts.copies.ages_us)
    return Verdict.HOLDS if lately >= wanted.copies else Verdict.TOO_FEW_COPIES
