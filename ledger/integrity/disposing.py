"""Decides rules, holds and disposals again from the system log: who confirmed, released and approved, and what was due.

A disposal makes the database let records go. One that does not follow from the entries before it is named, whoever
wrote it: not approved by a second person, before its waiting period was over, of other records than were listed, under
a hold, of evidence in an open incident, or within the retention that the rules and facts of then give. An incident is
open for certain until its closing is put before quality assurance; what was signed of that is level 4's to say.
"""

from typing import Final

import msgspec

from ledger.core.authority import Authority
from ledger.core.clock import MICROSECONDS, parse_utc
from ledger.core.cosignature import cosigned_at
from ledger.core.entry import Entry
from ledger.core.errors import LedgerError
from ledger.core.members import Members
from ledger.core.note import parse_note
from ledger.core.retention import SUBJECTS, Fact, RetentionClass, RetentionEvent, Rule, Subject, retained, rule_of
from ledger.core.timestamp_entries import TimestampEntry
from ledger.core.witness_policy import CheckpointWitnessedEntry
from ledger.findings.incident_kinds import CaseEvent, IncidentCase
from ledger.retention.disposal_kinds import DAY_US, DisposalEntry, DisposalEvent, Group, items_of
from ledger.retention.hold_kinds import HoldEntry, HoldEntry1, hold_of
from ledger.retention.holds import Held, covers, scope_of
from ledger.retention.judging import longest
from ledger.retention.kinds import FactEntry, RuleEntry, RuleEvent, by_change, end_of_day
from ledger.store.logs import SYSTEM_LOG

_LOOKED_FOR: Final = frozenset[object]().union(*SUBJECTS.values())
"""Kinds of links that stand in a disposal's entry, as rules look for facts about them."""


class _Asked(msgspec.Struct):
    """A disposal so far: what was listed and is there still, by index."""

    first: DisposalEntry
    parts: int = 0
    listed: int = 0
    left: dict[int, tuple[str, Group]] = {}
    approved_us: int | None = None
    withdrawn: bool = False


class Disposing:
    """Retention in the system log, in its order; `broken` asks of the entries in any order."""

    def __init__(self) -> None:
        self._wrong: dict[int, str] = {}
        self._proposed: dict[str, RuleEntry] = {}
        self._confirmed: dict[RetentionClass, Rule] = {}
        self._facts: dict[tuple[Subject, RetentionEvent], Fact] = {}
        self._holds: dict[str, HoldEntry] = {}
        self._cases: dict[str, dict[str, Members]] = {}
        self._asked: dict[str, _Asked] = {}
        self._proven_us = 0

    def enter(self, entry: Entry) -> None:
        """Takes the system log's next entry."""
        body = entry.body
        what = ""
        if isinstance(body, RuleEntry):
            what = self._rule(entry.index, body)
        elif isinstance(body, FactEntry):
            self._fact(entry.index, body)
        elif isinstance(body, HoldEntry | HoldEntry1):
            what = self._hold(body)
        elif isinstance(body, IncidentCase):
            self._case(body)
        elif isinstance(body, TimestampEntry):
            self._proven_us = max(self._proven_us, _said(body))
        elif isinstance(body, CheckpointWitnessedEntry):
            self._proven_us = max(self._proven_us, _cosigned(body))
        elif isinstance(body, DisposalEntry):
            try:
                what = self._disposal(entry.logged_us, body)
            except (LedgerError, ValueError, OverflowError) as error:
                what = f"it cannot be judged: {error}"
            what = what and f"disposal {body.disposal!r}: {what}"
        if what:
            self._wrong[entry.index] = what

    def broken(self, entry: Entry) -> str:
        """The rule that an entry of the system log breaks; empty if none."""
        return self._wrong.get(entry.index, "")

    def _rule(self, index: int, body: RuleEntry) -> str:
        if by_change(body):  # whether a second person signed it, `changing` says
            self._confirmed[body.retention] = Rule(retention=body.retention, terms=body.terms, entry=index)
            return ""
        if body.event is RuleEvent.PROPOSED:
            known = body.rule in self._proposed
            self._proposed.setdefault(body.rule, body)
            return f"rule {body.rule!r} was proposed before" if known else ""
        was = self._proposed.get(body.rule)
        if was is None or (was.retention, was.terms) != (body.retention, body.terms):
            return f"rule {body.rule!r} was confirmed, and not proposed so"
        wrong = _second(body.authority, was.authority.actor, f"rule {body.rule!r} was confirmed")
        if not wrong:
            self._confirmed[body.retention] = Rule(retention=body.retention, terms=body.terms, entry=index)
        return wrong

    def _fact(self, index: int, body: FactEntry) -> None:
        self._facts.pop((body.subject, body.event), None)
        if body.day is not None:
            self._facts[body.subject, body.event] = Fact(at_us=end_of_day(body.day), entry=index)

    def _hold(self, body: HoldEntry | HoldEntry1) -> str:
        now = hold_of(body)
        assert isinstance(now, HoldEntry)
        was = self._holds.get(now.hold)
        if now.holds:
            self._holds[now.hold] = now
            if isinstance(body, HoldEntry) and not body.authority.authenticated:
                return f"hold {now.hold!r} was placed by nobody who signed in"
            return f"hold {now.hold!r} was in force already" if was is not None else ""
        if was is None or scope_of(was) != scope_of(now):
            return f"hold {now.hold!r} was released, and was not in force so"
        wrong = ""
        if isinstance(body, HoldEntry):
            wrong = _second(body.authority, was.authority.actor, f"hold {now.hold!r} was released")
        if not wrong:
            del self._holds[now.hold]
        return wrong

    def _case(self, body: IncidentCase) -> None:
        if body.event is CaseEvent.OPENED:
            self._cases[body.case] = {one.origin: Members.read(one.runs) for one in body.affected}
        elif body.event is CaseEvent.CLOSING:
            self._cases.pop(body.case, None)

    def _disposal(self, logged_us: int, body: DisposalEntry) -> str:
        known = self._asked.get(body.disposal)
        if body.event is DisposalEvent.REQUESTED:
            return self._requested(known, body)
        if known is None:
            return f"it was {body.event.value}, and nobody had asked for it"
        if known.withdrawn:
            return "it was withdrawn before"
        if (body.log, body.number, body.waits_days) != (known.first.log, known.first.number, known.first.waits_days):
            return "it is not what was asked for"
        if body.event is DisposalEvent.WITHDRAWN:
            known.withdrawn = True
            return ""
        if body.event is DisposalEvent.APPROVED:
            return self._approved(known, logged_us, body)
        return self._disposed(known, logged_us, body)

    def _requested(self, known: _Asked | None, body: DisposalEntry) -> str:
        if known is None:
            known = self._asked[body.disposal] = _Asked(first=body, left={})
        elif known.approved_us is not None or body.part != known.parts or not _same_request(known.first, body):
            return "it was asked for before, otherwise"
        known.parts += 1
        known.listed += len(items_of(body))
        for group in body.groups:
            known.left.update((item.index, (item.leaf_hash, group)) for item in group.items)
        if body.number == SYSTEM_LOG:
            return "it is of the system log, of which nothing is disposed of"
        return "" if body.authority.authenticated else "nobody who signed in asked for it"

    def _approved(self, known: _Asked, logged_us: int, body: DisposalEntry) -> str:
        if known.approved_us is not None:
            return "it was approved before"
        if (known.parts, known.listed) != (known.first.parts, known.first.total):
            return "it was approved before all of it was listed"
        wrong = _second(body.authority, known.first.authority.actor, "it was approved")
        if not wrong:
            known.approved_us = logged_us
        return wrong

    def _disposed(self, known: _Asked, logged_us: int, body: DisposalEntry) -> str:
        if known.approved_us is None:
            return "it does not follow from an approval"
        if logged_us < known.approved_us + known.first.waits_days * DAY_US:
            return "its waiting period was not over"
        if body.proven_at is None or parse_utc(body.proven_at) > logged_us:
            return "it rests on no time that was proven then"
        proven_us = parse_utc(body.proven_at)
        if proven_us > self._proven_us:
            return "no witness or time-stamp before it proves the time that it rests on"
        for group in body.groups:
            for item in group.items:
                hashed, listed = known.left.get(item.index, ("", group))
                if hashed != item.leaf_hash or _reasons(listed) != _reasons(group):
                    return f"entry {item.index} is not among what was asked for and there still"
                case = self._preserving(body.log, item.index)
                if case is not None:
                    return f"entry {item.index} was evidence in the open incident {case!r}"
                hold = self._covering(body.log, item.index, group)
                if hold is not None:
                    return f"legal hold {hold!r} covered entry {item.index}"
            if self._until(group) > proven_us:
                return f"the retention of entry {group.items[0].index} was not over"
            for item in group.items:
                del known.left[item.index]
        return ""

    def _preserving(self, log: str, index: int) -> str | None:
        for case, affected in self._cases.items():
            if any(origin.endswith(f"/{log}") and index in members for origin, members in affected.items()):
                return case
        return None

    def _until(self, group: Group) -> int:
        logged_us = 2**62 if group.logged_at is None else parse_utc(group.logged_at)
        found = [
            retained(rule_of(one, self._confirmed), logged_us, group.subjects, self._facts) for one in group.classes
        ]
        until_us = longest(found).until_us if found else None
        return 2**62 if until_us is None else until_us

    def _covering(self, log: str, index: int, group: Group) -> str | None:
        """The hold that covers an entry for certain: what went says no more of itself than the entry repeats."""
        what = Held(log=log, index=index, source=group.source, subjects=group.subjects)
        for one in self._holds.values():
            timed = one.from_at is not None or one.until_at is not None
            if not timed and (one.subject is None or one.subject.kind in _LOOKED_FOR) and covers(one, what):
                return one.hold
        return None


def _said(body: TimestampEntry) -> int:
    """The moment that a time-stamp's entry says is proven; level 3 verifies that its token says so."""
    try:
        return parse_utc(body.gen_time) - body.accuracy_us
    except LedgerError:
        return 0


def _cosigned(body: CheckpointWitnessedEntry) -> int:
    """The latest moment that a line of an entry says; level 3 verifies the lines."""
    if not body.lines:
        return 0
    try:
        note = parse_note("".join(["-\n\n", *(f"{line}\n" for line in body.lines)]).encode())
        return max(cosigned_at(line) for line in note.signatures) * MICROSECONDS
    except LedgerError:
        return 0


def _reasons(group: Group) -> Group:
    return msgspec.structs.replace(group, items=())


def _same_request(one: DisposalEntry, other: DisposalEntry) -> bool:
    return msgspec.structs.replace(one, groups=(), part=0) == msgspec.structs.replace(other, groups=(), part=0)


def _second(authority: Authority, first: str, what: str) -> str:
    if not authority.authenticated:
        return f"{what} by {authority.actor}, who is nobody who signed in"
    return f"{what} by {authority.actor}, who had begun it" if authority.actor == first else ""
