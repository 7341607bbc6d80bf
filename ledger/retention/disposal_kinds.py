"""The disposal of records whose retention is over: asked for, approved by a second person, done. In the system log."""

from enum import StrEnum
from typing import Annotated

import msgspec

from ledger.core.authority import Authority
from ledger.core.kinds import Kind
from ledger.core.record import Name, Text
from ledger.core.retention import Item, RetentionClass, Subject
from ledger.core.times import SafeInt
from ledger.retention.copy_kinds import CopySort
from ledger.retention.kinds import Day

PART = 1000
"""Records that one entry lists at most, and that go in one transaction."""
DAY_US = 86_400_000_000
LEAST_DAYS = 1
"""Days between approval and removal, at least."""


class DisposalEvent(StrEnum):
    """What happened to a disposal."""

    REQUESTED = "requested"
    APPROVED = "approved"
    DISPOSED = "disposed"
    """The listed records go in the transaction of this entry."""
    WITHDRAWN = "withdrawn"
    """Nothing more is removed under it."""


class Copy(msgspec.Struct, frozen=True, kw_only=True):
    """A copy that removal does not reach, and the day on which it is gone, as who asks states it."""

    sort: CopySort
    where: Name
    expires: Day


class Group(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Records of one source and of the same subjects, and why their retention is over.

    `until`: when it ended (`utc_text`), by the rules (entries of the system log; none where they are built in) of
    `classes`, and by these facts (entries of the system log). `logged_at`: the last of them, where a rule counts from
    that.
    """

    source: Name
    classes: tuple[RetentionClass, ...]
    until: str
    items: Annotated[tuple[Item, ...], msgspec.Meta(max_length=PART)]
    subjects: tuple[Subject, ...] = ()
    rules: tuple[SafeInt, ...] = ()
    facts: tuple[SafeInt, ...] = ()
    logged_at: str | None = None


class DisposalEntry(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="disposal/1"
):
    """Somebody asks for records of a log to be disposed of (in `parts` entries, `total` records), approves it, or it is
    done with the records of `groups`. `number` is the log's.

    `waits_days` after the approval they are removed, if then no hold covers them and their retention is over still.
    `proven_at`: the witnessed or time-stamped time that an approval or a removal relied on. `remains`: the copies that
    removal does not reach.
    """

    disposal: Name
    event: DisposalEvent
    log: Name
    number: SafeInt
    reason: Text
    authority: Authority
    groups: tuple[Group, ...] = ()
    part: SafeInt = 0
    parts: SafeInt = 1
    total: SafeInt = 0
    waits_days: SafeInt = LEAST_DAYS
    remains: tuple[Copy, ...] = ()
    proven_at: str | None = None


def items_of(body: DisposalEntry) -> list[Item]:
    """All records that an entry lists."""
    return [item for group in body.groups for item in group.items]


KINDS = (Kind("disposal", [DisposalEntry]),)
