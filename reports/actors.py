"""The accounts that acted in the records of a package, counted as they go by; as the sources name them."""

from typing import Final

import msgspec

from ledger.core.instants import occurred
from ledger.core.record import RecordBody

LISTED: Final = 200
"""Accounts that are listed; records of others are counted together, so that a report does not grow with them."""


class Acted(msgspec.Struct, kw_only=True):
    """What an account did: roles that the source gave it, records, and the first and last instant of these (µs)."""

    kind: str
    roles: set[str] = msgspec.field(default_factory=set)
    records: int = 0
    first_us: int | None = None
    last_us: int | None = None


class Actors:
    """Fed with the records; `found` by source and account, `more`: records of accounts that are not listed."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, str], Acted] = {}
        self.more = 0

    def record(self, body: RecordBody) -> None:
        """Counts a record for the account that its source names."""
        record, actor = body.record, body.record.actor
        key = record.source, actor.account or ""
        one = self.found.get(key)
        if one is None:
            if len(self.found) == LISTED:
                self.more += 1
                return
            one = self.found[key] = Acted(kind=actor.kind.value)
        one.records += 1
        if actor.role is not None:
            one.roles.add(actor.role)
        span = occurred(body)
        if span is not None:
            one.first_us = span.low_us if one.first_us is None else min(one.first_us, span.low_us)
            one.last_us = span.high_us if one.last_us is None else max(one.last_us, span.high_us)
