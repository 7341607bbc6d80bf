"""Which of two records happened first, as far as that can be told.

Known: spans that do not meet; two claims by one clock under one measurement, whose error is the same; numbers of one
series that never begins again.
"""

import msgspec
from sqlalchemy import Connection

from ledger.core.instants import PRECISION_US
from ledger.core.looks import Span, moment_us
from ledger.core.parameters import ParameterName, Sequence, most_specific
from ledger.core.record import RecordBody
from ledger.core.sequences import cut
from ledger.sources.parameters import Parameters
from ledger.trace.bodies import placed


class Happening(msgspec.Struct, frozen=True):
    """A record in time; `span` is None where nothing places it. `wraps`: its source's numbers begin again."""

    index: int
    body: RecordBody
    span: Span | None
    series: str | None
    number: int | None
    wraps: bool


class Placing:
    """Places records in time, by the parameters of one log as of a size."""

    def __init__(self, connection: Connection, parameters: Parameters, log: int, size: int) -> None:
        self._held = [one for one in parameters.ever(connection, log, ParameterName.SEQUENCE) if one.at(size)]

    def place(self, index: int, body: RecordBody) -> Happening:
        """When it happened: as its source claims, corrected by its clock; or between which two looks."""
        series, number = cut(body.record.source_sequence)
        found = placed(body)
        wraps = number is not None and self._wraps(body)
        return Happening(index, body, None if found is None else found.span, series, number, wraps)

    def _wraps(self, body: RecordBody) -> bool:
        record = body.record
        found = most_specific(self._held, record.source, record.object.type, moment_us(body)) if self._held else None
        return found is not None and isinstance(found.value, Sequence) and found.value.wraps is not None


def happened_before(one: Happening, other: Happening) -> bool | None:
    """Whether one happened before the other; None: that cannot be told."""
    if one.span is not None and other.span is not None:
        if one.span.high_us < other.span.low_us:
            return True
        if other.span.high_us < one.span.low_us:
            return False
    a, b = one.body, other.body
    if a.record.source != b.record.source:
        return None
    first, second = a.record.occurred_at, b.record.occurred_at
    if first.instant_us is not None and second.instant_us is not None and a.clock == b.clock:
        if first.instant_us + PRECISION_US[first.precision] <= second.instant_us:
            return True
        if second.instant_us + PRECISION_US[second.precision] <= first.instant_us:
            return False
    if (
        one.number is None
        or other.number is None
        or one.series != other.series
        or one.wraps
        or one.number == other.number
    ):
        return None
    return one.number < other.number
