"""Rules of retention, and the facts that they count from: entries of the system log."""

from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated

import msgspec

from ledger.core.authority import Authority
from ledger.core.clock import parse_utc
from ledger.core.kinds import Kind
from ledger.core.record import Name, Text
from ledger.core.retention import RetentionClass, RetentionEvent, Subject, Term

Day = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]


class RuleEvent(StrEnum):
    """What happened to a rule."""

    PROPOSED = "proposed"
    """By an entry of its own, as rules were before they were proposed as changes."""
    CONFIRMED = "confirmed"
    """By a second person: in force from here on."""


class RuleEntry(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="retention-rule/1"
):
    """Records of this class are kept until each of the terms is over.

    `rule`: the class itself where a change brought it; a name of its own where two entries proposed and confirmed it.
    """

    rule: Name
    event: RuleEvent
    retention: RetentionClass
    terms: tuple[Term, ...]
    reason: Text
    authority: Authority


class FactEntry(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="retention-fact/1"
):
    """The event happened to the subject on that day; a later entry of the same corrects it, one without a day takes
    it back.
    """

    subject: Subject
    event: RetentionEvent
    reason: Text
    authority: Authority
    day: Day | None = None


def by_change(body: RuleEntry) -> bool:
    """Whether it is a rule that nothing but a change of configuration brings."""
    return body.event is RuleEvent.CONFIRMED and body.rule == body.retention.value


def end_of_day(day: str) -> int:
    """The instant at which a day is over, in UTC: periods count from there. Raises ValueError for no such day."""
    return parse_utc(f"{date.fromisoformat(day) + timedelta(days=1)}T00:00:00.000000Z")


KINDS = (Kind("retention-rule", [RuleEntry]), Kind("retention-fact", [FactEntry]))
