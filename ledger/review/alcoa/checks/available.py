"""C12: the record can be had."""

from ledger.core.parameters import Available
from ledger.review.alcoa.attributes import Verdict
from ledger.review.alcoa.facts import Facts


def retrieved(facts: Facts) -> Verdict:
    """How long it takes to have it, and that an export of it opens, is shown by a test of which no entry tells yet."""
    return Verdict.NO_LIMIT if facts.value(Available) is None else Verdict.NO_RETRIEVAL_TEST
