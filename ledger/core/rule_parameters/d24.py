"""The parameter of rule D24. All pure."""

from ledger.core.bounds import ParameterValue, Seconds
from ledger.core.record import Name
from ledger.core.rule_parameters.patterns import Back, PatternList, Patterns, require_zone


class D24(ParameterValue, frozen=True, kw_only=True):
    """Releases of batches, and what says until when equipment is calibrated.

    `released`: records of the ERP. `calibrated`: records of the maintenance system whose attribute `due` says until
    when (an instant, or a day as a whole; `zone`: in which a time without an offset is read); they count for `back_s`.
    `reviewed`: the audit trail review of the batch has to be signed before. `grace_s`: how long the other systems
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
