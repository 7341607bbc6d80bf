"""Entries about keys, and entries by which logs bind each other."""

from enum import StrEnum

import msgspec

from ledger.core.authority import Authority
from ledger.core.kinds import Kind
from ledger.core.record import Digest, Name
from ledger.core.times import SafeInt


class KeyPurpose(StrEnum):
    """A key serves one purpose, and its key event names it."""

    LOG = "log"
    REPORT = "report"
    RECEIPT = "receipt"
    DIGEST = "digest"
    NOTICE = "notice"


class KeyEventSort(StrEnum):
    """What can happen to a key in this version."""

    CREATED = "created"
    RETIRED = "retired"


class KeyEvent(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="key-event/1"):
    """What happened to a key. `key` is its verifier key (C2SP signed-note); for the digest secret, which has no public
    half, its id.
    """

    event: KeyEventSort
    purpose: KeyPurpose
    key: Name
    authority: Authority


class LogBinding(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="log-binding/1"):
    """Another log of this ledger, as it was published then: whoever rewrites that log must rewrite this one too.

    `checkpoint` is the signed note, in text.
    """

    origin: Name
    size: SafeInt
    root: Digest
    checkpoint: str


KINDS = (Kind("key-event", [KeyEvent]), Kind("log-binding", [LogBinding]))
