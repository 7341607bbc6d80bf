"""The parameter of rule D15. All pure."""

from ledger.core.bounds import ParameterValue, Seconds
from ledger.core.record import LinkKind
from ledger.core.rule_parameters.patterns import PatternList, Patterns


class D15(ParameterValue, frozen=True, kw_only=True):
    """Runs of instruments that have to belong to `tests` of the LIMS, and `results` of it that have to have a run, by a
    `link` that both share; `calibrations`: runs that need no test. `back_s` and `grace_s`: how long before and after a
    record the other system may tell of its partner.
    """

    runs: PatternList
    tests: PatternList
    results: Patterns = ()
    calibrations: Patterns = ()
    link: LinkKind = LinkKind.SAMPLE
    back_s: Seconds = 2_592_000
    grace_s: Seconds = 86_400
