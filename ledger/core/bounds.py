"""What members of parameters can be, and what every parameter's struct is."""

from typing import Annotated

import msgspec

Seconds = Annotated[int, msgspec.Meta(ge=0, le=3_153_600_000)]
"""Up to a hundred years."""
Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
DecimalText = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
"""A decimal as text: `0.05`."""


class ParameterValue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The value of a parameter, or a part of one."""
