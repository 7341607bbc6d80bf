"""The parameter of rule D09. All pure."""

from typing import Annotated

import msgspec

from ledger.core.bounds import ParameterValue, Seconds
from ledger.core.record import Name
from ledger.core.rule_parameters.patterns import Back, PatternList, Patterns, SpecifiedList


class D09(ParameterValue, frozen=True, kw_only=True):
    """What edits a historian's archive after the fact, and what explains that.

    `edited`: records that change, remove or insert archived values; `inserted`: values that are told as they were
    written. At least `many` of these, each written more than `late_s` after its time and within `within_s` of the one
    before, are a bulk insert. `replay`: the attribute that names the buffer replay, which a record that fits `replayed`
    logs; `value_time`: the attribute that says of which time the value is (an instant). A batch is released by a record
    of the MES or ERP that fits `released` and names it. `specified`: a value outside of it is an excursion. `grace_s`:
    how long the historian has to log a replay.
    """

    edited: PatternList
    inserted: Patterns = ()
    many: Annotated[int, msgspec.Meta(ge=2, le=1_000_000)] = 10
    late_s: Seconds = 3_600
    within_s: Back = 60
    replay: Name | None = None
    replayed: Patterns = ()
    value_time: Name | None = None
    released: Patterns = ()
    specified: SpecifiedList = ()
    grace_s: Seconds = 3_600
