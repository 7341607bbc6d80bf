"""The parameter of rule D13. All pure."""

from typing import Annotated

import msgspec

from ledger.core.bounds import ParameterValue, Seconds
from ledger.core.record import LinkKind, Name
from ledger.core.rule_parameters.patterns import Back, Names, PatternList, Patterns, SpecifiedList


class Replicates(ParameterValue, frozen=True, kw_only=True):
    """How many results of a test its method takes together as one determination."""

    test: Name
    many: Annotated[int, msgspec.Meta(ge=2, le=1_000)]


class D13(ParameterValue, frozen=True, kw_only=True):
    """Results of tests, which of them fail and pass, and what opens and closes an investigation of a failure.

    A result fails where it gives the attribute `verdict` one of the values `failed`, or a number that is out of
    `specified`; it passes with one of the values `passed`, or numbers that are within. `test`: the attribute that names
    the test; null: the attribute that tells the result does. Results are of the same lot where they share a `link`; so
    is an investigation, or a result names it as a deviation. `investigated_test`: the attribute of an investigation
    that says of which test alone it is. `back_s`: how long before a pass a failure counts; `grace_s`: how long the
    quality system has to tell.
    """

    results: PatternList
    opened: PatternList
    closed: Patterns = ()
    verdict: Name | None = None
    failed: Names = ()
    passed: Names = ()
    specified: SpecifiedList = ()
    test: Name | None = None
    investigated_test: Name | None = None
    replicates: Annotated[tuple[Replicates, ...], msgspec.Meta(max_length=1000)] = ()
    link: LinkKind = LinkKind.BATCH
    back_s: Back = 2_592_000
    grace_s: Seconds = 3_600

    def __post_init__(self) -> None:
        if (self.verdict is None) != (not (self.failed and self.passed)):
            raise ValueError("verdict, failed and passed: give all, or none")
        if self.verdict is None and not self.specified:
            raise ValueError("verdict or specified: give one, or nothing fails")
