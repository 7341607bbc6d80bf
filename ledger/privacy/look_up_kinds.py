"""The look-up: that somebody searched for a person, and what for. In the system log."""

from enum import StrEnum

import msgspec

from ledger.core.authority import Authority
from ledger.core.kinds import Kind
from ledger.core.record import ContentDigest, Name, Sealed, Text
from ledger.core.times import SafeInt


class Purpose(StrEnum):
    """What one may search for a person for: a controlled list; there is no "other"."""

    REVIEW = "review"
    """The review of an audit trail."""
    INVESTIGATION = "investigation"
    """A deviation, a complaint, an incident with the product."""
    INSPECTION = "inspection"
    """An authority's or customer's inspection, or an internal audit."""
    SECURITY = "security"
    """Misuse of an account, or the suspicion of it."""
    ACCESS_REVIEW = "access-review"
    """Whether somebody's rights are still due."""
    OWN_REQUEST = "own-request"
    """The person asks what is kept of them."""


class Basis(StrEnum):
    """By which member of a search a person was searched for."""

    ACTOR = "actor"
    TEXT = "text"
    OBJECT = "object"
    LINK = "link"


class LookUpEvent(StrEnum):
    """A search; or the beginning or end of a span in which the purpose is asked once."""

    SEARCHED = "searched"
    OPENED = "opened"
    CLOSED = "closed"


class LookUpEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="look-up/1"):
    """Somebody searched log `log` for a person, and was answered `count` records; or a purpose was opened or closed.

    Who was searched for stands beside the entry, sealed (`person`): what was typed, one to a line. `person_digests` are
    the keyed digests of each, so that a person can be told who looked for them. `session`: the opened purpose that the
    search belongs to, or that this opens (until `expires_at`, for the matter `context`) or closes.
    """

    event: LookUpEvent
    account: Name
    purpose: Purpose
    authority: Authority
    log: Name | None = None
    by: tuple[Basis, ...] = ()
    person: Sealed | None = None
    person_digests: tuple[ContentDigest, ...] = ()
    count: SafeInt | None = None
    session: Name | None = None
    context: Text | None = None
    expires_at: str | None = None


KINDS = (Kind("look-up", [LookUpEntry]),)
