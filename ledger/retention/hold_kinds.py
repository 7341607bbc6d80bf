"""Legal holds: what must be kept whatever its retention says. In the system log."""

from typing import Annotated

import msgspec

from ledger.core.authority import Authority
from ledger.core.kinds import Kind
from ledger.core.record import Name, Text
from ledger.core.retention import Subject
from ledger.core.times import SafeInt

MAX_HELD = 10_000
"""Entries that one hold names at most; more are told by a source, a subject or an interval."""


class HoldEntry1(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="legal-hold/1"):
    """From here on nothing of this log, or of this source of it, is erased; or (`holds` false) the hold is lifted."""

    hold: Name
    holds: bool
    log: Name
    reason: Text
    authority: Authority
    source: Name | None = None

    def now(self) -> "HoldEntry":
        """The present form."""
        return HoldEntry(
            hold=self.hold, holds=self.holds, log=self.log, reason=self.reason, authority=self.authority,
            source=self.source,
        )  # fmt: skip


class HoldEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="legal-hold/2"):
    """From here on nothing that it covers is erased or disposed of; or (`holds` false) a second person released it.

    It covers what is of this log and meets all that is given besides: of this source; linked to this subject; with any
    of its times from `from_at` to before `until_at`; one of `entries`.
    """

    hold: Name
    holds: bool
    log: Name
    reason: Text
    authority: Authority
    source: Name | None = None
    subject: Subject | None = None
    from_at: str | None = None
    until_at: str | None = None
    entries: Annotated[tuple[SafeInt, ...], msgspec.Meta(max_length=MAX_HELD)] = ()


def hold_of(body: msgspec.Struct) -> msgspec.Struct:
    """A body of any kind; a hold of the older version in the present form."""
    return body.now() if isinstance(body, HoldEntry1) else body


KINDS = (Kind("legal-hold", [HoldEntry1, HoldEntry]),)
