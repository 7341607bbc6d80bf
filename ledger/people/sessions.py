"""Browser sessions: begun by a one-time link, each with a secret of its own, ended by use, idleness or time.

A session is an entry and the digest of its secret in the vault; no id that a browser brings is ever taken over. When a
session begins, the one that the browser had ends in the same transaction.
"""

import threading
from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from ledger.core.authority import Authority
from ledger.core.clock import utc_text
from ledger.core.entry import Draft, draft
from ledger.core.errors import LedgerError, NotAuthenticated
from ledger.people import secrets
from ledger.people.access import Caller, Scope
from ledger.people.credentials import Credential
from ledger.people.directory import Directory
from ledger.people.kinds import SessionEntry, SessionEvent
from ledger.people.secrets import LINK, SESSION, Destroyed
from ledger.people.tables import session_touch
from ledger.store import schema
from ledger.store.append import Batch, Placed, Transaction
from ledger.store.engine import is_sqlite
from ledger.store.logs import SYSTEM_LOG
from ledger.store.position import pos_of
from ledger.store.store import Store

MINUTE_US: Final = 60_000_000
LINK_US: Final = 15 * MINUTE_US
"""How long a sign-in link can be used."""
IDLE_US: Final = 30 * MINUTE_US
"""A session that is not used for so long ends."""
ABSOLUTE_US: Final = 12 * 60 * MINUTE_US
"""No session is longer than this, however much it is used."""
COOKIE: Final = "trailseal-session"

_SECRET = "session"  # noqa: S105 - the name of the vault row, not its value


def cookie_name(secure: bool) -> str:
    """Name of the session's cookie; over TLS the `__Host-` prefix makes browsers pin it to this host and to TLS."""
    return f"__Host-{COOKIE}" if secure else COOKIE


class Sessions:
    """Safe to use from any number of threads."""

    def __init__(self, store: Store, directory: Directory) -> None:
        self._store = store
        self._directory = directory
        self._lock = threading.Lock()
        self._touched: dict[str, int] = {}
        self._unsaved: set[str] = set()

    def issue_link(self, authority: Authority, scopes: Iterable[Scope] = (Scope.READ,)) -> str:
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

    def _append(self, drafts: Sequence[Draft], gone: Sequence[Credential]) -> None:
        """Appends, and destroys the secrets of these credentials with it, if every one is still there."""
        try:
            self._store.append(SYSTEM_LOG, superseding(drafts, [(one.index, _SECRET) for one in gone], _used_up()))
        finally:
            self._directory.forget()
        with self._lock:
            for one in gone:
                self._touched.pop(one.caller.session or "", None)
                self._unsaved.discard(one.caller.session or "")

    def _idle(self, found: Credential) -> bool:
        last = max(self._touched.get(found.caller.session or "", 0), found.started_us)
        return self._store.clock.now_us() - last > IDLE_US

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
