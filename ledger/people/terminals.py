"""Terminals: enrolled at the device itself, tested there at the interval that the site sets, and taken out of use.

A terminal is a browser that holds a secret of 256 random bits, in a cookie that no script reads; an administrator puts
it there, at the device, and says what was tested. Each later test is made there too, and changes the secret: a copy of
it ends with that. What a session at the terminal may do is `places`' affair.
"""

from typing import Final

import msgspec
from sqlalchemy import select

from ledger.core.authority import Authority
from ledger.core.clock import utc_text
from ledger.core.entry import draft
from ledger.core.errors import NotAuthenticated, NotFound, SchemaViolation
from ledger.people import secrets, tables
from ledger.people.administration import require_admin
from ledger.people.credentials import DAY_US, current, in_use, read_entry
from ledger.people.directory import Directory
from ledger.people.profile import said_profile
from ledger.people.secrets import TERMINAL, Destroyed, Issued
from ledger.people.sessions import checked, superseding
from ledger.people.terminal_kinds import IN_USE, TerminalEntry, TerminalEvent
from ledger.store.append import Batch, Transaction
from ledger.store.logs import SYSTEM_LOG
from ledger.store.store import Store

_SECRET: Final = "terminal"  # noqa: S105 - the name of the vault row, not its value


class Enrolled(msgspec.Struct, frozen=True, kw_only=True):
    """A terminal's secret, for the cookie of the browser that it stands in: told this once, kept nowhere."""

    terminal: str
    secret: str
    index: int


class KnownTerminal(msgspec.Struct, frozen=True, kw_only=True):
    """A terminal that is in use: its last test, by whom and how, and when the next is due."""

    terminal: str
    title: str
    tested_at: str
    tested_by: str
    how: str
    due_at: str | None
    overdue: bool
    entry: int


class Terminals:
    """Safe to use from any number of threads."""

    def __init__(self, store: Store, directory: Directory) -> None:
        self._store = store
        self._directory = directory

    def enrol(self, title: str, how: str, reason: str, authority: Authority) -> Enrolled:
        """The device at which this is asked is a terminal from here on; `how`: what was tested of it.

        Raises AccessDenied for whoever does not administer.
        """
        issued = secrets.issue(TERMINAL, _SECRET)
        entry = _entry(issued.id, TerminalEvent.ENROLLED, title, how, reason, authority, (issued,))

        def check(transaction: Transaction) -> None:
            require_admin(self._store, transaction, authority)

        placed = self._store.append(SYSTEM_LOG, Batch([draft(entry, (issued.item,))], before=check))
        self._directory.forget()
        return Enrolled(terminal=issued.id, secret=issued.text, index=placed[0].index)

    def passed(self, shown: str | None, how: str, reason: str, authority: Authority) -> Enrolled:
        """The terminal with this secret passed a test, which was made there; it gets a new secret.

        Raises NotAuthenticated where that is no terminal in use, AccessDenied.
        """
        with self._store.reading() as connection:
            parsed = None if shown is None else secrets.parse(shown)
            found = None
            if shown is not None and parsed is not None and parsed[0] == TERMINAL:
                found = in_use(self._store, connection, parsed[1])
        if found is None or shown is None or not secrets.matches(shown, found[2]):
            raise NotAuthenticated("this is no terminal that is in use", advice="Enrol it, at the device itself.")
        body, index, _ = found
        issued = secrets.issue(TERMINAL, _SECRET, body.terminal)
        entry = _entry(body.terminal, TerminalEvent.TESTED, body.title, how, reason, authority, (issued,), index)
        at = self._change(entry, index, (issued,))
        return Enrolled(terminal=body.terminal, secret=issued.text, index=at)

    def ended(self, terminal: str, event: TerminalEvent, how: str, reason: str, authority: Authority) -> int:
        """The terminal failed a test, or is retired: it counts for nothing from here on. Returns the entry's index.

        Raises NotFound, AccessDenied.
        """
        with self._store.reading() as connection:
            found = in_use(self._store, connection, terminal)
        if found is None or event in IN_USE:
            raise NotFound(f"no terminal {terminal!r} is in use")
        body, index, _ = found
        return self._change(_entry(terminal, event, body.title, how, reason, authority, (), index), index, ())

    def all(self) -> list[KnownTerminal]:
        """The terminals that are in use, by name."""
        row = tables.terminal.c
        with self._store.reading() as connection:
            days = said_profile(self._store, connection).terminal_test_days
            names = connection.scalars(select(row.key).where(row.log == SYSTEM_LOG, row.to_index.is_(None))).all()
            found = [(one, in_use(self._store, connection, one)) for one in names]
        return sorted(
            (self._known(*one[:2], days) for _, one in found if one is not None), key=lambda one: (one.title, one.entry)
        )

    def _known(self, body: TerminalEntry, index: int, days: int) -> KnownTerminal:
        with self._store.reading() as connection:
            tested_us = read_entry(self._store, connection, index, TerminalEntry)[1]
        due_us = tested_us + days * DAY_US if days else None
        return KnownTerminal(
            terminal=body.terminal,
            title=body.title,
            tested_at=utc_text(tested_us),
            tested_by=body.authority.actor,
            how=body.how,
            due_at=None if due_us is None else utc_text(due_us),
            overdue=due_us is not None and due_us <= self._store.clock.now_us(),
            entry=index,
        )

    def _change(self, entry: TerminalEntry, index: int, made: tuple[Issued, ...]) -> int:
        gone = NotFound(f"terminal {entry.terminal!r} is in use no longer, or was just changed")
        items = tuple(one.item for one in made)
        batch = superseding([draft(entry, items)], [(index, _SECRET)], gone)

        def check(transaction: Transaction) -> None:
            require_admin(self._store, transaction, entry.authority)
            key = ("terminal", entry.terminal)
            if (
                transaction.scratch.get(key)
                or current(transaction.connection, tables.terminal, entry.terminal) != index
            ):
                raise gone
            transaction.scratch[key] = True

        at = self._store.append(SYSTEM_LOG, checked(batch, check))[0].index
        self._directory.forget()
        return at


def _entry(
    terminal: str,
    event: TerminalEvent,
    title: str,
    how: str,
    reason: str,
    authority: Authority,
    made: tuple[Issued, ...],
    index: int | None = None,
) -> TerminalEntry:
    if not (title.strip() and how.strip() and reason.strip()):
        raise SchemaViolation("name, test and reason have to be said in words")
    return TerminalEntry(
        terminal=terminal,
        event=event,
        title=title,
        how=how,
        reason=reason,
        authority=authority,
        secrets=tuple(one.ref for one in made),
        destroys=() if index is None else (Destroyed(index=index, name=_SECRET),),
    )
