"""Entries about keys, and entries by which logs bind each other."""

import msgspec

from ledger.core.key_events import KeyEvent, KeyEvent1, KeyEventSort, KeyPurpose
from ledger.core.kinds import Kind
from ledger.core.record import Digest, Name
from ledger.core.times import SafeInt


class LogBinding(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="log-binding/1"):
    """Another log of this ledger, as it was published then: whoever rewrites that log must rewrite this one too.

    `checkpoint` is the signed note, in text.
    """

    origin: Name
    size: SafeInt
    root: Digest
    checkpoint: str


__all__ = ["KINDS", "KeyEvent", "KeyEventSort", "KeyPurpose", "LogBinding"]

KINDS = (Kind("key-event", [KeyEvent1, KeyEvent]), Kind("log-binding", [LogBinding]))
