"""Projectors of retention."""

from collections.abc import Iterable

from ledger.core.entry import Entry
from ledger.core.hashing import unb64
from ledger.core.projector import Projector, Row, Valid
from ledger.core.retention import RetentionEvent, Subject
from ledger.retention import tables as t
from ledger.retention.copy_kinds import CopyEntry
from ledger.retention.disposal_kinds import DisposalEntry, DisposalEvent, items_of
from ledger.retention.hold_kinds import HoldEntry, HoldEntry1
from ledger.retention.kinds import FactEntry, RuleEntry
from ledger.store import schema
from ledger.store.position import pos_of


class HoldProjector:
    """Legal holds in force."""

    name = "legal-hold"
    version = 1
    kinds = frozenset({"legal-hold"})
    table = t.legal_hold.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        body: HoldEntry | HoldEntry1 = entry.body
        yield Valid(body.hold, (body.log, body.source or "") if body.holds else None)


class RuleProjector:
    """Rules that were proposed and confirmed."""

    name = "retention-rule"
    version = 1
    kinds = frozenset({"retention-rule"})
    table = t.retention_rule.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        body: RuleEntry = entry.body
        yield Valid(body.rule, (body.retention.value, body.event.value))


class FactProjector:
    """What is known of subjects."""

    name = "retention-fact"
    version = 1
    kinds = frozenset({"retention-fact"})
    table = t.retention_fact.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        body: FactEntry = entry.body
        about = (body.subject.kind.value, body.subject.id, body.event.value)
        yield Valid(fact_key(body.subject, body.event), None if body.day is None else (*about, body.day))


class CopyProjector:
    """What is stated of copies that are there."""

    name = "retention-copy"
    version = 1
    kinds = frozenset({"retention-copy"})
    table = t.retention_copy.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        body: CopyEntry = entry.body
        yield Valid(body.copy, (body.sort.value,) if body.there else None)


class DisposalProjector:
    """What happened to each disposal last."""

    name = "disposal"
    version = 1
    kinds = frozenset({"disposal"})
    table = t.disposal.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        body: DisposalEntry = entry.body
        yield Valid(body.disposal, (body.event.value, body.log))


class DisposedProjector:
    """The entries that are disposed of."""

    name = "disposed-entry"
    version = 1
    kinds = frozenset({"disposal"})
    tables = (schema.disposed_entry.name,)

    def rows(self, entry: Entry) -> Iterable[Row]:
        body: DisposalEntry = entry.body
        if body.event is not DisposalEvent.DISPOSED:
            return
        pos = pos_of(entry.log, entry.index)
        for item in items_of(body):
            digest = None if item.digest is None else unb64(item.digest, 32)
            yield schema.disposed_entry.name, (pos, pos_of(body.number, item.index), unb64(item.leaf_hash, 32), digest)


def fact_key(subject: Subject, event: RetentionEvent) -> str:
    """By which key a fact is corrected."""
    return f"{subject.kind.value}/{event.value}/{subject.id}"


def projectors(_dialect: str) -> tuple[Projector, ...]:
    """All projectors of this domain."""
    decided = (HoldProjector(), RuleProjector(), FactProjector(), CopyProjector())
    return *decided, DisposalProjector(), DisposedProjector()
