"""Browser sessions: begun by signing in or by a one-time link, each with its own secret; ended by idleness or time.

A session is an entry and the digest of its secret in the vault; no id that a browser brings is ever taken over. When a
session begins, the one that the browser had ends in the same transaction.
"""

import contextlib
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from ledger.core.authority import Authority
from ledger.core.clock import parse_utc, utc_text
from ledger.core.entry import Draft, draft
from ledger.core.errors import Conflict, LedgerError, NotAuthenticated
from ledger.people import secrets
from ledger.people.access import Caller, Scope
from ledger.people.credentials import MINUTE_US, Credential, in_use, read_entry, terminal_of
from ledger.people.directory import Directory
from ledger.people.kinds import SessionEntry, SessionEvent
from ledger.people.secrets import LINK, SESSION, Destroyed
from ledger.people.tables import browser_session, session_touch
from ledger.store import schema
from ledger.store.append import Batch, Placed, Transaction
from ledger.store.engine import is_sqlite
from ledger.store.logs import SYSTEM_LOG
from ledger.store.position import pos_of
from ledger.store.store import Store

LINK_US: Final = 15 * MINUTE_US
"""How long a sign-in link can be used."""
IDLE_US: Final = 30 * MINUTE_US
"""A session that a link began ends when it is not used for so long; of a person's session the profile says it."""
ABSOLUTE_US: Final = 12 * 60 * MINUTE_US
"""No session that a link began is longer than this, however much it is used; of a person's, as above."""
COOKIE: Final = "trailseal-session"
TERMINAL_COOKIE: Final = "trailseal-terminal"

_SECRET = "session"  # noqa: S105 - the name of the vault row, not its value


def cookie_name(secure: bool, name: str = COOKIE) -> str:
    """Name of the session's cookie; over TLS the `__Host-` prefix makes browsers pin it to this host and to TLS."""
    return f"__Host-{name}" if secure else name


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """How a person's session begins: on whose authority, with which components, from where, for how long at most.

    `terminal`: the secret of an enrolled terminal, if the browser holds one. `drafts` go before it in the same
    transaction, `destroyed` are the secrets (entry, name) that they supersede; `check` may refuse it all under the head
    lock.
    """

    authority: Authority
    methods: tuple[str, ...]
    network: str | None
    limit_us: int
    check: Callable[[Transaction], None]
    terminal: str | None = None
    drafts: tuple[Draft, ...] = ()
    destroyed: tuple[tuple[int, str], ...] = ()


class OpenSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session of a person: when it began, by which components, from where, when it was last used."""

    session: str
    started_at: str
    last_used_at: str
    expires_at: str | None
    methods: tuple[str, ...]
    network: str | None
    entry: int


class Sessions:
    """Safe to use from any number of threads."""

    def __init__(self, store: Store, directory: Directory) -> None:
        self._store = store
        self._directory = directory
        self._lock = threading.Lock()
        self._touched: dict[str, int] = {}
        self._unsaved: set[str] = set()

    def issue_link(self, authority: Authority, scopes: Iterable[Scope] = (Scope.READ, Scope.EXPORT)) -> str:
        """A new code that begins one session, within 15 minutes; the session acts as `authority.actor`.

        Whoever opens the link is not thereby known: entries that the session causes say *not authenticated*.
        """
        issued = secrets.issue(LINK, _SECRET)
        entry = SessionEntry(
            session=issued.id,
            event=SessionEvent.LINK_ISSUED,
            account=authority.actor,
            scopes=tuple(scopes),
            reason="one-time sign-in link",
            authority=authority,
            expires_at=utc_text(self._store.clock.now_us() + LINK_US),
            secrets=(issued.ref,),
        )
        self._store.append_one(SYSTEM_LOG, draft(entry, (issued.item,)))
        self._directory.forget()
        return issued.text

    def redeem(self, code: str, previous: str | None = None) -> str:
        """Uses a code up and begins a session; returns its secret, for the cookie.

        `previous`: the session secret that the browser came with, which ends. Raises NotAuthenticated for a code that
        is unknown, expired or used; of two that use one code at once, one gets the session.
        """
        if not code.startswith(f"{LINK}_"):
            raise NotAuthenticated("this is not a sign-in code")
        link = self._directory.find(code)
        issued = secrets.issue(SESSION, _SECRET)
        allowed = self._directory.seen().authority(link.caller.account, False, (link.index,))
        started = SessionEntry(
            session=issued.id,
            event=SessionEvent.STARTED,
            account=link.caller.account,
            scopes=tuple(sorted(link.caller.scopes)),
            reason="sign-in link used",
            authority=allowed,
            expires_at=utc_text(self._store.clock.now_us() + ABSOLUTE_US),
            redeems=link.caller.session,
            secrets=(issued.ref,),
            destroys=(Destroyed(index=link.index, name=_SECRET),),
        )
        drafts, gone = [draft(started, (issued.item,))], [link]
        earlier = self._in_force(previous)
        if earlier is not None:
            drafts.insert(0, self._ended(earlier, "another session began in this browser", allowed))
            gone.append(earlier)
        self._append(drafts, gone)
        return issued.text

    def begin(self, start: Start, previous: str | None = None) -> str:
        """Begins a session of a person who has just signed in; returns its secret, for the cookie.

        The session that the browser came with ends in the same transaction, whoever's it was. Raises what
        `start.check` raises, and Conflict where the terminal was taken out of use, or tested, at this moment.
        """
        issued = secrets.issue(SESSION, _SECRET)
        with self._store.reading() as connection:
            terminal = terminal_of(self._store, connection, start.terminal)
        entry = SessionEntry(
            session=issued.id,
            event=SessionEvent.STARTED,
            account=start.authority.actor,
            scopes=(),
            reason="signed in",
            authority=start.authority,
            methods=start.methods,
            network=start.network,
            terminal=terminal,
            expires_at=utc_text(self._store.clock.now_us() + start.limit_us),
            secrets=(issued.ref,),
        )
        drafts, gone = [*start.drafts, draft(entry, (issued.item,))], []
        earlier = self._in_force(previous)
        if earlier is not None:
            drafts.append(self._ended(earlier, "another session began in this browser", start.authority))
            gone.append(earlier)

        def check(transaction: Transaction) -> None:
            start.check(transaction)
            if terminal is not None and not self._stands(transaction, terminal):
                raise Conflict("this terminal was changed meanwhile", advice="Sign in once more.")

        self._append(drafts, gone, msgspec.structs.replace(start, check=check))
        return issued.text

    def _stands(self, transaction: Transaction, terminal: str) -> bool:
        """Whether a terminal is in use still, under the head lock; else a session would say what level 2 denies."""
        changed = transaction.scratch.get(("terminal", terminal))
        return not changed and in_use(self._store, transaction.connection, terminal) is not None

    def of(self, account: str) -> list[OpenSession]:
        """The sessions of a person that began and did not end; one that was idle too long may still be among them."""
        row, touch = browser_session.c, session_touch.c
        with self._store.reading() as connection:
            indices = connection.scalars(
                select(row.from_index)
                .where(row.log == SYSTEM_LOG, row.account == account, row.to_index.is_(None))
                .where(row.event == SessionEvent.STARTED.value)
                .order_by(row.from_index)
            ).all()
            found = []
            for index in indices:
                body, started_us = read_entry(self._store, connection, index, SessionEntry)
                saved = connection.scalar(select(touch.last_us).where(touch.session == body.session))
                last_us = max(saved or 0, self._touched.get(body.session, 0), started_us)
                if body.expires_at is None or parse_utc(body.expires_at) > self._store.clock.now_us():
                    found.append(
                        OpenSession(
                            session=body.session,
                            started_at=utc_text(started_us),
                            last_used_at=utc_text(last_us),
                            expires_at=body.expires_at,
                            methods=body.methods,
                            network=body.network,
                            entry=index,
                        )
                    )
        return found

    def end_others(self, account: str, keep: str | None, reason: str, authority: Authority) -> int:
        """Ends every session of the account but one, at once; returns how many."""
        row = browser_session.c
        ended = 0
        with self._store.reading() as connection:
            indices = connection.scalars(
                select(row.from_index)
                .where(row.log == SYSTEM_LOG, row.account == account, row.to_index.is_(None))
                .where(row.event == SessionEvent.STARTED.value)
            ).all()
            bodies = [(read_entry(self._store, connection, index, SessionEntry)[0], index) for index in indices]
        for body, index in bodies:
            if body.session == keep or body.account != account:
                continue
            entry = ended_entry(body, index, reason, authority)
            batch = superseding([draft(entry)], [(index, ref.name) for ref in body.secrets], _used_up())
            with contextlib.suppress(NotAuthenticated):
                self._store.append(SYSTEM_LOG, batch)
                ended += 1
        self._directory.forget()
        return ended

    def peek(self, text: str) -> Caller | None:
        """The caller with this session secret, if memory can tell without a look at the database."""
        found = self._directory.peek(text)
        return self._used(found) if found is not None and not self._idle(found) else None

    def find(self, text: str) -> Caller:
        """The caller with this session secret; raises NotAuthenticated. May read the database, and end the session."""
        if not text.startswith(f"{SESSION}_"):
            raise NotAuthenticated("this is not a session")
        found = self._directory.find(text)
        if self._idle(found):
            self._recall(found)
            if self._idle(found):
                self._append([self._ended(found, "idle", found.caller.authority)], [found])
                raise NotAuthenticated("the session was idle for too long", advice="Sign in again.")
        return self._used(found)

    def end(self, text: str, reason: str) -> None:
        """Ends a session at once; raises NotAuthenticated if it isn't in force."""
        found = self._directory.find(text)
        self._append([self._ended(found, reason, found.caller.authority)], [found])

    def save_touches(self) -> None:
        """Writes down when sessions were last used, for other processes and the next start."""
        with self._lock:
            rows = [{"session": ident, "last_us": self._touched[ident]} for ident in sorted(self._unsaved)]
            self._unsaved.clear()
        if not rows:
            return
        with self._store.writing() as connection:
            insert = sqlite.insert if is_sqlite(connection) else postgresql.insert
            statement = insert(session_touch)
            newer = statement.excluded.last_us
            connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["session"], set_={"last_us": newer}, where=session_touch.c.last_us < newer
                ),
                rows,
            )

    def _in_force(self, text: str | None) -> Credential | None:
        if text is None or not text.startswith(f"{SESSION}_"):
            return None
        try:
            return self._directory.find(text)
        except NotAuthenticated:
            return None

    def _ended(self, session: Credential, reason: str, authority: Authority) -> Draft:
        return draft(
            SessionEntry(
                session=session.caller.session or "",
                event=SessionEvent.ENDED,
                account=session.caller.account,
                scopes=() if session.caller.person else tuple(sorted(session.caller.scopes)),
                reason=reason,
                authority=authority,
                destroys=(Destroyed(index=session.index, name=_SECRET),),
            )
        )

    def _append(self, drafts: Sequence[Draft], gone: Sequence[Credential], start: Start | None = None) -> None:
        """Appends, and destroys the secrets of these credentials with it, if every one is still there."""
        secret = [(one.index, _SECRET) for one in gone]
        if start is not None:
            secret += start.destroyed
        batch = superseding(drafts, secret, _used_up())
        try:
            self._store.append(SYSTEM_LOG, batch if start is None else checked(batch, start.check))
        finally:
            self._directory.forget()
        with self._lock:
            for one in gone:
                self._touched.pop(one.caller.session or "", None)
                self._unsaved.discard(one.caller.session or "")

    def _idle(self, found: Credential) -> bool:
        last = max(self._touched.get(found.caller.session or "", 0), found.started_us)
        return self._store.clock.now_us() - last > (found.idle_us or IDLE_US)

    def _recall(self, found: Credential) -> None:
        """Another process may have seen the session since."""
        ident = found.caller.session or ""
        with self._store.reading() as connection:
            last = connection.scalar(select(session_touch.c.last_us).where(session_touch.c.session == ident))
        with self._lock:
            self._touched[ident] = max(last or 0, self._touched.get(ident, 0))

    def _used(self, found: Credential) -> Caller:
        ident = found.caller.session or ""
        with self._lock:
            self._touched[ident] = self._store.clock.now_us()
            self._unsaved.add(ident)
        return found.caller


def ended_entry(session: SessionEntry, index: int, reason: str, authority: Authority) -> SessionEntry:
    """The entry that ends a session, whose entry is at `index`, and destroys what is kept of its secret."""
    return SessionEntry(
        session=session.session,
        event=SessionEvent.ENDED,
        account=session.account,
        scopes=session.scopes,
        reason=reason,
        authority=authority,
        destroys=tuple(Destroyed(index=index, name=ref.name) for ref in session.secrets),
    )


def checked(batch: Batch, check: Callable[[Transaction], None]) -> Batch:
    """The batch, which this may refuse too, after what refuses it already."""
    first = batch.before

    def both(transaction: Transaction) -> None:
        if first is not None:
            first(transaction)
        check(transaction)

    return Batch(batch.drafts, closing=batch.closing, before=both)


def superseding(drafts: Sequence[Draft], secret: Sequence[tuple[int, str]], refusal: LedgerError) -> Batch:
    """A batch of the system log that destroys earlier secrets (entry, name) in its own transaction.

    It is refused with `refusal` where one of them is gone already: a secret is superseded once.
    """
    rows = [(pos_of(SYSTEM_LOG, index), name) for index, name in secret]
    column = schema.secret.c

    def check(transaction: Transaction) -> None:
        for pos, name in rows:
            there = select(column.pos).where(column.pos == pos, column.name == name)
            if transaction.connection.scalar(there) is None:
                raise refusal

    def destroy(transaction: Transaction, _placed: Sequence[Placed]) -> Sequence[Draft]:
        for pos, name in rows:
            transaction.connection.execute(delete(schema.secret).where(column.pos == pos, column.name == name))
        return ()

    return Batch(drafts, closing=destroy, before=check)


def _used_up() -> NotAuthenticated:
    return NotAuthenticated("it was used or ended before", advice="Ask for a new sign-in link.")
