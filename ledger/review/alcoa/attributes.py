"""The attributes of ALCOA+, the checks that make each up, and what a check can say of a record.

ALCOA: FDA, Data Integrity and Compliance With Drug CGMP (2018). ALCOA+: PIC/S PI 041-1 section 7.4. Traceable: EU GMP
Chapter 4, draft of 2025.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final

from ledger.core.assessment import Attribute


class Check(StrEnum):
    """One question asked of a record."""

    C01 = "C01"
    C02 = "C02"
    C03 = "C03"
    C04 = "C04"
    C05 = "C05"
    C06 = "C06"
    C07 = "C07"
    C08 = "C08"
    C09 = "C09"
    C10 = "C10"
    C11 = "C11"
    C12 = "C12"
    C13 = "C13"


MADE_OF: Final[Mapping[Attribute, tuple[Check, ...]]] = {
    Attribute.ATTRIBUTABLE: (Check.C01, Check.C02),
    Attribute.LEGIBLE: (Check.C03,),
    Attribute.CONTEMPORANEOUS: (Check.C04, Check.C05),
    Attribute.ORIGINAL: (Check.C06,),
    Attribute.ACCURATE: (Check.C07,),
    Attribute.COMPLETE: (Check.C08, Check.C09),
    Attribute.CONSISTENT: (Check.C10,),
    Attribute.ENDURING: (Check.C11,),
    Attribute.AVAILABLE: (Check.C12,),
    Attribute.TRACEABLE: (Check.C13,),
}


class Result(StrEnum):
    """How a check ended. What cannot be assessed is never counted as one of the others."""

    HOLDS = "pass"
    FAIL = "fail"
    NOT_ASSESSABLE = "not-assessable"


class Verdict(StrEnum):
    """What a check says: that it holds, what fails (`F:`), or what is missing to tell (`N:`)."""

    HOLDS = "P"

    UNMAPPED = "F:unmapped"
    INACTIVE = "F:inactive"
    SHARED_ACCOUNT = "F:shared-account"
    SERVICE_WITHOUT_PURPOSE = "F:service-without-purpose"
    TWO_PLACES = "F:two-places"
    UNKNOWN_UNIT = "F:unit"
    UNKNOWN_CODE = "F:unknown-code"
    LATE = "F:late"
    EARLY = "F:early"
    CLOCK_OLD = "F:clock-old"
    CLOCK_OFF = "F:clock-off"
    NOT_DERIVED = "F:not-derived"
    OUT_OF_RANGE = "F:out-of-range"
    DIFFERS = "F:differs"
    NOT_FOOTING = "F:not-footing"
    GAP = "F:gap"
    DUPLICATE = "F:duplicate"
    COUNT_DIFFERS = "F:count-differs"
    COMPANION_MISSING = "F:companion-missing"
    OLD_MISSING = "F:old-missing"
    NEW_MISSING = "F:new-missing"
    REASON_MISSING = "F:reason-missing"
    REASON_VAGUE = "F:reason-vague"
    BROKEN_CONTINUITY = "F:broken-continuity"
    OUT_OF_SEQUENCE = "F:out-of-sequence"
    DECIMALS = "F:decimals"
    NOT_ANCHORED = "F:not-anchored"
    NOT_VERIFIED = "F:chain"
    TOO_FEW_COPIES = "F:copies"
    SLOW = "F:slow"
    NOT_OPENED = "F:not-opened"
    UNREACHABLE_PATH = "F:unreachable-path"

    NO_IDENTITY_MAP = "N:no-identity-map"
    NO_SESSIONS = "N:no-sessions"
    NO_TRAVEL_TABLE = "N:no-travel-table"
    NO_SCHEMA = "N:no-schema"
    NO_LIMIT = "N:no-limit"
    NO_OCCURRED_TIME = "N:no-occurred-time"
    NO_RECORDED_TIME = "N:no-recorded-time"
    NO_CLOCK = "N:no-clock"
    NO_ORIGINAL = "N:no-original"
    NO_PARSER = "N:no-parser"
    NO_RANGE = "N:no-range"
    NO_CORROBORATION = "N:no-corroboration"
    NO_PARTS = "N:no-parts"
    NO_SEQUENCE = "N:no-sequence"
    NO_PROFILE = "N:no-profile"
    NO_PREVIOUS = "N:no-previous"
    ORDER_UNKNOWN = "N:order-unknown"
    NOT_COVERED = "N:not-covered"
    SEALED = "N:sealed"
    NO_ANCHOR = "N:no-anchor"
    NO_VERIFICATION = "N:no-verification"
    NO_COPIES = "N:no-copies"
    NO_RETRIEVAL_TEST = "N:no-retrieval-test"
    NO_BATCH_RULE = "N:no-batch-rule"

    @property
    def result(self) -> Result:
        """Pass, fail or not assessable."""
        return _RESULTS[self._value_[0]]


_RESULTS: Final = {"P": Result.HOLDS, "F": Result.FAIL, "N": Result.NOT_ASSESSABLE}


def worst(found: Iterable[Verdict], otherwise: Verdict = Verdict.HOLDS) -> Verdict:
    """Of several answers to one question: what fails before what cannot be told, before what holds; of equals the
    first. `otherwise`: there are none.
    """
    best: Verdict | None = None
    for verdict in found:
        if verdict.result is Result.FAIL:
            return verdict
        if best is None or (best is Verdict.HOLDS and verdict is not Verdict.HOLDS):
            best = verdict
    return otherwise if best is None else best


def attribute_verdict(attribute: Attribute, cells: Sequence[Verdict]) -> Verdict:
    """What the verdicts of all checks, in their order, come to for one attribute."""
    return worst(cells[_PLACE[check]] for check in MADE_OF[attribute])


_PLACE: Final = {check: place for place, check in enumerate(Check)}
