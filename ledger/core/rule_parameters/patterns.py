"""What parameters of rules are written in: patterns of records, attributes, bounds, and what a change says it allows.

All pure.
"""

from decimal import Decimal
from typing import Annotated
from zoneinfo import available_timezones

import msgspec

from ledger.core.bounds import ParameterValue
from ledger.core.record import Action, Name

Names = Annotated[tuple[Name, ...], msgspec.Meta(max_length=1000)]
NameList = Annotated[tuple[Name, ...], msgspec.Meta(min_length=1, max_length=1000)]
"""At least one."""
Number = Annotated[str, msgspec.Meta(pattern=r"^-?[0-9]+(\.[0-9]+)?$", max_length=100)]
"""A decimal as text: `0.05`."""

Back = Annotated[int, msgspec.Meta(ge=1, le=31_622_400)]
"""Seconds, up to a year: how far back other systems' records are read."""


def require_zone(zone: str | None) -> None:
    """Raises ValueError for a name that is no time zone's."""
    if zone is not None and zone not in available_timezones():
        raise ValueError(f"{zone} is no time zone: use an IANA name")


class Pattern(ParameterValue, frozen=True, kw_only=True):
    """Records of a type of object: of one of these actions, if any are named, and that give an attribute one of these
    values; an attribute without values: that change it.
    """

    object_type: Name
    actions: tuple[Action, ...] = ()
    attribute: Name | None = None
    values: Names = ()


Patterns = Annotated[tuple[Pattern, ...], msgspec.Meta(max_length=100)]
PatternList = Annotated[tuple[Pattern, ...], msgspec.Meta(min_length=1, max_length=100)]
"""At least one."""


class Attributes(ParameterValue, frozen=True, kw_only=True):
    """These attributes of the objects of a type; without any named all of them."""

    object_type: Name
    attributes: Names = ()


class Adjustable(ParameterValue, frozen=True, kw_only=True):
    """Between which values (decimals, inclusive) operators may set an object's attribute by themselves."""

    object_id: Name
    attribute: Name
    low: Number
    high: Number

    def __post_init__(self) -> None:
        if Decimal(self.low) > Decimal(self.high):
            raise ValueError(f"low {self.low} is more than high {self.high}")


class Specified(ParameterValue, frozen=True, kw_only=True):
    """Between which values (decimals, inclusive) an attribute is in specification."""

    attribute: Name
    low: Number | None = None
    high: Number | None = None


SpecifiedList = Annotated[tuple[Specified, ...], msgspec.Meta(max_length=1000)]


class Scope(ParameterValue, frozen=True, kw_only=True):
    """Which attributes of a change say what it allows: from when and until when (instants, or days, as a whole), which
    object by its id, which values (`version`), and between which (decimals). What an approved change does not say, it
    does not bound. `zone`: in which a time without an offset is read.
    """

    valid_from: Name | None = None
    valid_to: Name | None = None
    object_id: Name | None = None
    low: Name | None = None
    high: Name | None = None
    version: Name | None = None
    zone: Name | None = None

    def __post_init__(self) -> None:
        require_zone(self.zone)
