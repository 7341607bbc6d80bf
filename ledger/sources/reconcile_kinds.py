"""That a source's own count was held against what the log has of it, as an entry."""

from enum import StrEnum
from typing import Annotated

import msgspec

from ledger.core.authority import Authority
from ledger.core.kinds import Kind
from ledger.core.record import Digest, Name, Text
from ledger.core.times import SafeInt

Ids = Annotated[tuple[Name, ...], msgspec.Meta(max_length=100)]


class By(StrEnum):
    """Who counted at the source: its collector, which read it anew; or a person."""

    COLLECTOR = "collector"
    HAND = "hand"


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """How many records there are; `digest` is SHA-256 over their sorted ids, joined by LF. Null: only counted."""

    count: SafeInt
    digest: Digest | None


class Reconciliation(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="reconciliation/1"):
    """What the source has, and what the log had at `size`, of records that happened from `from_at` to before `to_at`.

    `lacking`: ids that the source has and the log has not; `gone`: those that the source no longer has; at most 100 of
    each. Records whose source names no instant are on neither side.
    """

    source: Name
    from_at: str
    to_at: str
    size: SafeInt
    by: By
    there: Counted
    here: Counted
    holds: bool
    lacking: Ids
    gone: Ids
    reason: Text
    authority: Authority


KINDS = (Kind("reconciliation", [Reconciliation]),)
