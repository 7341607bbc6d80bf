"""The finding, and the incident, as entries."""

from enum import StrEnum
from typing import Final

import msgspec

from ledger.core.kinds import Kind
from ledger.core.record import Digest, Name, Text
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


class Severity(StrEnum):
    """How much a finding of a rule matters before what its source is worth comes in."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"


class RuleEvent(StrEnum):
    """What becomes of a finding of a rule by what the log knows; what people decide of it is another entry."""

    OPENED = "opened"
    """It stands, on the grounds that are told here; what an earlier entry of the same key tells holds no longer."""
    CLOSED = "closed"
    """What came later, or a map or parameter that was corrected, shows that there is nothing."""


class RuleFinding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="finding/2"):
    """A rule found something in records of this log, or no longer does.

    `key` names it whatever order records came in: the SHA-256 (base64) of the canonical form of rule, version and the
    sources' own ids of the records that it rests on, in order. `anchor`: the record that was examined, one of
    `entries`. `why`: the code of what was found; `detail` tells it.
    """

    rule: Name
    version: SafeInt
    event: RuleEvent
    key: Digest
    anchor: SafeInt
    entries: tuple[SafeInt, ...]
    source: Name
    severity: Severity
    why: Name
    detail: Text


class Incident(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="incident/1"):
    """Evidence that the ledger itself was altered, and what was stopped because of it."""

    code: Name
    detail: str
    stopped: str
    source: Name | None = None


FINDING: Final = Kind("finding", [Finding, RuleFinding])
KINDS: Final = (FINDING, Kind("incident", [Incident]))
