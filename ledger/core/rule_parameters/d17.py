"""The parameter of rule D17. All pure."""

from decimal import Decimal
from typing import Annotated

import msgspec

from ledger.core.bounds import ParameterValue, Seconds
from ledger.core.record import LinkKind, Name
from ledger.core.rule_parameters.patterns import Back, Names, Number, Patterns


class Compared(ParameterValue, frozen=True, kw_only=True):
    """An attribute that people enter, and the readings that it is held against: of the same equipment, or with `link`
    of the same batch, order or other thing; with `tags` those of these objects only.

    They agree where they are no further apart than `tolerance`, in the unit that both are told in.
    """

    object_type: Name
    attribute: Name
    reading_type: Name
    reading: Name
    tolerance: Number
    tags: Names = ()
    link: LinkKind | None = None

    def __post_init__(self) -> None:
        if Decimal(self.tolerance) < 0:
            raise ValueError(f"tolerance {self.tolerance} is less than nothing")


class D17(ParameterValue, frozen=True, kw_only=True):
    """What people enter, and what equipment measured then: what was read `within_s` before or after, and the last that
    was read before, for `hold_s`.

    `fault` and `fault_ended`: records of the same equipment by which its sensor is at fault, and no longer; a fault
    counts for `back_s`. `grace_s`: how long the equipment's systems have to tell.
    """

    compared: Annotated[tuple[Compared, ...], msgspec.Meta(min_length=1, max_length=1000)]
    within_s: Seconds = 60
    hold_s: Seconds = 3_600
    fault: Patterns = ()
    fault_ended: Patterns = ()
    back_s: Back = 86_400
    grace_s: Seconds = 3_600
