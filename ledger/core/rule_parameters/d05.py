"""The parameter of rule D05. All pure."""

from ledger.core.bounds import ParameterValue
from ledger.core.rule_parameters.patterns import NameList


class D05(ParameterValue, frozen=True, kw_only=True):
    """By which channels people work from afar, so that they need not be where the terminal is."""

    remote: NameList
