"""The thirteen checks, one file an attribute: pure functions of a record's facts."""

from collections.abc import Callable, Mapping
from typing import Final

from ledger.review.alcoa.attributes import Check, Verdict
from ledger.review.alcoa.checks import (
    accurate,
    attributable,
    available,
    complete,
    consistent,
    contemporaneous,
    enduring,
    legible,
    original,
    traceable,
)
from ledger.review.known.facts import Facts

CHECKS: Final[Mapping[Check, Callable[[Facts], Verdict]]] = {
    Check.C01: attributable.resolves,
    Check.C02: attributable.in_one_place,
    Check.C03: legible.resolves,
    Check.C04: contemporaneous.in_time,
    Check.C05: contemporaneous.clock_known,
    Check.C06: original.derived,
    Check.C07: accurate.plausible,
    Check.C08: complete.series,
    Check.C09: complete.fields,
    Check.C10: consistent.continues,
    Check.C11: enduring.anchored,
    Check.C12: available.retrieved,
    Check.C13: traceable.reaches,
}


def judged(facts: Facts) -> tuple[Verdict, ...]:
    """The verdict of each check on a record, in the order of the checks."""
    return tuple(check(facts) for check in CHECKS.values())
