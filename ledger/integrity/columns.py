"""Level 1 with column check: the search columns of records, their links and keys equal what their bodies give.

All columns but `tokens`, which level 2 derives again. The rows are read in bulk, and only whether a range is right is
decided here; which row is wrong is `diagnosis`'s to say, with the projector itself.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Connection

from ledger.core.errors import IntegrityError
from ledger.integrity.streams import stream
from ledger.store.engine import is_sqlite
from ledger.store.position import pos_of

COLUMNS = (
    "pos", "source", "action", "outcome", "occurred_us", "recorded_us", "received_us", "actor", "object_type",
    "object_id",
)  # fmt: skip
_RANGE = "FROM record WHERE pos >= ? AND pos < ? ORDER BY pos"
# SQLite builds one JSON text of a range faster than the driver builds its rows. The text tells NULL, number and text
# apart, so equal texts are equal rows.
_AS_JSON = f"SELECT json_group_array(json_array({', '.join(COLUMNS)})) {_RANGE}"
_AS_ROWS = f"SELECT {', '.join(COLUMNS)} {_RANGE}"


# Of a record's body only what its search columns are made of, in the order in which canonical JSON has it: that is the
# order in which the decoder finds its way fastest.


class _Link(msgspec.Struct, gc=False, kw_only=True):
    basis: str
    id: str
    kind: str


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
    links: list[_Link] = []
    object: _Target
    occurred_at: _Instant
    outcome: str = "success"
    source: str
    source_record_id: str
    source_recorded_at: _Instant | None = None


class _Digest(msgspec.Struct, gc=False, kw_only=True):
    hmac: bytes


class _Body(msgspec.Struct, gc=False, kw_only=True):
    digest: _Digest
    received_at: datetime
    record: _Record


_decode: Final = msgspec.json.Decoder(_Body).decode
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_LinkRow = tuple[int, str, str, str]


class ColumnsDiffer(IntegrityError):
    """Something among the search columns of a range is not what the bodies give, or merely looks different."""


class StrayRow(ColumnsDiffer):
    """A row of `table` at `pos` belongs to no record."""

    def __init__(self, table: str, pos: int) -> None:
        super().__init__("there is a row that no entry gives")
        self.table = table
        self.pos = pos


class RecordColumns:
    """Checks the records of a span of one log, range by range in order; one walk over each table."""

    def __init__(self, connection: Connection, log: int, low: int, high: int) -> None:
        self._json = is_sqlite(connection)
        self.statement = _AS_JSON if self._json else _AS_ROWS
        """Gives the rows of a range that `check` wants."""
        span = (pos_of(log, low), pos_of(log, high))
        # Neither table is ordered by entry: the database sorts the span once, and the rows are read as they are due.
        self._links = stream(connection, "SELECT pos, kind, id, basis FROM record_link", span)
        # A key under another log's number is not among them, and so is missed.
        self._keys = stream(
            connection, f"SELECT pos, source, record_id, digest FROM source_key WHERE log = {log}", span
        )
        self.streams = (self._links, self._keys)

    def check(self, first: int, stored: list[tuple[Any, ...]], places: Sequence[int], bodies: Sequence[bytes]) -> None:
        """Raises ColumnsDiffer unless the rows of a range are those of the records at these positions.

        `first` is the position at which the range begins, `stored` what `statement` gives for it.
        """
        records = list(zip(places, self._read(bodies), strict=True))
        # One comprehension a table, no calls: this runs once for each record ever appended.
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
            for pos, body in records
        ]
        keys = [
            (pos, (record := body.record).source, record.source_record_id, body.digest.hmac) for pos, body in records
        ]
        links = [(pos, link.kind, link.id, link.basis) for pos, body in records for link in body.record.links]
        links.sort()
        # Both streams go on by as much as is due, whatever the first comparison says.
        same = self._same_links(links, records)
        same &= self._keys.take(len(keys)) == keys
        same &= (stored[0][0].encode() == msgspec.json.encode(rows)) if self._json else stored == rows
        if not same:
            self._require_none_before(first)
            raise ColumnsDiffer("the search columns are not what the bodies give")

    def _read(self, bodies: Sequence[bytes]) -> list["_Body"]:
        try:
            return list(map(_decode, bodies))
        except (msgspec.DecodeError, UnicodeError) as error:
            raise ColumnsDiffer(f"a body is not a record's: {error}") from None

    def finish(self) -> None:
        """Raises StrayRow if rows are left that no record of the span accounts for."""
        self._links.take(1)
        self._keys.take(1)
        self._require_none_before(2**63)

    def _require_none_before(self, pos: int) -> None:
        """What was taken last may begin with rows that stood after the last ones that the range before was due."""
        for table, rows in (("record_link", self._links), ("source_key", self._keys)):
            if rows.taken and rows.taken[0][0] < pos:
                raise StrayRow(table, int(rows.taken[0][0]))  # SQLite lets a position be a fraction

    def close(self) -> None:
        self._links.close()
        self._keys.close()

    def _same_links(self, links: list[_LinkRow], records: Sequence[tuple[int, _Body]]) -> bool:
        stored = self._links.take(len(links))
        # Rows of one entry come in whatever order the database sorted them.
        if stored == links or sorted(stored) == links:
            return True
        # A record may name one kind and id twice; then the first basis stands, and there are fewer rows.
        found = {(pos, link.kind, link.id): link.basis for pos, body in records for link in reversed(body.record.links)}
        self._links.give_back(stored[len(found) :])
        return stored[: len(found)] == [(*key, found[key]) for key in sorted(found)]
