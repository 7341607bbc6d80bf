"""C12: the record can be had."""

from ledger.core.parameters import Available
from ledger.review.alcoa.attributes import Verdict, worst
from ledger.review.known.facts import Facts


def retrieved(facts: Facts) -> Verdict:
    """Records of its source that were fetched in the last test came in time, and were read and proven by themselves."""
    limit = facts.value(Available)
    if limit is None:
        return Verdict.NO_LIMIT
    opened = (Verdict.HOLDS if one.opened else Verdict.NOT_OPENED for one in facts.retrieved)
    in_time = (Verdict.HOLDS if one.milliseconds <= limit.seconds * 1000 else Verdict.SLOW for one in facts.retrieved)
    return worst([*opened, *in_time], Verdict.NO_RETRIEVAL_TEST)
