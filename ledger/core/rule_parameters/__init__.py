"""The parameters of rules, each named by its rule's id: what a site's own types, attributes and states mean to a rule.

A rule reads those that hold for the source and type of the record that it examines. All pure. Those of a rule are one
file here, named by its id; `patterns` has what several of them are made of.
"""

from collections.abc import Mapping
from typing import Final

from ledger.core.rule_parameters.d01 import D01
from ledger.core.rule_parameters.d02 import D02
from ledger.core.rule_parameters.d03 import D03
from ledger.core.rule_parameters.d05 import D05
from ledger.core.rule_parameters.d06 import D06, Required
from ledger.core.rule_parameters.d09 import D09
from ledger.core.rule_parameters.d12 import D12
from ledger.core.rule_parameters.d13 import D13, Replicates
from ledger.core.rule_parameters.d14 import D14
from ledger.core.rule_parameters.d15 import D15
from ledger.core.rule_parameters.d16 import D16, Attestation
from ledger.core.rule_parameters.d17 import D17, Compared
from ledger.core.rule_parameters.d19 import D19
from ledger.core.rule_parameters.d20 import D20, AlarmLimit
from ledger.core.rule_parameters.d22 import D22, Direct
from ledger.core.rule_parameters.d23 import D23, Agreement
from ledger.core.rule_parameters.d24 import D24
from ledger.core.rule_parameters.d25 import D25
from ledger.core.rule_parameters.d26 import D26
from ledger.core.rule_parameters.d27 import D27
from ledger.core.rule_parameters.d28 import D28
from ledger.core.rule_parameters.patterns import Adjustable, Attributes, Pattern, Scope, Specified

RuleValue = (
    D01
    | D02
    | D03
    | D05
    | D06
    | D09
    | D12
    | D13
    | D14
    | D15
    | D16
    | D17
    | D19
    | D20
    | D22
    | D23
    | D24
    | D25
    | D26
    | D27
    | D28
)
"""The value of a rule's parameter."""
RULES: Final[Mapping[str, type[RuleValue]]] = {
    "d01": D01,
    "d02": D02,
    "d03": D03,
    "d05": D05,
    "d06": D06,
    "d09": D09,
    "d12": D12,
    "d13": D13,
    "d14": D14,
    "d15": D15,
    "d16": D16,
    "d17": D17,
    "d19": D19,
    "d20": D20,
    "d22": D22,
    "d23": D23,
    "d24": D24,
    "d25": D25,
    "d26": D26,
    "d27": D27,
    "d28": D28,
}
"""The structs by the ids of their rules."""

__all__ = [
    "D01",
    "D02",
    "D03",
    "D05",
    "D06",
    "D09",
    "D12",
    "D13",
    "D14",
    "D15",
    "D16",
    "D17",
    "D19",
    "D20",
    "D22",
    "D23",
    "D24",
    "D25",
    "D26",
    "D27",
    "D28",
    "RULES",
    "Adjustable",
    "Agreement",
    "AlarmLimit",
    "Attestation",
    "Attributes",
    "Compared",
    "Direct",
    "Pattern",
    "Replicates",
    "Required",
    "RuleValue",
    "Scope",
    "Specified",
]
