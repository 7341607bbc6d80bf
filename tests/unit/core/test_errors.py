import re

from ledger.core import errors
from ledger.core.errors import LedgerError


def _tree(root: type[LedgerError]) -> list[type[LedgerError]]:
    return [root, *(below for child in root.__subclasses__() for below in _tree(child))]


def _ours() -> list[type[LedgerError]]:
    return [error for error in _tree(LedgerError) if error.__module__ == errors.__name__]


def test_every_error_has_a_code_of_its_own_and_advice() -> None:
    codes = [error.code for error in _ours()]
    assert len(set(codes)) == len(codes)
    for error in _ours():
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", error.code)
        assert error.default_advice.endswith(".")


def test_the_tree_in_the_docstring_is_the_tree_in_the_code() -> None:
    drawn = re.findall(r"[├└]─ (\w+(?:, \w+)*)", errors.__doc__ or "")
    assert sorted(["LedgerError", *drawn]) == sorted(error.__name__ for error in _ours())


def test_an_error_carries_message_and_advice() -> None:
    error = errors.NotFound("entry 7 is not there", advice="Ask for 6.")
    assert (str(error), error.message, error.advice, error.code) == (
        "entry 7 is not there",
        "entry 7 is not there",
        "Ask for 6.",
        "not_found",
    )
    assert errors.NotFound("x").advice == errors.NotFound.default_advice
