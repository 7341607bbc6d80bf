"""The parameter of rule D03. All pure."""

from typing import Annotated

import msgspec

from ledger.core.bounds import ParameterValue, Seconds
from ledger.core.rule_parameters.patterns import Attributes, Back, PatternList, Patterns, Scope


class D03(ParameterValue, frozen=True, kw_only=True):
    """Programs of controllers and panels, by the attributes that tell their version or checksum, and what approves that
    they are changed.

    `differs`: records that say that a program is not the one that it should be, such as an upload that is not its
    baseline. `approved`, `ended`, `scope` and `back_s` are of changes, as of `D02`; a change that `emergency` records
    call one may be approved up to `retrospective_s` after it was made. `grace_s`: how long the other system has to
    tell.
    """

    programs: Annotated[tuple[Attributes, ...], msgspec.Meta(min_length=1, max_length=100)]
    approved: PatternList
    differs: Patterns = ()
    ended: Patterns = ()
    scope: Scope = Scope()
    emergency: Patterns = ()
    retrospective_s: Back = 259_200
    back_s: Back = 2_592_000
    grace_s: Seconds = 3_600
