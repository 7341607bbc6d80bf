"""C06: the bytes that the source gave are there and give the record again, or it is marked as a true copy."""

from typing import Final

from ledger.review.alcoa.attributes import Verdict
from ledger.review.known.facts import Facts

_UNTRIED: Final = (Verdict.NO_ORIGINAL, Verdict.NO_PARSER)


def derived(facts: Facts) -> Verdict:
    """What deriving the record anew from its original came to; where that could not be tried, an attested true copy
    stands for it (MHRA, GXP Data Integrity, 2018, 6.11.2). What gives another record is never one.
    """
    return Verdict.HOLDS if facts.copied and facts.original in _UNTRIED else facts.original
