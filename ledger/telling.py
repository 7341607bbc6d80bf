"""Who is told of what: read off the system log as it grows, by the process that leads.

Nothing has to call this: whatever causes an entry, the leader sees it within a second. Each notice has an id of its
entry's, so an entry that is looked at twice is told once.
"""

from collections.abc import Iterator
from typing import Final

import structlog
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from ledger.core.address import Address
from ledger.core.binding import BindingEvent, KeyBindingEntry
from ledger.core.entry import Entry
from ledger.core.errors import LedgerError
from ledger.core.witness_policy import CheckpointWitnessedEntry, Quorum
from ledger.findings.incident_kinds import IncidentCase
from ledger.findings.kinds import Finding, FindingSort
from ledger.integrity.entries import read_entries
from ledger.people.attempts import unalerted
from ledger.people.entrance import Entrance
from ledger.people.evaluations import EvaluationId, is_on
from ledger.people.notice_kinds import Subject
from ledger.people.notice_tables import notice_cursor
from ledger.people.notices import Notices
from ledger.people.person_kinds import CredentialEntry, CredentialSort, SignInEntry, SignInEvent
from ledger.people.reset_kinds import ResetEntry, ResetEvent
from ledger.people.roles import Role
from ledger.privacy.erasure_kinds import ErasureEntry, ErasureEvent
from ledger.retention.disposal_kinds import DisposalEntry, DisposalEvent
from ledger.store.engine import is_sqlite
from ledger.store.logs import SYSTEM_LOG
from ledger.store.reading import LogReader
from ledger.store.store import Store
from ledger.trust.site_watch import FINDINGS
from ledger.trust.witness_reading import state_before

AT_ONCE: Final = 500
"""Entries of one look; the next takes the others."""


class Telling:
    """For use by the leader, one thread at a time; `about_lock` by any thread."""

    def __init__(self, store: Store, origin: str, notices: Notices, entrance: Entrance) -> None:
        """`origin`: the system log's."""
        self._store = store
        self._origin = origin
        self._notices = notices
        self._entrance = entrance
        self._log = structlog.get_logger("ledger.telling")
        entrance.alerts.listen(self.about_lock)

    def about_lock(self, account: str, index: int) -> list[str]:
        """Tells those responsible that the entry at `index` locked an account; returns whom it told (R30)."""
        with self._store.reading() as connection:
            if not is_on(connection, EvaluationId.LOCK_ALERT):
                return []
            entry = next(read_entries(connection, SYSTEM_LOG, index, index + 1, self._store.kinds))
        responsible, once = self._notices.responsible(), f"lock/{index}"
        places = {"account": account, "count": str(entry.body.count)}
        self._notices.tell(responsible, Subject.ACCOUNT_LOCKED, self._address(index), once=once, **places)
        return responsible if self._notices.known(once) else []

    def work(self) -> None:
        """Tells of every entry since the last look, and of locks that nobody could be told of when they happened."""
        with self._store.reading() as connection:
            waiting = unalerted(connection)
        for account, index in waiting:
            self._entrance.alerts.locked(account, index)
        with self._store.reading() as connection:
            size = LogReader(connection, SYSTEM_LOG).head().size
            since = connection.scalar(select(notice_cursor.c.next_index).where(notice_cursor.c.log == SYSTEM_LOG))
            kept = since is not None
            since = size if since is None else since
            until = min(size, since + AT_ONCE)
            entries = list(read_entries(connection, SYSTEM_LOG, since, until, self._store.kinds))
        for entry in entries:
            try:
                for accounts, subject, places in self._of(entry):
                    once = f"entry/{entry.index}/{subject.value}"
                    self._notices.tell(accounts, subject, self._address(entry.index), once=once, **places)
            except LedgerError as error:
                # One entry that nobody can be told of must not keep others from being told of.
                self._log.error("nobody was told of an entry", index=entry.index, error=error.message)
        if entries or not kept:
            self._keep(until)

    def _of(self, entry: Entry) -> Iterator[tuple[list[str], Subject, dict[str, str]]]:
        body = entry.body
        match body:
            case SignInEntry(event=SignInEvent.UNLOCKED):
                yield [body.account], Subject.ACCOUNT_UNLOCKED, {"account": body.account}
            case CredentialEntry() if body.sort is not CredentialSort.ENROLMENT:
                places = {"account": body.account, "sort": body.sort.value}
                yield [body.account], Subject.COMPONENT_CHANGED, places
            case ResetEntry(event=ResetEvent.ASKED):
                told = [body.account, *self._notices.responsible()]
                yield told, Subject.RESET_REQUESTED, {"account": body.account}
            case KeyBindingEntry(event=BindingEvent.REQUESTED):
                told = [body.account, *self._notices.responsible()]
                yield told, Subject.BINDING_REQUESTED, {"account": body.account}
            case KeyBindingEntry(event=BindingEvent.ATTESTED | BindingEvent.BOUND):
                yield [body.account], Subject.BINDING_ATTESTED, {"account": body.account}
            case ErasureEntry(event=ErasureEvent.REQUESTED):
                yield self._notices.holders(Role.APPROVER), Subject.ERASURE_REQUESTED, {"erasure": body.erasure}
            case ErasureEntry(event=ErasureEvent.REFUSED | ErasureEvent.ERASED):
                places = {"erasure": body.erasure, "outcome": body.event.value}
                yield self._notices.responsible(), Subject.ERASURE_DECIDED, places
            case DisposalEntry(part=0) if body.event is not DisposalEvent.DISPOSED:
                places = {
                    "disposal": body.disposal,
                    "step": body.event.value,
                    "count": str(body.total),
                    "log": body.log,
                }
                yield self._notices.holders(Role.APPROVER), Subject.DISPOSAL, places
            case CheckpointWitnessedEntry(state=Quorum.MISSING):
                with self._store.reading() as connection:
                    fresh = state_before(connection, body.origin, entry.index) is not Quorum.MISSING
                if fresh:
                    places = {"origin": body.origin, "size": str(body.size), "missing": body.missing}
                    yield self._notices.responsible(), Subject.QUORUM_MISSING, places
            case Finding(sort=FindingSort.WITNESS_OVERDUE | FindingSort.TIME_DIFFERS | FindingSort.TIME_STAMP_OUTAGE):
                yield self._notices.responsible(), Subject.TRUST_FINDING, {"detail": body.detail}
            case Finding(sort=sort) if sort in FINDINGS.values():
                yield self._notices.responsible(), Subject.SITE_LOG, {"detail": body.detail}
            case IncidentCase():
                told = list(dict.fromkeys((*self._notices.responsible(), *self._notices.holders(Role.APPROVER))))
                yield told, Subject.INCIDENT, {"case": body.case, "step": body.event.value}
            case Finding(sort=FindingSort.ACCESS_REVIEW_OVERDUE):
                yield self._notices.responsible(), Subject.ACCESS_REVIEW_DUE, {"due": body.detail}

    def _keep(self, index: int) -> None:
        with self._store.writing() as connection:
            insert = sqlite.insert if is_sqlite(connection) else postgresql.insert
            connection.execute(
                insert(notice_cursor)
                .values(log=SYSTEM_LOG, next_index=index)
                .on_conflict_do_update(index_elements=["log"], set_={"next_index": index})
            )

    def _address(self, index: int) -> str:
        return str(Address(self._origin, index))
