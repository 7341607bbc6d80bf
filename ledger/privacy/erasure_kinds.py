"""The erasure of a personal value. In the system log."""

from enum import StrEnum

import msgspec

from ledger.core.authority import Authority
from ledger.core.kinds import Kind
from ledger.core.record import Name, Text
from ledger.core.times import SafeInt


class Ground(StrEnum):
    """Why the person may ask for it: Regulation (EU) 2016/679, Article 17(1), by its letters."""

    NO_LONGER_NECESSARY = "no-longer-necessary"
    CONSENT_WITHDRAWN = "consent-withdrawn"
    OBJECTION = "objection"
    UNLAWFUL = "unlawful"
    LEGAL_OBLIGATION = "legal-obligation"


class CoverSort(StrEnum):
    """Why a value must stay (Article 17(3)(b) and (e)); the catalogue has `erasure.answer.<sort>` for each."""

    PERFORMER = "performer"
    """Who performed an action of a GMP record: readable as long as the record is kept."""
    SIGNATORY = "signatory"
    """Somebody who signed, or could sign, approve or review: their printed name stays readable."""
    RETENTION = "retention"
    HOLD = "hold"
    INCIDENT = "incident"
    """It is evidence in an integrity incident."""
    IN_USE = "in-use"
    """Contact data of an account that is in use."""
    OWN_TRAIL = "own-trail"
    """It is part of Trailseal's own audit trail."""


class ErasureEvent(StrEnum):
    """What happened to a request."""

    REQUESTED = "requested"
    REFUSED = "refused"
    APPROVED = "approved"
    """The first of the two approvals; the second comes with `erased`."""
    ERASED = "erased"


class ErasedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the vault: of which entry (log by number), and whether a sealed value (its ordinal) or an original."""

    log: SafeInt
    index: SafeInt
    sort: Name
    ordinal: SafeInt


class ErasureEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="erasure/1"):
    """Somebody asks for the sealed value `member` of entry `target` to be erased; or it was decided.

    `answer` is the text that the person can be given where it was refused, and `cover` why. `rows` of `erased` are gone
    from the vault from here on, with every original that held the value: all proofs stay valid.
    """

    erasure: Name
    event: ErasureEvent
    target: Name
    member: Name
    ground: Ground
    reason: Text
    authority: Authority
    cover: CoverSort | None = None
    answer: Text | None = None
    rows: tuple[ErasedRow, ...] = ()


KINDS = (Kind("erasure", [ErasureEntry]),)
