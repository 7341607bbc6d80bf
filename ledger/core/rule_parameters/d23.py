"""The parameter of rule D23. All pure."""

from typing import Annotated

import msgspec

from ledger.core.bounds import ParameterValue, Seconds
from ledger.core.record import LinkKind, Name
from ledger.core.rule_parameters.patterns import Number, PatternList
from ledger.core.system_class import SystemClass


class Agreement(ParameterValue, frozen=True, kw_only=True):
    """What two systems tell of the same thing, and how that agrees: `told` by one, and `other` by one of the class
    `system`; the same is what shares all of `links`. The first attribute that a pattern names tells it.

    With a `tolerance` amounts are summed up on each side and differ by no more; else the last of each side are the same
    text, or one of `same`.
    """

    told: PatternList
    other: PatternList
    system: SystemClass
    links: Annotated[tuple[LinkKind, ...], msgspec.Meta(min_length=1, max_length=5)]
    tolerance: Number | None = None
    same: Annotated[tuple[tuple[Name, Name], ...], msgspec.Meta(max_length=1000)] = ()

    def __post_init__(self) -> None:
        if any(one.attribute is None for one in (*self.told, *self.other)):
            raise ValueError("told and other: each names the attribute that tells it")


class D23(ParameterValue, frozen=True, kw_only=True):
    """What has to agree: what two systems tell (`agreements`, set for both), and with `numbers` that the source's own
    follow each other without gaps. What a source counts itself has to agree wherever it was counted.

    `in_flight_s`: how long what lacks on one side may be on its way.
    """

    agreements: Annotated[tuple[Agreement, ...], msgspec.Meta(max_length=100)] = ()
    numbers: bool = False
    in_flight_s: Seconds = 3_600
