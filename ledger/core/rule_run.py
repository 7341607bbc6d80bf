"""Runs of the rules as entries of the log whose records were examined: what was looked at, and what it came to."""

from enum import StrEnum
from typing import Annotated

import msgspec

from ledger.core.authority import Authority
from ledger.core.kinds import Kind
from ledger.core.record import Name, OriginalRef
from ledger.core.times import SafeInt


class Said(StrEnum):
    """What a rule says of a record."""

    CLEAR = "clear"
    EXPLAINED = "explained"
    """It would be a finding, but for what a guard of the rule knows."""
    FINDING = "finding"
    PENDING = "pending"
    """Another source's time is not known far enough yet to say so."""
    UNORDERED = "cannot-order"
    """The times of what decides it overlap."""
    LACKING = "not-assessable"


class Lacking(msgspec.Struct, frozen=True, kw_only=True):
    """Of how many records a rule could not say anything for want of an input."""

    input: Name
    records: SafeInt


class Examined(msgspec.Struct, frozen=True, kw_only=True):
    """One rule: of how many records it examined it found what.

    `clear` and those `explained` by a guard; `findings` that stand on them, of which `opened` and `closed` by this run;
    `pending`: another source's time is not known far enough yet; `unordered`: what decides it cannot be put in order.
    """

    rule: Name
    version: SafeInt
    examined: SafeInt
    clear: SafeInt
    explained: SafeInt
    findings: SafeInt
    opened: SafeInt
    closed: SafeInt
    pending: SafeInt
    unordered: SafeInt
    lacking: tuple[Lacking, ...]


class Watermark(msgspec.Struct, frozen=True, kw_only=True):
    """Up to when (UTC) the time of a source was known."""

    source: Name
    to: str


class RuleRun(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="rule-run/1"):
    """The rules over what entries from `low` to before `size` could change; its findings stand directly before it.

    `opened` and `closed`: how many of them, over all rules. `waiting` keeps what the next run begins with, such as
    which records each rule looks at again (`review.exceptions.left`); null in early ones where nothing waits.
    """

    low: SafeInt
    size: SafeInt
    opened: SafeInt
    closed: SafeInt
    rules: Annotated[tuple[Examined, ...], msgspec.Meta(max_length=1000)]
    watermarks: Annotated[tuple[Watermark, ...], msgspec.Meta(max_length=10_000)]
    waiting: OriginalRef | None
    authority: Authority


RULE_RUN = Kind("rule-run", [RuleRun])
