"""The parameter of rule D28. All pure."""

from ledger.core.bounds import ParameterValue, Seconds
from ledger.core.rule_parameters.patterns import PatternList, Patterns


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
