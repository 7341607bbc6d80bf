"""Resets: what takes a person's second factors away needs two others, and a lost device is revoked in one step.

Whoever confirms is somebody else than who asked, and neither is the subject. The confirmation takes the components
away, ends the sessions and issues the code to begin anew in one transaction.
"""

import secrets as random
from typing import Final

import msgspec
from sqlalchemy import select

from ledger.core.authority import Authority
from ledger.core.clock import parse_utc, utc_text
from ledger.core.entry import draft
from ledger.core.errors import AccessDenied, Conflict, NotFound, SelfApproval
from ledger.people import tables
from ledger.people.components import SECOND, Component, find_component, read_components, unchanged
from ledger.people.credentials import current, read_account, read_entry
from ledger.people.directory import Directory
from ledger.people.enrolment import Code, Enrolment, Mailed, require_known
from ledger.people.kinds import AccountSort, AccountState
from ledger.people.making import gone, moving, retired
from ledger.people.person_kinds import CodeWay, CredentialSort
from ledger.people.reset_kinds import ResetEntry, ResetEvent
from ledger.people.sessions import Sessions, checked, superseding
from ledger.store.append import Batch, Transaction
from ledger.store.logs import SYSTEM_LOG
from ledger.store.store import Store

HOURS: Final = 24
"""How long a request waits for another person."""


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A reset that somebody asked for; `password`: the password goes too."""

    reset: str
    account: str
    password: bool
    asked_by: str
    reason: str
    lapses_at: str
    entry: int


class Resets:
    """Safe to use from any number of threads."""

    def __init__(self, store: Store, directory: Directory, sessions: Sessions, enrolment: Enrolment) -> None:
        self._store = store
        self._directory = directory
        self._sessions = sessions
        self._enrolment = enrolment

    def ask(self, account: str, password: bool, reason: str, authority: Authority) -> Waiting:
        """Asks that a person's second factors be taken away; `password`: their password too. Nothing changes yet."""
        if authority.authenticated and authority.actor == account:
            raise AccessDenied("nobody resets their own account", advice="Ask two other people.")
        entry = ResetEntry(
            reset=f"reset-{random.token_hex(8)}",
            account=account,
            event=ResetEvent.ASKED,
            password=password,
            lapses_at=utc_text(self._store.clock.now_us() + HOURS * 3_600_000_000),
            reason=reason,
            authority=authority,
        )

        def check(transaction: Transaction) -> None:
            require_known(self._store, transaction, authority)
            found = read_account(self._store, transaction.connection, account)
            if found is None:
                raise NotFound(f"there is no account {account!r}")
            if found[0].state is not AccountState.ACTIVE or found[0].sort is AccountSort.SERVICE:
                raise Conflict(f"account {account!r} is not that of an active person")

        index = self._store.append(SYSTEM_LOG, Batch([draft(entry)], before=check))[0].index
        return _waiting(entry, index)

    def waiting(self) -> list[Waiting]:
        """Requests that wait for another person, oldest first."""
        row = tables.reset_request.c
        with self._store.reading() as connection:
            indices = connection.scalars(
                select(row.from_index)
                .where(row.log == SYSTEM_LOG, row.to_index.is_(None), row.lapses_us > self._store.clock.now_us())
                .order_by(row.from_index)
            ).all()
            return [_waiting(read_entry(self._store, connection, index, ResetEntry)[0], index) for index in indices]

    def confirm_by_mail(self, reset: str, reason: str, authority: Authority) -> Mailed:
        """As `confirm`, but the code goes to the person's address and is shown to nobody; raises as `Enrolment.mailed`.

        Where the mail server does not take the code, the components are gone all the same, and another code is due.
        """
        account = self._asked(reset)[0].account
        return self._enrolment.mailed(account, authority, lambda went: self.confirm(reset, reason, authority, went))

    def confirm(self, reset: str, reason: str, authority: Authority, went: CodeWay = CodeWay.SHOWN) -> Code:
        """Takes the components away and issues the code by which the person begins anew.

        Raises SelfApproval for who asked, AccessDenied for the subject and for who is not authenticated, NotFound for
        a request that was decided, Conflict for one that lapsed.
        """
        asked, index = self._asked(reset)
        if not authority.authenticated:
            raise AccessDenied("who confirms a reset has to sign in", advice="Confirm it on the pages or by the API.")
        if authority.actor == asked.authority.actor:
            raise SelfApproval(f"{authority.actor} asked for it", advice="Somebody else has to confirm it.")
        if parse_utc(asked.lapses_at) <= self._store.clock.now_us():
            raise Conflict(f"the request lapsed at {asked.lapses_at}", advice="Ask for it again.")
        with self._store.reading() as connection:
            found = read_components(self._store, connection, asked.account)
        going = {CredentialSort.ENROLMENT, *SECOND} | ({CredentialSort.PASSWORD} if asked.password else set())
        ending = [one for one in found if one.sort in going]
        confirmed = msgspec.structs.replace(asked, event=ResetEvent.CONFIRMED, reason=reason, authority=authority)

        def check(transaction: Transaction) -> None:
            self._claim(transaction, reset, index)

        return self._enrolment.replace(asked.account, ending, reason, authority, [draft(confirmed)], check, went)

    def withdraw(self, reset: str, reason: str, authority: Authority) -> int:
        """Takes a request back; returns the entry's index."""
        asked, index = self._asked(reset)
        entry = msgspec.structs.replace(asked, event=ResetEvent.WITHDRAWN, reason=reason, authority=authority)

        def check(transaction: Transaction) -> None:
            require_known(self._store, transaction, authority)
            self._claim(transaction, reset, index)

        return self._store.append(SYSTEM_LOG, Batch([draft(entry)], before=check))[0].index

    def revoke(self, account: str, component: str, reason: str, authority: Authority) -> int:
        """A lost device or passkey is good no longer, at once, and all sessions of its person end; the entry's index.

        Raises NotFound for what is no second factor in force of that account.
        """
        with self._store.reading() as connection:
            found = find_component(self._store, connection, component)
        if found is None or found.body.account != account or found.sort not in SECOND:
            raise NotFound(f"account {account!r} has no device or passkey {component!r}")
        index = end_component(self._store, found, reason, authority, administered=authority.actor != account)
        self._directory.forget()
        self._sessions.end_others(account, None, f"{component} was revoked", authority)
        return index

    def _asked(self, reset: str) -> tuple[ResetEntry, int]:
        with self._store.reading() as connection:
            index = current(connection, tables.reset_request, reset)
            found = None if index is None else read_entry(self._store, connection, index, ResetEntry)[0]
        if index is None or found is None or found.event is not ResetEvent.ASKED:
            raise NotFound(f"no reset {reset!r} waits")
        return found, index

    def _claim(self, transaction: Transaction, reset: str, index: int) -> None:
        key = ("reset", reset)
        if transaction.scratch.get(key) or current(transaction.connection, tables.reset_request, reset) != index:
            raise NotFound(f"no reset {reset!r} waits")
        transaction.scratch[key] = True


def end_component(store: Store, found: Component, reason: str, authority: Authority, administered: bool = False) -> int:
    """Retires a component and destroys its secret; returns the entry's index. Raises Conflict if it is gone.

    `administered`: somebody else than its person does it, who has to be known as an administrator.
    """
    over = Conflict(f"component {found.name!r} is in force no longer")

    def check(transaction: Transaction) -> None:
        if administered:
            require_known(store, transaction, authority)
        if not unchanged(transaction, [found]):
            raise over
        moving(transaction, [found])

    batch = checked(superseding([draft(retired(found, reason, authority))], gone([found]), over), check)
    return store.append(SYSTEM_LOG, batch)[0].index


def _waiting(entry: ResetEntry, index: int) -> Waiting:
    return Waiting(
        reset=entry.reset,
        account=entry.account,
        password=entry.password,
        asked_by=entry.authority.actor,
        reason=entry.reason,
        lapses_at=entry.lapses_at,
        entry=index,
    )
