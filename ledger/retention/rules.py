"""Rules of retention and the facts that they count from: proposed, confirmed by a second person, entered, corrected."""

import secrets
from collections.abc import Iterable

import msgspec
from sqlalchemy import Connection, select

from ledger.core.authority import Authority
from ledger.core.clock import utc_text
from ledger.core.entry import draft
from ledger.core.errors import Conflict, NotFound, SchemaViolation
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
from ledger.retention.entries import body_at, history, in_force, require_person
from ledger.retention.kinds import FactEntry, RuleEntry, RuleEvent, end_of_day
from ledger.retention.projector import fact_key
from ledger.store.append import Batch, Transaction
from ledger.store.logs import SYSTEM_LOG
from ledger.store.store import Store


class ShownRule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule as it stands: in force (`built in` where nobody confirmed another), or proposed and not confirmed yet."""

    retention: RetentionClass
    terms: tuple[Term, ...]
    in_force: bool
    rule: str | None = None
    reason: str = ""
    proposed_by: str | None = None
    confirmed_by: str | None = None
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

    def propose(
        self, retention: RetentionClass, terms: tuple[Term, ...], reason: str, authority: Authority, *, person: bool
    ) -> str:
        """Proposes other terms for a class; returns the proposal's name. In force once a second person confirms it.

        Raises SchemaViolation for a class that is permanent, and for terms that say nothing.
        """
        require_person(authority, person, "a rule of retention is proposed")
        if retention is RetentionClass.PERMANENT:
            raise SchemaViolation("what is permanent is never disposed of", advice="Choose another class.")
        if not terms or len({term.event for term in terms}) != len(terms):
            raise SchemaViolation("a rule has a term for each event that it counts from", advice="Name each once.")
        entry = RuleEntry(
            rule=secrets.token_hex(8),
            event=RuleEvent.PROPOSED,
            retention=retention,
            terms=terms,
            reason=reason,
            authority=authority,
        )
        self._store.append_one(SYSTEM_LOG, draft(entry))
        return entry.rule

    def confirm(self, rule: str, reason: str, authority: Authority, *, person: bool) -> int:
        """Confirms a proposed rule: it is in force from here on; returns the entry's index.

        Raises NotFound, AccessDenied for who proposed it, Conflict for one that was confirmed already.
        """
        with self._store.reading() as connection:
            past = history(self._store, connection, tables.retention_rule, rule, RuleEntry)
        if not past:
            raise NotFound(f"there is no rule {rule!r}")
        was = past[-1][1]
        require_person(authority, person, "a rule of retention is confirmed", (past[0][1].authority.actor,))
        entry = msgspec.structs.replace(was, event=RuleEvent.CONFIRMED, reason=reason, authority=authority)

        def check(transaction: Transaction) -> None:
            now = history(self._store, transaction.connection, tables.retention_rule, rule, RuleEntry)
            if now[-1][1].event is not RuleEvent.PROPOSED or transaction.scratch.get(("rule", rule)):
                raise Conflict(f"rule {rule!r} was confirmed already")
            transaction.scratch["rule", rule] = True

        return self._store.append(SYSTEM_LOG, Batch([draft(entry)], before=check))[0].index

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
        """The rule of each class that is in force, then what is proposed."""
        with self._store.reading() as connection:
            confirmed = self.confirmed(connection)
            shown = []
            for retention in BUILT_IN:
                rule = rule_of(retention, confirmed)
                if rule.entry is None:
                    shown.append(ShownRule(retention=retention, terms=rule.terms, in_force=True))
                else:
                    shown.append(self._shown(connection, rule.entry, in_force=True))
            for index, body, _ in in_force(self._store, connection, tables.retention_rule, RuleEntry):
                if body.event is RuleEvent.PROPOSED:
                    shown.append(self._shown(connection, index, in_force=False))
        return shown

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

    def _shown(self, connection: Connection, index: int, *, in_force: bool) -> ShownRule:
        body, logged_us = body_at(self._store, connection, index, RuleEntry)
        first = history(self._store, connection, tables.retention_rule, body.rule, RuleEntry)[0][1]
        return ShownRule(
            retention=body.retention,
            terms=body.terms,
            in_force=in_force,
            rule=body.rule,
            reason=body.reason,
            proposed_by=first.authority.actor,
            confirmed_by=body.authority.actor if body.event is RuleEvent.CONFIRMED else None,
            index=index,
            at=utc_text(logged_us),
        )
