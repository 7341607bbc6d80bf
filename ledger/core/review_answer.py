"""What Trailseal answers an MES, an ERP or a qualified person who asks whether a batch's audit trails are reviewed.

It says what was reviewed; it certifies and releases nothing.
"""

from enum import StrEnum
from typing import Annotated, Final, Literal

import msgspec

from ledger.core.authority import Authority
from ledger.core.kinds import Kind
from ledger.core.record import Digest, Name, Text
from ledger.core.times import SafeInt

ABOUT: Final = "audit-trail-review"


class AnswerState(StrEnum):
    """Whether the audit trail review of a batch is complete."""

    COMPLETE = "complete"
    """It is signed, and nothing came since that is not decided."""
    OPEN = "open"
    DEFERRED = "deferred"
    """It is signed, and all that is open was deferred by an approver for a time that is not over."""
    UNKNOWN = "unknown"
    """Nobody can tell: an integrity incident doubts what it rests on, or there is no record of the batch."""


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why: a stable code, and the words that name what it is about."""

    code: Name
    what: Text


Reasons = Annotated[tuple[Reason, ...], msgspec.Meta(max_length=1000)]


class AnswerStatement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is signed by the log's report key: the answer as of a moment (UTC) and of a size of the log.

    `review`, and `concluded`, the entry that its signatures are over: null where there is none.
    """

    about: Literal["audit-trail-review"] = ABOUT
    origin: Name
    batch: Name
    state: AnswerState
    reasons: Reasons
    at: Name
    size: SafeInt
    root: Digest
    review: Name | None
    concluded: SafeInt | None


class ReviewAnswer(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="review-answer/1"):
    """Somebody asked, and was answered so; `sha256` (base64) is that of the signed note that they were given."""

    batch: Name
    state: AnswerState
    reasons: Reasons
    size: SafeInt
    review: Name | None
    sha256: Digest
    authority: Authority


REVIEW_ANSWER: Final = Kind("review-answer", [ReviewAnswer])
