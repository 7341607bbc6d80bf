"""What results of tests say: of which test, and whether it passed (`core.rule_parameters.D13`)."""

from collections.abc import Mapping

from ledger.core.ranges import number_of
from ledger.core.record import Change, Record
from ledger.core.rule_parameters import D13
from ledger.review.known.patterns import fits, outside, text_of


def verdicts(record: Record, value: D13) -> Mapping[str | None, bool]:
    """By test, whether a record tells that it passed; without what says nothing of that. None: it names no test."""
    if not fits(record, value.results):
        return {}
    named = next((text_of(one.new) for one in record.changes if one.attribute == value.test), None)
    found: dict[str | None, bool] = {}
    for change in record.changes:
        passed = _passed(change, value)
        if passed is not None:
            test = change.attribute if value.test is None else named
            found[test] = passed and found.get(test, True)
    return found


def _passed(change: Change, value: D13) -> bool | None:
    if change.attribute == value.verdict:
        text = text_of(change.new)
        return False if text in value.failed else True if text in value.passed else None
    if number_of(change.new) is None or all(one.attribute != change.attribute for one in value.specified):
        return None
    return not outside(change.attribute, change.new, value.specified)
