"""The notice: that somebody was told something, by which way, and what came of it. In the system log.

A notice bears no authority of its own: Trailseal tells of an entry, and that entry (`about`) says who caused it.
"""

from enum import StrEnum

import msgspec

from ledger.core.kinds import Kind
from ledger.core.record import Name, Text
from ledger.core.times import SafeInt


class Subject(StrEnum):
    """What a notice tells; the catalogue has `notice.<subject>` and `notice.text.<subject>` for each."""

    ACCOUNT_LOCKED = "account-locked"
    """Refused components locked an account. Places: account, count."""
    ACCOUNT_UNLOCKED = "account-unlocked"
    """Somebody unlocked the account. Places: account."""
    COMPONENT_CHANGED = "component-changed"
    """A password, second factor or passkey was set or retired. Places: account, sort."""
    RESET_REQUESTED = "reset-requested"
    """Somebody asks for components of an account to be reset. Places: account."""
    BINDING_REQUESTED = "binding-requested"
    """A signing key waits for people to attest it. Places: account."""
    BINDING_ATTESTED = "binding-attested"
    """A signing key was attested, or counts from here on. Places: account."""
    TASK_ASSIGNED = "task-assigned"
    """Places: title, due."""
    TASK_DUE = "task-due"
    """Places: title, due."""
    TASK_OVERDUE = "task-overdue"
    """Places: title, due."""
    TASK_ESCALATED = "task-escalated"
    """Places: title, account (whose task it was)."""
    ACCESS_REVIEW_DUE = "access-review-due"
    """Places: due."""
    DEVICE_TEST_DUE = "device-test-due"
    """A device's test is good for some days more. Places: account, device, due."""
    DEVICE_TEST_OVERDUE = "device-test-overdue"
    """It is good no more: the device signs nothing. Places: account, device, due."""
    ERASURE_REQUESTED = "erasure-requested"
    """Places: erasure."""
    ERASURE_DECIDED = "erasure-decided"
    """Places: erasure, outcome."""
    DISPOSAL = "disposal"
    """Records are to be disposed of, or are no longer. Places: disposal, step, count, log."""
    QUORUM_MISSING = "quorum-missing"
    """Witnesses did not cosign a checkpoint. Places: origin, size, missing."""
    TRUST_FINDING = "trust-finding"
    """Of witnesses, or of clocks. Places: detail."""
    SITE_LOG = "site-log"
    """Something is wrong with a watched log. Places: detail."""
    INCIDENT = "incident"
    """A case was opened or goes on: something may not be what was logged. Places: case, step."""
    TEST = "test"
    """Somebody asked for a notice to see that it arrives."""


class Channel(StrEnum):
    """How a notice reaches whom it is for."""

    PAGE = "page"
    """It stands among the person's own notices; always."""
    EMAIL = "email"
    WEBHOOK = "webhook"


class NoticeState(StrEnum):
    """What became of it."""

    TOLD = "told"
    SENT = "sent"
    FAILED = "failed"


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One way of one notice: to an account, or to a webhook by its address."""

    channel: Channel
    to: Name


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What goes into the text in place of `name`."""

    name: Name
    value: Text


class NoticeEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="notice/1"):
    """Told: from here on the notice is due to go these ways. Sent or failed: what came of one of them.

    `about`: the address of the entry that it tells of. An e-mail address is in no entry of this kind: it is read from
    the account when the notice goes. `attempts` and `detail` are of `sent` and `failed`.
    """

    notice: Name
    event: NoticeState
    subject: Subject
    deliveries: tuple[Delivery, ...]
    about: Name | None = None
    places: tuple[Place, ...] = ()
    attempts: SafeInt | None = None
    detail: Text | None = None


KINDS = (Kind("notice", [NoticeEntry]),)
