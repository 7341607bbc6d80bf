"""Rules of retention, which changes of configuration bring, and the facts that they count from: entered, corrected."""

import re
from collections.abc import Iterable
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from ledger.core.authority import Authority
from ledger.core.clock import utc_text
from ledger.core.entry import draft
from ledger.core.errors import SchemaViolation
from ledger.core.retention import (
    BUILT_IN,
    SUBJECTS,
    Fact,
    RetentionClass,
    RetentionEvent,
    Rule,
    Subject,
    Term,
    rule_of,
)
from ledger.retention import tables
from ledger.retention.entries import body_at, in_force
from ledger.retention.kinds import FactEntry, RuleEntry, RuleEvent, by_change, end_of_day
from ledger.retention.projector import fact_key
from ledger.store.logs import SYSTEM_LOG
from ledger.store.store import Store

_PERIOD: Final = re.compile(r"(?:([0-9]{1,6})y)?(?:([0-9]{1,6})m)?(?:([0-9]{1,6})d)?")


class ShownRule(msgspec.Struct, frozen=True, kw_only=True):
    """The rule of a class that is in force; `index`: the entry that set it (null: it is built in)."""

    retention: RetentionClass
    terms: tuple[Term, ...]
    reason: str = ""
    index: int | None = None
    at: str | None = None


class ShownFact(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a subject, since which entry of the system log, and from whom."""

    subject: Subject
    event: RetentionEvent
    day: str
    reason: str
    entered_by: str
    index: int


class Rules:
    """Safe to use from any number of threads."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def enter_fact(
        self, subject: Subject, event: RetentionEvent, day: str | None, reason: str, authority: Authority
    ) -> int:
        """Enters, corrects, or (without a day) takes back when an event happened to a subject; returns the index.

        Raises SchemaViolation for an event that cannot happen to it, or no day.
        """
        if subject.kind not in SUBJECTS.get(event, ()):
            raise SchemaViolation(
                f"{event.value} is nothing that happens to a {subject.kind.value}",
                advice=f"It happens to: {', '.join(sorted(SUBJECTS.get(event, ()))) or 'nothing'}.",
            )
        try:
            if day is not None:
                end_of_day(day)
        except (ValueError, OverflowError):
            raise SchemaViolation(f"{day!r} is no day", advice="Write it as 2026-11-25.") from None
        entry = FactEntry(subject=subject, event=event, day=day, reason=reason, authority=authority)
        return self._store.append_one(SYSTEM_LOG, draft(entry)).index

    def confirmed(self, connection: Connection) -> dict[RetentionClass, Rule]:
        """The confirmed rule of each class that has one."""
        found = {}
        for index, body, _ in in_force(self._store, connection, tables.retention_rule, RuleEntry):
            if body.event is RuleEvent.CONFIRMED:
                found[body.retention] = Rule(retention=body.retention, terms=body.terms, entry=index)
        return found

    def facts(self, connection: Connection, about: Iterable[Subject]) -> dict[tuple[Subject, RetentionEvent], Fact]:
        """All that is known of these subjects."""
        row = tables.retention_fact.c
        found = {}
        for subject in about:
            keys = [fact_key(subject, event) for event, kinds in SUBJECTS.items() if subject.kind in kinds]
            indices = connection.scalars(
                select(row.from_index).where(row.log == SYSTEM_LOG, row.key.in_(keys), row.to_index.is_(None))
            ).all()
            for index in indices:
                body, _ = body_at(self._store, connection, index, FactEntry)
                if body.day is not None:
                    found[body.subject, body.event] = Fact(at_us=end_of_day(body.day), entry=index)
        return found

    def all(self) -> list[ShownRule]:
        """The rule of each class that is in force."""
        with self._store.reading() as connection:
            confirmed = self.confirmed(connection)
            return [self._shown(connection, retention, rule_of(retention, confirmed)) for retention in BUILT_IN]

    def all_facts(self, limit: int = 1000) -> list[ShownFact]:
        """What is known of subjects, the newest first."""
        row = tables.retention_fact.c
        with self._store.reading() as connection:
            indices = connection.scalars(
                select(row.from_index)
                .where(row.log == SYSTEM_LOG, row.to_index.is_(None))
                .order_by(row.from_index.desc())
                .limit(limit)
            ).all()
            entries = [(index, body_at(self._store, connection, index, FactEntry)[0]) for index in indices]
        return [
            ShownFact(
                subject=body.subject,
                event=body.event,
                day=body.day or "",
                reason=body.reason,
                entered_by=body.authority.actor,
                index=index,
            )
            for index, body in entries
        ]

    def _shown(self, connection: Connection, retention: RetentionClass, rule: Rule) -> ShownRule:
        if rule.entry is None:
            return ShownRule(retention=retention, terms=rule.terms)
        body, logged_us = body_at(self._store, connection, rule.entry, RuleEntry)
        return ShownRule(
            retention=retention, terms=rule.terms, reason=body.reason, index=rule.entry, at=utc_text(logged_us)
        )


def term_of(event: str, period: str) -> Term:
    """A term as a person writes it: an event, and how long after it (5y, 1y6m or 90d). Raises SchemaViolation."""
    match = _PERIOD.fullmatch(period)
    if event not in set(RetentionEvent) or match is None or not any(match.groups()):
        raise SchemaViolation(
            f"{event[:40]!r}, {period[:40]!r}: that is no term of retention",
            advice=f"A period is written as 5y or 1y6m; the event is one of {', '.join(RetentionEvent)}.",
        )
    years, months, days = (int(part or 0) for part in match.groups())
    try:
        return msgspec.convert({"event": event, "years": years, "months": months, "days": days}, Term)
    except msgspec.ValidationError as error:
        raise SchemaViolation(f"{period[:40]!r} is too long: {error}", advice="Write it as 30y.") from None


def changed(retention: RetentionClass, terms: tuple[Term, ...], reason: str, authority: Authority) -> RuleEntry:
    """The entry by which a class has other terms, for a change to bring. Raises as `checked`."""
    return checked(
        RuleEntry(
            rule=retention.value,
            event=RuleEvent.CONFIRMED,
            retention=retention,
            terms=terms,
            reason=reason,
            authority=authority,
        )
    )


def checked(entry: RuleEntry) -> RuleEntry:
    """The rule, if a change can bring it; raises SchemaViolation for a class that is permanent, and for terms that say
    nothing.
    """
    if entry.retention is RetentionClass.PERMANENT:
        raise SchemaViolation("what is permanent is never disposed of", advice="Choose another class.")
    if not by_change(entry):
        raise SchemaViolation(
            "a rule of retention that a change brings is named as its class, and is confirmed by it",
            advice=f'Write "rule": "{entry.retention.value}", "event": "confirmed".',
        )
    if not entry.terms or len({term.event for term in entry.terms}) != len(entry.terms):
        raise SchemaViolation("a rule has a term for each event that it counts from", advice="Name each once.")
    return entry
