"""A collection run: what a collector hands to the ledger at once, and what the ledger answers.

Coverage of a source over time is proven by its runs: each names the cursor it started and ended at, and what it could
not know (intervals in which the source could not be reached, gaps that a look revealed).
"""

from enum import StrEnum
from typing import Annotated

import msgspec

from ledger.core.record import Digest, Interval, Name, Submission, Text
from ledger.core.times import Clock, SafeInt

Cursor = Annotated[str, msgspec.Meta(max_length=65_536)]
"""A collector's position in its source: text that only that collector reads."""


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """Input that could not become a record: its bytes are quarantined with the reason, never dropped."""

    data: bytes
    media_type: Name
    reason: Text
    received_at: str


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch that the source shows to exist but does not give: what it concerns, when, and why."""

    subject: Name
    reason: Name
    between: Interval


class SourceFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a source says of itself, as far as it can be read: its version, a fingerprint of the schema that is read,
    and its audit-trail setting in words. A change of any makes the source one to validate anew.
    """

    version: Name | None = None
    schema: Name | None = None
    audit_trail: Name | None = None


class RunBatch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One run of one source, or one part of it: all of it is appended in one transaction, or none.

    `snapshot` is the collector's own state for its next run (at most 16 MiB), kept in the vault; `cursor_from` must be
    the cursor at which the run before ended, else the batch is refused as out of order.
    """

    source: Name
    started_at: str
    ended_at: str
    cursor_from: Cursor | None
    cursor_to: Cursor | None
    submissions: tuple[Submission, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    clock: Clock | None = None
    unreachable: tuple[Interval, ...] = ()
    gaps: tuple[Gap, ...] = ()
    snapshot: bytes | None = None
    facts: SourceFacts | None = None


class Status(StrEnum):
    """What became of one submission."""

    APPENDED = "appended"
    DUPLICATE = "duplicate"
    QUARANTINED = "quarantined"


class RecordOutcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`index` is the entry's; for a duplicate the earlier one, for a quarantined one its quarantine entry."""

    status: Status
    index: int
    reason: str = ""


class RunReceipt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The ledger's answer once a run is durable: the log's origin, the run's entry, and every submission's outcome.

    `outcomes` is in the order of the submissions, then of the rejected.
    """

    origin: str
    run: int
    outcomes: tuple[RecordOutcome, ...] = ()


class SourceState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a source stands: the cursor and snapshot that its last run left, and its digest in the run chain."""

    source: str
    cursor: str | None = None
    snapshot: bytes | None = None
    last_run: SafeInt | None = None
    last_run_ended_at: str | None = None
    run_chain: Digest | None = None
