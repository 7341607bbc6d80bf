"""Which records a site's patterns mean (`core.rule_parameters.Pattern`)."""

from collections.abc import Iterable
from decimal import Decimal

from msgspec import UNSET

from ledger.core.ranges import number_of
from ledger.core.record import Change, Maybe, Outcome, Record, Sealed
from ledger.core.rule_parameters import Attributes, Pattern, Specified


def fits(record: Record, patterns: Iterable[Pattern]) -> bool:
    """Whether a record that succeeded is one that one of these patterns means."""
    if record.outcome is not Outcome.SUCCESS:
        return False
    type_ = record.object.type
    return any(one.object_type == type_ and _fits(record, one) for one in patterns)


def types(*patterns: Iterable[Pattern | Attributes]) -> frozenset[str]:
    """The types of objects that patterns name."""
    return frozenset(one.object_type for some in patterns for one in some)


def changed(record: Record, named: Iterable[Attributes]) -> list[Change]:
    """What a record changes of these attributes."""
    of = [one.attributes for one in named if one.object_type == record.object.type]
    return [one for one in record.changes if any(not names or one.attribute in names for names in of)]


def outside(attribute: str, value: Maybe, specified: Iterable[Specified]) -> bool:
    """Whether an attribute's value is a number that is out of specification."""
    number = number_of(value)
    return number is not None and any(
        (one.low is not None and number < Decimal(one.low)) or (one.high is not None and number > Decimal(one.high))
        for one in specified
        if one.attribute == attribute
    )


def text_of(value: Maybe) -> str | None:
    """A value as parameters write it; None: there is none that could be read."""
    if value is None or value is UNSET or isinstance(value, Sealed):
        return None
    return ("false", "true")[value] if isinstance(value, bool) else str(value)


def _fits(record: Record, pattern: Pattern) -> bool:
    """Of a record whose object is of the pattern's type."""
    if pattern.actions and record.action not in pattern.actions:
        return False
    if pattern.attribute is None:
        return True
    told = (one.new for one in record.changes if one.attribute == pattern.attribute)
    return any(not pattern.values or text_of(new) in pattern.values for new in told)
