"""What a rule says that it goes by is what it reads."""

import ast
from inspect import getsource
from sys import modules
from typing import Final

import pytest

from ledger.core.parameters import STRUCTS, ParameterName
from ledger.review.life.going_by import names_of
from ledger.review.rules import rules

BESIDE: Final = {"systems": ParameterName.SYSTEM, "is_of": ParameterName.SYSTEM}
"""What is read by what `Known` tells of other things."""


@pytest.mark.parametrize("name", rules())
def test_a_rule_names_every_parameter_that_it_reads(name: str) -> None:
    rule = rules()[name]
    module = modules[type(rule).__module__]
    structs = {struct: parameter for parameter, struct in STRUCTS.items()}
    read = set[ParameterName]()
    for node in ast.walk(ast.parse(getsource(module))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in BESIDE and ast.unparse(node.func.value) == "known":
                read.add(BESIDE[node.func.attr])
            if node.func.attr == "value" and len(node.args) == 2:
                struct = eval(ast.unparse(node.args[1]), vars(module))
                read.add(structs[struct])
    missing = read - set(names_of(rule.about))
    assert not missing, f"About(parameters=...) of {name} has to name {sorted(missing)}: its validation rests on them"
