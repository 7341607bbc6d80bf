"""Whether a value can be: by the range that the parameters give an attribute. All pure."""

from decimal import Decimal, InvalidOperation

from ledger.core.parameters import Range, RangeKind
from ledger.core.record import Maybe


def inside(value: Maybe, rule: Range) -> bool:
    """Whether a value is of the sort that the range names, and within its bounds, both included."""
    if rule.kind is RangeKind.TEXT:
        return True
    number = number_of(value)
    if number is None:
        return False
    whole = rule.kind is not RangeKind.INTEGER or number == number.to_integral_value()
    above = rule.low is None or number >= Decimal(rule.low)
    below = rule.high is None or number <= Decimal(rule.high)
    return whole and above and below


def told(rule: Range) -> str:
    """The range in words: `decimal from 10 to 95 degC`."""
    low = "" if rule.low is None else f" from {rule.low}"
    high = "" if rule.high is None else f" to {rule.high}"
    return f"{rule.kind.value}{low}{high}{'' if rule.unit is None else f' {rule.unit}'}"


def number_of(value: Maybe) -> Decimal | None:
    """A value as a number; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
