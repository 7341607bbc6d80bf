"""The finding, and the incident, as entries."""

from enum import StrEnum

import msgspec

from ledger.core.kinds import Kind
from ledger.core.record import Name
from ledger.core.times import SafeInt


class FindingSort(StrEnum):
    """What was found; one word for it wherever it is shown."""

    RECORD_CHANGED_AFTER_COLLECTION = "record-changed-after-collection"
    BATCHES_MISSING = "batches-missing"
    AGENT_SILENT = "agent-silent"
    CHALLENGE_MISSED = "challenge-missed"
    CHALLENGE_WRONG = "challenge-wrong"
    CHALLENGE_NOT_PLANTED = "challenge-not-planted"
    ACCESS_REVIEW_OVERDUE = "access-review-overdue"
    TIME_STAMP_OUTAGE = "time-stamp-outage"
    TIME_STAMP_LATE = "time-stamp-late"
    WITNESS_OVERDUE = "witness-overdue"
    TIME_DIFFERS = "time-differs"
    SITE_LOG_FORKED = "site-log-forked"
    SITE_LOG_SHRUNK = "site-log-shrunk"
    SITE_LOG_UNVERIFIED = "site-log-unverified"
    SITE_LOG_SILENT = "site-log-silent"
    RECONCILIATION_BROKEN = "reconciliation-broken"
    """A source counts other records of a time than those that were received of it."""
    EXPOSURE_EXCEEDED = "exposure-exceeded"
    """Records lay at their source for longer than its limit: until their receipt they could be altered unseen. The
    finding's entries are the run, and those records that lay longest.
    """


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="finding/1"):
    """Something found about entries of this log; `detail` names what a person needs to look at it."""

    sort: FindingSort
    source: Name | None
    entries: tuple[SafeInt, ...]
    detail: str


class Incident(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="incident/1"):
    """Evidence that the ledger itself was altered, and what was stopped because of it."""

    code: Name
    detail: str
    stopped: str
    source: Name | None = None


KINDS = (Kind("finding", [Finding]), Kind("incident", [Incident]))
