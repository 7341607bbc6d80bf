"""The parameters of the rules from D20 on (`core.rule_parameters` has the others, and names them all). All pure."""

from typing import Annotated

import msgspec

from ledger.core.bounds import ParameterValue, Seconds
from ledger.core.record import Name
from ledger.core.rule_patterns import Back, PatternList, Patterns, require_zone


class D24(ParameterValue, frozen=True, kw_only=True):
    """Releases of batches, and what says until when equipment is calibrated.

    `released`: records of the ERP. `calibrated`: records of the maintenance system whose attribute `due` says until
    when (an instant, or a day as a whole; `zone`: in which a time without an offset is read); they count for `back_s`.
    `reviewed`: the audit trail review of the batch has to be concluded before. `grace_s`: how long the other systems
    have to tell.
    """

    released: PatternList
    calibrated: Patterns = ()
    due: Name | None = None
    zone: Name | None = None
    reviewed: bool = True
    back_s: Back = 31_622_400
    grace_s: Seconds = 3_600

    def __post_init__(self) -> None:
        if (self.due is None) != (not self.calibrated):
            raise ValueError("calibrated and due: give both, or neither")
        require_zone(self.zone)


class D26(ParameterValue, frozen=True, kw_only=True):
    """How many failures of an account to sign in or to sign within a time are too many, and after how many (`guesses`)
    it is suspicious to get in from where the account never came from.
    """

    failures: Annotated[int, msgspec.Meta(ge=2, le=10_000)]
    within_s: Annotated[int, msgspec.Meta(ge=1, le=86_400)] = 600
    guesses: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 3


class D28(ParameterValue, frozen=True, kw_only=True):
    """What puts an override on and off, and for how long it may be on. `deviation`: records of the quality system that
    raise a deviation, from `back_s` before it to `grace_s` after that time; `phase` and `phase_ended`: a phase in which
    the equipment is worked by hand.
    """

    on: PatternList
    off: PatternList
    longest_s: Seconds
    deviation: Patterns = ()
    phase: Patterns = ()
    phase_ended: Patterns = ()
    back_s: Seconds = 86_400
    grace_s: Seconds = 3_600
