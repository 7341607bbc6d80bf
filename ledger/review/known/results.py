"""What results of tests say: of which test, and whether it passed (`core.rule_parameters.D13`)."""

from collections.abc import Mapping
from typing import Protocol

from ledger.core.ranges import number_of
from ledger.core.record import Maybe, Record
from ledger.core.rule_parameters import D13
from ledger.core.rule_parameters.patterns import Names, SpecifiedList
from ledger.review.known.patterns import fits, outside, text_of


class Verdicts(Protocol):
    """By which values of the attribute `verdict`, or by which numbers, something fails and passes."""

    @property
    def verdict(self) -> str | None: ...
    @property
    def failed(self) -> Names: ...
    @property
    def passed(self) -> Names: ...
    @property
    def specified(self) -> SpecifiedList: ...


def passes(attribute: str, value: Maybe, by: Verdicts) -> bool | None:
    """Whether an attribute's value says that something passed; None: it says nothing of that."""
    if attribute == by.verdict:
        text = text_of(value)
        return False if text in by.failed else True if text in by.passed else None
    if number_of(value) is None or all(one.attribute != attribute for one in by.specified):
        return None
    return not outside(attribute, value, by.specified)


def verdicts(record: Record, value: D13) -> Mapping[str | None, bool]:
    """By test, whether a record tells that it passed; without what says nothing of that. None: it names no test."""
    if not fits(record, value.results):
        return {}
    named = next((text_of(one.new) for one in record.changes if one.attribute == value.test), None)
    found: dict[str | None, bool] = {}
    for change in record.changes:
        passed = passes(change.attribute, change.new, value)
        if passed is not None:
            test = change.attribute if value.test is None else named
            found[test] = passed and found.get(test, True)
    return found
