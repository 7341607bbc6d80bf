"""The parameter of rule D02. All pure."""

from typing import Annotated

import msgspec

from ledger.core.bounds import ParameterValue, Seconds
from ledger.core.rule_parameters.patterns import Adjustable, Attributes, Back, PatternList, Patterns, Scope


class D02(ParameterValue, frozen=True, kw_only=True):
    """Set points and recipes, and what approves that they are changed.

    `approved`: records of the quality or maintenance system that approve a change of an asset; `ended`: that end it or
    take it back. `back_s`: how long before an approval may lie; `grace_s`: how long the other system has to tell.
    """

    set_points: Annotated[tuple[Attributes, ...], msgspec.Meta(min_length=1, max_length=100)]
    approved: PatternList
    ended: Patterns = ()
    scope: Scope = Scope()
    adjustable: Annotated[tuple[Adjustable, ...], msgspec.Meta(max_length=2000)] = ()
    back_s: Back = 2_592_000
    grace_s: Seconds = 3_600
