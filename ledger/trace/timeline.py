"""One timeline of many sources: by the time that each source claims, corrected by its clock; the index breaks a tie.

Where the intervals of two neighbours from different sources overlap, their order is a convention, and marked so.
"""

from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

from ledger.core.instants import cannot_order, occurred
from ledger.core.looks import Span
from ledger.core.record import RecordBody

Item = TypeVar("Item")

UNDATED: Final = 2**62
"""Stands in the key of a record that names no instant: such come last, in the order of the log."""


def time_key(index: int, body: RecordBody) -> tuple[int, int]:
    """By what records are sorted into one timeline."""
    span = occurred(body)
    return (UNDATED if span is None else span.low_us), index


def in_time_order(items: Iterable[tuple[int, RecordBody, Item]]) -> Iterator[tuple[Item, bool]]:
    """The items of `(index, body, item)` in one timeline, all held in memory; see `marked` for the second value."""
    return marked(sorted(items, key=lambda one: time_key(one[0], one[1])))


def marked(ordered: Iterable[tuple[int, RecordBody, Item]]) -> Iterator[tuple[Item, bool]]:
    """Items that are in time order already, each with whether its order against the one before cannot be told."""
    before: tuple[str, Span] | None = None
    for _, body, item in ordered:
        span = occurred(body)
        unclear = span is not None and before is not None and before[0] != body.record.source
        yield item, bool(unclear and span and before and cannot_order(span, before[1]))
        before = None if span is None else (body.record.source, span)
