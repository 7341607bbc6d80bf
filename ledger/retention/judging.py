"""Whether a record may go: its retention from the entries of one snapshot, and the holds and incidents of then."""

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec
from sqlalchemy import Connection, select

from ledger.core.address import LogId
from ledger.core.clock import parse_utc
from ledger.core.entry import LeafData, decode_leaf
from ledger.core.errors import LedgerError, NotFound
from ledger.core.record import RecordBody
from ledger.core.retention import (
    Fact,
    Facts,
    Retained,
    RetentionClass,
    RetentionEvent,
    Rule,
    Subject,
    retained,
    rule_of,
    subjects_of,
)
from ledger.retention.holds import Holds, covering, held
from ledger.retention.rules import Rules
from ledger.sources import tables as sources
from ledger.sources.kinds import SourceRegistered
from ledger.store.disposed import disposal_of
from ledger.store.reading import LogReader, StoredEntry
from ledger.store.store import Store

Preserves = Callable[[int, int, Sequence[tuple[str, str]]], str | None]
"""The integrity incident that keeps a log's entry with these links (kind, id) from going; None where none does."""


class Incidents(Protocol):
    """What integrity incidents keep of records."""

    def preserving(self, connection: Connection) -> Preserves:
        """The case for which an entry is evidence, in this snapshot."""
        ...

    def holding(self, log: int, indices: Sequence[int]) -> Sequence[str]:
        """The cases whose folder holds content of any of these entries."""
        ...


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """An entry: its retention (of several classes the longest; None: it is permanent), the hold that covers it, the
    integrity incident that concerns it, and the entry that disposed of it.
    """

    index: int
    kind: str
    classes: tuple[RetentionClass, ...] = ()
    retained: Retained | None = None
    source: str | None = None
    subjects: tuple[Subject, ...] = ()
    hold: str | None = None
    case: str | None = None
    disposed: int | None = None

    def disposable(self, proven_us: int | None) -> bool:
        """Whether it may go at a time that is vouched for."""
        over = self.retained is not None and self.retained.over(proven_us)
        return over and self.hold is None and self.case is None and self.disposed is None


class Judge:
    """Judges entries of one log in one snapshot; rules, holds, facts and incidents are read once."""

    def __init__(self, store: Store, connection: Connection, log: LogId, preserves: Preserves) -> None:
        self._store = store
        self._connection = connection
        self._log = log
        self._preserves = preserves
        self._rules = Rules(store)
        self._confirmed = self._rules.confirmed(connection)
        self._holds = Holds(store).now(connection)
        self._classes: dict[str, tuple[RetentionClass, ...]] = {}
        self._facts: dict[Subject, Facts] = {}

    def at(self, index: int) -> Judged:
        """One entry; raises NotFound."""
        return self.judge(LogReader(self._connection, self._log.number).entry(index))[0]

    def judge(self, stored: StoredEntry) -> tuple[Judged, RecordBody | None]:
        """A stored entry, and its body if it is a record that is there."""
        case = self._preserves(self._log.number, stored.index, ())
        try:
            judged, body = self._judged(stored)
        except LedgerError:
            if case is None:
                raise
            return Judged(index=stored.index, kind="", case=case), None  # what is damaged need not be readable
        return (judged if case is None else msgspec.structs.replace(judged, case=case)), body

    def _judged(self, stored: StoredEntry) -> tuple[Judged, RecordBody | None]:
        leaf = decode_leaf(stored.leaf)
        if stored.body is None:
            gone = disposal_of(self._connection, self._log.number, stored.index)
            if gone is None:
                raise NotFound(f"the content of entry {stored.index} is missing, and no entry disposed of it")
            return Judged(index=stored.index, kind=leaf.kind, disposed=gone.entry), None
        kind = self._store.kinds[leaf.kind]
        body = kind.decode(stored.body) if kind.retention is not RetentionClass.PERMANENT else None
        if not isinstance(body, RecordBody):
            return Judged(index=stored.index, kind=leaf.kind, classes=(RetentionClass.PERMANENT,)), None
        return self._record(stored.index, leaf, body), body

    def _record(self, index: int, leaf: LeafData, body: RecordBody) -> Judged:
        record, logged_us = body.record, parse_utc(leaf.logged_at)
        classes = self._classes_of(record.source)
        links = [(link.kind, link.id) for link in record.links]
        found, about = [], set[Subject]()
        for retention in classes:
            rule = rule_of(retention, self._confirmed)
            known = subjects_of(rule, links)
            about |= set(known)
            found.append(self._retained(rule, logged_us, known))
        return Judged(
            index=index,
            kind=leaf.kind,
            classes=classes,
            retained=longest(found),
            source=record.source,
            subjects=tuple(sorted(about)),
            case=self._preserves(self._log.number, index, [(kind.value, name) for kind, name in links]),
            hold=covering(self._holds, held(self._log.name, index, body, logged_us)),
        )

    def _retained(self, rule: Rule, logged_us: int, known: tuple[Subject, ...]) -> Retained:
        facts: dict[tuple[Subject, RetentionEvent], Fact] = {}
        for subject in known:
            if subject not in self._facts:
                self._facts[subject] = self._rules.facts(self._connection, [subject])
            facts.update(self._facts[subject])
        return retained(rule, logged_us, known, facts)

    def _classes_of(self, source: str) -> tuple[RetentionClass, ...]:
        """Every class that the source was ever registered with: a change of it shortens nothing."""
        if source not in self._classes:
            row = sources.source.c
            indices = self._connection.scalars(
                select(row.from_index).where(row.log == self._log.number, row.key == source)
            ).all()
            found = set()
            for stored in LogReader(self._connection, self._log.number).chosen(indices):
                leaf = decode_leaf(stored.leaf)
                body = None if stored.body is None else self._store.kinds[leaf.kind].decode(stored.body)
                named = body.retention if isinstance(body, SourceRegistered) else RetentionClass.PERMANENT.value
                known = named in RetentionClass._value2member_map_
                found.add(RetentionClass(named) if known else RetentionClass.PERMANENT)
            self._classes[source] = tuple(sorted(found)) or (RetentionClass.PERMANENT,)
        return self._classes[source]


def longest(found: list[Retained]) -> Retained:
    """Of several retentions the one that ends last; one without an end before all."""
    return max(found, key=lambda one: (one.until_us is None, one.until_us or 0))
