"""The parameter of rule D26. All pure."""

from typing import Annotated

import msgspec

from ledger.core.bounds import ParameterValue


class D26(ParameterValue, frozen=True, kw_only=True):
    """How many failures of an account to sign in or to sign within a time are too many, and after how many (`guesses`)
    it is suspicious to get in from where the account never came from.
    """

    failures: Annotated[int, msgspec.Meta(ge=2, le=10_000)]
    within_s: Annotated[int, msgspec.Meta(ge=1, le=86_400)] = 600
    guesses: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 3
