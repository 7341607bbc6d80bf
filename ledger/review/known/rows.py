"""Which rows of `record` are of a log as of a size, and of a stretch of time."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import ColumnElement, and_

from ledger.store import schema
from ledger.store.position import pos_of
from ledger.store.records import HOUR_US

_FEW: Final = 400
"""Hours that are looked up one by one."""


def within(log: int, size: int, low_us: int, high_us: int, sources: Sequence[str] | None = None) -> ColumnElement[bool]:
    """The records of a log as of a size whose moment lies between two instants, both included; of these sources, where
    any are named.

    Records stand by hour and source: of few hours, each is looked up, and what other sources told is not read.
    """
    row = schema.record.c
    hours = range(low_us // HOUR_US, high_us // HOUR_US + 1)
    few = sources is not None and len(hours) <= _FEW
    of = () if sources is None else (row.source.in_(sources),)
    return and_(
        row.hour.in_(hours) if few else row.hour.between(hours.start, hours.stop - 1),
        *of,
        row.at_us.between(low_us, high_us),
        *there(log, size),
    )


def there(log: int, size: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """The records of a log as of a size."""
    pos = schema.record.c.pos
    return pos >= pos_of(log, 0), pos < pos_of(log, size)
