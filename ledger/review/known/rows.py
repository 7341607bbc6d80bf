"""Which rows of `record` are of a log as of a size, and of a stretch of time."""

from sqlalchemy import ColumnElement, and_

from ledger.store import schema
from ledger.store.position import pos_of
from ledger.store.records import HOUR_US


def within(log: int, size: int, low_us: int, high_us: int) -> ColumnElement[bool]:
    """The records of a log as of a size whose moment lies between two instants, both included."""
    row = schema.record.c
    return and_(
        row.hour.between(low_us // HOUR_US, high_us // HOUR_US),
        row.at_us.between(low_us, high_us),
        *there(log, size),
    )


def there(log: int, size: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """The records of a log as of a size."""
    pos = schema.record.c.pos
    return pos >= pos_of(log, 0), pos < pos_of(log, size)
