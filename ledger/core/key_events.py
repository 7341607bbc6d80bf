"""What happens to keys, as entries say it: from their making, over rotations that were promised before, to their end.

A log's key is replaced only by one whose digest the log held before it was needed: `log-created` and every rotation
commit to the *next* key, which is made and kept where no thief of the present one finds it.
"""

from collections.abc import Mapping
from enum import StrEnum
from hashlib import sha256
from typing import Annotated

import msgspec

from ledger.core.authority import Authority
from ledger.core.hashing import b64
from ledger.core.record import Digest, Name, Text
from ledger.core.statement import Purpose, statement_message
from ledger.core.times import SafeInt

KeyText = Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]
"""A verifier key, which for ML-DSA-44 takes 1,800 characters, or the id of a key that has no public half."""


class KeyPurpose(StrEnum):
    """A key serves one purpose, and its key event names it. Of a person's key only its owner's word is said so."""

    LOG = "log"
    REPORT = "report"
    RECEIPT = "receipt"
    DIGEST = "digest"
    NOTICE = "notice"
    PERSON = "person"


class KeyEventSort(StrEnum):
    """What can happen to a key."""

    CREATED = "created"
    RETIRED = "retired"
    PRE_ROTATED = "pre-rotated"
    """A log's key: the digest of the next one is promised, once, where the log was created without."""
    ROTATED = "rotated"
    """A log's key: the promised one takes over, and the next one is promised."""
    ACTIVATED = "activated"
    """A log's key of another algorithm signs beside the present one from here on."""
    REVOKED = "revoked"
    """A log's key that was replaced signs no more."""
    COMPROMISE_REPORTED = "compromise-reported"
    COMPROMISE_CONFIRMED = "compromise-confirmed"
    """By a second person: from here on it counts."""
    REPUDIATED = "repudiated"
    """A person's key: its owner does not stand by what it signed."""


class KeyEvent1(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="key-event/1"):
    """The first form of a key event: a key was made, or taken out of use."""

    event: KeyEventSort
    purpose: KeyPurpose
    key: Name
    authority: Authority


class Compromise(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A key may be in other hands: noticed at `reported_at`, and nothing is certain from `doubtful_from` on.

    `meaning`: what it means for what the key signed, in words. `report`: the entry that a confirmation confirms.
    """

    reported_at: str
    doubtful_from: str
    meaning: Text
    report: SafeInt | None = None


class KeyEvent(KeyEvent1, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="key-event/2"):
    """What happened to a key. `key` is its verifier key (C2SP signed-note); for the digest secret, which has no public
    half, its id, and so for a person's or an agent's.

    Of a log's key: `previous` is the entry of the key event before it (0: the log's creation), `replaces` the key that
    is rotated away, `next` the digest of the one after (`key_digest`). `lines` are signature lines over the statement
    that this is (`key_statement`): of the present key, and at a rotation of the new one too.
    """

    key: KeyText
    reason: Text = ""
    previous: SafeInt | None = None
    replaces: KeyText | None = None
    next: Digest | None = None
    compromise: Compromise | None = None
    lines: tuple[str, ...] = ()


def key_digest(vkey: str) -> str:
    """What is promised of a key that nobody shall see yet: SHA-256 over its verifier key's text, in base64."""
    return b64(sha256(vkey.encode()).digest())


def key_statement(origin: str, event: KeyEvent) -> str:
    """The note text that the keys sign which a key event is about: all of it but who caused it, and the lines."""
    payload: Mapping[str, object] = {
        "event": event.event.value,
        "key": event.key,
        "next": event.next,
        "previous": event.previous,
        "reason": event.reason,
        "replaces": event.replaces,
    }
    return statement_message(Purpose.LOG_KEY, origin, payload).decode() + "\n"
