"""Level 1 with column check: the search columns of records equal what their bodies give.

The columns of the table `record` that tell what happened when, by whom and to what. `tokens` and what stands after it
are derived, or go beside those, and are level 2's, as are links, changes and keys in tables of their own. Only whether
a range is right is decided here; which row is wrong is `diagnosis`'s to say, with the projector itself.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Connection

from ledger.core.errors import IntegrityError
from ledger.store.engine import is_sqlite

COLUMNS = (
    "pos", "source", "action", "outcome", "occurred_us", "recorded_us", "received_us", "actor", "object_type",
    "object_id",
)  # fmt: skip
_RANGE = "FROM record WHERE pos >= ? AND pos < ? ORDER BY pos"
# SQLite makes one JSON text of a range faster than its driver makes rows. The text tells NULL, number and text apart,
# so equal texts are equal rows. PostgreSQL makes JSON more slowly than psycopg makes rows.
_AS_JSON = f"SELECT json_group_array(json_array({', '.join(COLUMNS)})) {_RANGE}"
_AS_ROWS = f"SELECT {', '.join(COLUMNS)} {_RANGE}"


# Of a record's body only what its search columns are made of, in the order in which canonical JSON has it: that is the
# order in which the decoder finds its way fastest.


class _Instant(msgspec.Struct, gc=False, kw_only=True):
    instant_us: int | None = None


class _Actor(msgspec.Struct, gc=False, kw_only=True):
    account: str | None


class _Target(msgspec.Struct, gc=False, kw_only=True):
    id: str
    type: str


class _Record(msgspec.Struct, gc=False, kw_only=True):
    action: str
    actor: _Actor
    object: _Target
    occurred_at: _Instant
    outcome: str = "success"
    source: str
    source_recorded_at: _Instant | None = None


class _Body(msgspec.Struct, gc=False, kw_only=True):
    received_at: datetime
    record: _Record


_decode: Final = msgspec.json.Decoder(_Body).decode
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class ColumnsDiffer(IntegrityError):
    """The search columns of a range are not what the bodies give, or merely look different."""


class RecordColumns:
    """Checks the search columns of records, range by range."""

    def __init__(self, connection: Connection) -> None:
        self._json = is_sqlite(connection)
        self.statement = _AS_JSON if self._json else _AS_ROWS
        """Gives the rows of a range, in the form that `check` wants."""

    def check(self, stored: list[tuple[Any, ...]], places: Sequence[int], bodies: Sequence[bytes]) -> None:
        """Raises ColumnsDiffer unless the rows of a range are those of the records at these positions.

        `stored` is what `statement` gives for the range.
        """
        try:
            decoded = list(map(_decode, bodies))
        except (msgspec.DecodeError, UnicodeError) as error:
            raise ColumnsDiffer(f"a body is not a record's: {error}") from None
        # One comprehension, few calls: this runs once for each record ever appended.
        rows = [
            (
                pos,
                (record := body.record).source,
                record.action,
                record.outcome,
                record.occurred_at.instant_us,
                None if (recorded := record.source_recorded_at) is None else recorded.instant_us,
                (body.received_at - _EPOCH) // _MICROSECOND,
                record.actor.account,
                (target := record.object).type,
                target.id,
            )
            for pos, body in zip(places, decoded, strict=True)
        ]
        same = stored[0][0].encode() == msgspec.json.encode(rows) if self._json else stored == rows
        if not same:
            raise ColumnsDiffer("the search columns are not what the bodies give")
