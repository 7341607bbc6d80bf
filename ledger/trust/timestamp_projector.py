"""Projectors of time-stamps."""

from collections.abc import Iterable

from ledger.core.admission import AdmissionEvent
from ledger.core.clock import parse_utc
from ledger.core.entry import Entry
from ledger.core.projector import Projector, Row, Valid
from ledger.core.timestamp_entries import TimestampAuthorityEntry, TimestampEntry, TimestampRenewalEntry
from ledger.store.position import pos_of
from ledger.trust.timestamp_tables import time_stamp, time_stamp_renewal, timestamp_authority


class TimestampAuthorityProjector:
    """The site's time-stamp authorities."""

    name = "timestamp-authority"
    version = 1
    kinds = frozenset({"timestamp-authority"})
    table = timestamp_authority.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        body: TimestampAuthorityEntry = entry.body
        yield Valid(body.tsa, None if body.event is AdmissionEvent.WITHDRAWN else (body.event.value,))


class TimestampProjector:
    """One row a time-stamp."""

    name = "timestamp"
    version = 1
    kinds = frozenset({"timestamp"})
    tables = (time_stamp.name,)

    def rows(self, entry: Entry) -> Iterable[Row]:
        body: TimestampEntry = entry.body
        pos = pos_of(entry.log, entry.index)
        moment = parse_utc(body.gen_time)
        yield time_stamp.name, (pos, body.origin, body.size, body.tsa, moment, entry.logged_us)


class TimestampRenewalProjector:
    """One row a renewal."""

    name = "timestamp-renewal"
    version = 1
    kinds = frozenset({"timestamp-renewal"})
    tables = (time_stamp_renewal.name,)

    def rows(self, entry: Entry) -> Iterable[Row]:
        body: TimestampRenewalEntry = entry.body
        pos = pos_of(entry.log, entry.index)
        yield time_stamp_renewal.name, (pos, body.tsa, body.high, parse_utc(body.gen_time))


def projectors(_dialect: str) -> tuple[Projector, ...]:
    """All projectors of this part."""
    return TimestampAuthorityProjector(), TimestampProjector(), TimestampRenewalProjector()
