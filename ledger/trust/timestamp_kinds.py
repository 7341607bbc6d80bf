"""Kinds of time-stamps. In the system log; bodies stand in `core.timestamp_entries`."""

from ledger.core.kinds import Kind
from ledger.core.timestamp_entries import TimestampAuthorityEntry, TimestampEntry, TimestampRenewalEntry

KINDS = (
    Kind("timestamp-authority", [TimestampAuthorityEntry]),
    Kind("timestamp", [TimestampEntry]),
    Kind("timestamp-renewal", [TimestampRenewalEntry]),
)
