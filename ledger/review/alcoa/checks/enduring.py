"""C11: the record lasts: somebody outside vouched for it in time, and it is in several places."""

from ledger.core.parameters import Enduring
from ledger.review.alcoa.attributes import Verdict
from ledger.review.alcoa.facts import Facts

_HOUR_US = 3_600_000_000


def anchored(facts: Facts) -> Verdict:
    """A witness or an authority of time vouched for a checkpoint over it soon after it was logged.

    How many copies there are, and when each was last verified, no entry tells yet: at best that is what is missing.
    """
    wanted, found = facts.value(Enduring), facts.anchoring
    if wanted is None:
        return Verdict.NO_LIMIT
    if found is None:
        return Verdict.NO_ANCHOR
    passed = found.waited_us if found.after_us is None else found.after_us
    if passed > wanted.anchor_hours * _HOUR_US:
        return Verdict.NOT_ANCHORED
    return Verdict.NO_ANCHOR if found.after_us is None else Verdict.NO_COPIES
