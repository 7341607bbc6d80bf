"""The signing workflows of one ledger, and what a schedule does in them: it escalates, and asks again for changes."""

import secrets
from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection

from ledger.core.authority import Authority
from ledger.core.entry import Draft, draft
from ledger.core.errors import Conflict
from ledger.core.progress import StepStanding
from ledger.core.signature import MAX_ENTRIES
from ledger.core.workflow import Changed, DecisionEntry, DecisionEvent, RequestEntry, RequestState
from ledger.people.credentials import current
from ledger.signing.content import changes, performers_now, renewed_entries, told
from ledger.signing.decisions import Decisions
from ledger.signing.delegations import Delegations
from ledger.signing.holders import Holders
from ledger.signing.key_tests import KeyTests
from ledger.signing.reminders import Reminders, Tells
from ledger.signing.requests import Decided, Requests, Running, names_in, read_running
from ledger.signing.route_tables import signing_route
from ledger.signing.routes import Routes, route_at
from ledger.signing.sets import target_of
from ledger.signing.tasks import Escalation, Tasks, escalation_of
from ledger.store.append import Batch, Placed, Transaction
from ledger.store.logs import SYSTEM_LOG, choose, read_logs
from ledger.store.reading import LogReader
from ledger.store.store import Store

SCHEDULE: Final = Authority(actor="service:signing", authenticated=False)
"""On whose authority a step is escalated, and signatures are asked for again."""


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What one look did: the steps that were escalated, and the requests whose content had changed."""

    escalated: tuple[Escalation, ...]
    superseded: tuple[str, ...]


class Workflows:
    """Everything about signing workflows. Safe to use from any number of threads; `work` for one at a time.

    `tell`: what sends notices to people; without it nobody is told. `listed`: as `Requests` has it.
    """

    def __init__(self, store: Store, tell: Tells | None = None, listed: int = MAX_ENTRIES) -> None:
        self._store = store
        self._listed = listed
        self.routes = Routes(store)
        self.requests = Requests(store, listed)
        self.decisions = Decisions(store)
        self.delegations = Delegations(store)
        self.tasks = Tasks(store)
        self.reminders = None if tell is None else Reminders(store, tell)
        self.key_tests = None if tell is None else KeyTests(store, tell)
        self._looked: dict[str, int] = {}

    def work(self) -> Done:
        """Escalates what is overdue, and opens again what has changed."""
        done = Done(escalated=tuple(self.escalate()), superseded=tuple(self.renew()))
        if self.reminders is not None:
            self.reminders.remind()
        if self.key_tests is not None:
            self.key_tests.remind()
        return done

    def escalate(self) -> list[Escalation]:
        """Enters each step that is overdue and not escalated yet, and sends word of it."""
        done = []
        now_us = self._store.clock.now_us()
        with self._store.reading() as connection:
            overdue = self.tasks.overdue(connection, now_us)
        for running, standing in overdue:
            entry = _escalated(running, standing)
            try:
                self._enter(running.request.request, entry, None)
            except Conflict:
                continue  # another process has it, or it was signed meanwhile
            with self._store.reading() as connection:
                escalation = escalation_of(Holders(self._store, connection, now_us), running, entry)
            done.append(escalation)
            if self.reminders is not None:
                self.reminders.escalated(escalation)
        return done

    def renew(self) -> list[str]:
        """Supersedes each request whose content has changed, and asks for its signatures again, in one transaction.

        Returns the superseded. A log that nothing was added to since this process looked is not looked at again.
        """
        done = []
        with self._store.reading() as connection:
            heads = {log.origin: LogReader(connection, log.number).head().size for log in read_logs(connection)}
            names = [
                name for state in (RequestState.OPEN, RequestState.COMPLETED) for name in names_in(connection, state)
            ]
            found = []
            for name in names:
                running = read_running(self._store, connection, name)
                if self._looked.get(name, -1) < heads.get(running.request.target.origin, 0):
                    changed = changes(self._store, connection, running.request)
                    if changed:
                        found.append((running, changed, self._again(connection, running, changed)))
                    else:
                        self._looked[name] = heads[running.request.target.origin]
        for running, changed, again in found:
            entry = DecisionEntry(
                request=running.request.request,
                opened=running.entry,
                event=DecisionEvent.SUPERSEDED,
                reason=told(changed[0]),
                authority=SCHEDULE,
                changed=changed[:MAX_ENTRIES],
                renewed_by=None if again is None else again.request,
                state=RequestState.SUPERSEDED,
            )
            try:
                self._enter(running.request.request, entry, again)
            except Conflict:
                continue
            done.append(running.request.request)
        return done

    def _again(self, connection: Connection, running: Running, changed: Sequence[Changed]) -> RequestEntry | None:
        """The request over the present content; None where there is none left that could be asked for."""
        request = running.request
        log = choose(read_logs(connection), request.target.origin)
        reader = LogReader(connection, log.number)
        entries = renewed_entries(connection, request, changed)
        if not entries:
            return None
        index = current(connection, signing_route, request.route)
        retired = index is None or route_at(self._store, connection, index).retired
        version = request.route_version if index is None or retired else index
        whole = request.population is not None
        target = target_of(reader, log, entries, reader.head().size, request.target.id, whole, self._listed)
        again = msgspec.structs.replace(
            request,
            request=secrets.token_hex(8),
            target=target,
            route_version=version,
            reason=told(changed[0]),
            authority=SCHEDULE,
            renews=request.request,
            asked_by=running.progress.opener,
        )
        found = performers_now(self._store, connection, again)
        names = tuple(sorted({*request.performers, *found.names}))
        return msgspec.structs.replace(again, performers=names, unresolved=found.unresolved)

    def _enter(self, request: str, entry: DecisionEntry, again: RequestEntry | None) -> None:
        """Enters a decision of the schedule, and the request that comes of it; Conflict if it no longer is so."""

        def check(transaction: Transaction) -> None:
            past: list[Decided] = transaction.scratch.setdefault(("request", request), [])
            running = read_running(self._store, transaction.connection, request, past)
            wrong = running.progress.refusal(entry, transaction.logged_us)
            if wrong is not None:
                raise Conflict(wrong.what)
            past.append(Decided(entry=-1, at_us=transaction.logged_us, decision=entry))

        def more(_transaction: Transaction, _placed: Sequence[Placed]) -> Sequence[Draft]:
            return [] if again is None else [draft(again)]

        self._store.append(SYSTEM_LOG, Batch([draft(entry)], closing=more, before=check))


def _escalated(running: Running, standing: StepStanding) -> DecisionEntry:
    return DecisionEntry(
        request=running.request.request,
        opened=running.entry,
        event=DecisionEvent.ESCALATED,
        reason=f"not signed within {standing.step.due_hours} hours",
        authority=SCHEDULE,
        step=standing.step.step,
        told=standing.step.escalate_to,
    )
