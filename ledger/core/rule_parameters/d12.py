"""The parameter of rule D12. All pure."""

from typing import Annotated

import msgspec

from ledger.core.bounds import ParameterValue, Seconds
from ledger.core.record import LinkKind
from ledger.core.rule_parameters.patterns import Attributes, PatternList, Patterns, SpecifiedList


class D12(ParameterValue, frozen=True, kw_only=True):
    """Results, and what makes a later change of one suspicious.

    Out of specification is a value outside of `specified`, and what a record that fits `out` tells; a result is
    verified by a record of its object that fits `verified`, until one fits `reopened`; it is released by a record of
    the ERP that fits `released` and shares a `link`. `investigated`: records of the quality system that approve an
    investigation, whose id the change has to bear as a deviation. `grace_s`: how long the quality system has to tell.
    """

    results: Annotated[tuple[Attributes, ...], msgspec.Meta(min_length=1, max_length=100)]
    verified: PatternList
    investigated: PatternList
    reopened: Patterns = ()
    out: Patterns = ()
    specified: SpecifiedList = ()
    released: Patterns = ()
    link: LinkKind = LinkKind.BATCH
    grace_s: Seconds = 3_600
