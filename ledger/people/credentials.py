"""Reads a credential's standing from the log: the entries that allow it, never the projection's word alone.

A projection row only says where to look. What counts is the entry there: its body must be the one that its leaf commits
to, of the right kind, and name the very id; no later entry took it back (`log_view`); and the secret's row must be the
one that the entry commits to.
"""

from collections.abc import Sequence
from typing import Final, TypeVar

import msgspec
from sqlalchemy import Connection, Table, select

from ledger.core.address import Address
from ledger.core.authority import Authority
from ledger.core.clock import parse_utc
from ledger.core.entry import decode_leaf
from ledger.core.errors import IntegrityError
from ledger.core.hashing import b64, body_commitment
from ledger.people import tables
from ledger.people.access import Caller, Right, every_site
from ledger.people.defined import as_defined
from ledger.people.kinds import (
    AccountEntry,
    AccountSort,
    AccountState,
    GrantEntry,
    GrantState,
    SessionEntry,
    SessionEvent,
    present,
)
from ledger.people.log_view import log_view
from ledger.people.places import AtTerminal
from ledger.people.profile import said_profile
from ledger.people.secrets import LINK, SESSION, TERMINAL, TOKEN, SecretRef, matches, parse, row_holds
from ledger.people.terminal_kinds import IN_USE, TerminalEntry
from ledger.store import schema
from ledger.store.logs import SYSTEM_LOG
from ledger.store.position import pos_of
from ledger.store.reading import LogReader
from ledger.store.store import Store

MINUTE_US: Final = 60_000_000
DAY_US: Final = 1440 * MINUTE_US

Body = TypeVar("Body", bound=msgspec.Struct)


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """A credential that is in force: who it makes the caller, and the secret's row.

    `index` is the entry that issued it. `started_us`: since when. `until_us`: until when this reading holds though the
    system log stands still, because a grant begins or ends then. `idle_us`: how long a person's session may be idle.
    """

    caller: Caller
    index: int
    started_us: int
    row: bytes
    network: str | None = None
    until_us: int | None = None
    idle_us: int | None = None


class SystemView(msgspec.Struct, frozen=True, kw_only=True):
    """The system log as a decision relied on it."""

    origin: str
    size: int
    root: str

    def authority(self, actor: str, authenticated: bool, indices: Sequence[int]) -> Authority:
        """The authority of entries that this actor causes, allowed by these entries of the system log."""
        return Authority(
            actor=actor,
            authenticated=authenticated,
            entries=tuple(str(Address(self.origin, index)) for index in indices),
            system_size=self.size,
            system_root=self.root,
        )


def view(connection: Connection) -> SystemView:
    """The system log as it stands in this snapshot."""
    head = LogReader(connection, SYSTEM_LOG).head()
    origin = connection.scalar(select(schema.ledger_log.c.origin).where(schema.ledger_log.c.number == SYSTEM_LOG))
    return SystemView(origin=origin or "", size=head.size, root=b64(head.root()))


class CredentialReader:
    """Reads credentials in one snapshot."""

    def __init__(self, store: Store, connection: Connection, seen: SystemView) -> None:
        self._store = store
        self._connection = connection
        self._seen = seen

    def find(self, prefix: str, ident: str) -> Credential | None:
        """The credential of that sort and public id; None when there is none in force.

        Raises IntegrityError when the tables contradict the log.
        """
        if prefix == TOKEN:
            return self._token(ident)
        event = {SESSION: SessionEvent.STARTED, LINK: SessionEvent.LINK_ISSUED}[prefix]
        return self._session(ident, event)

    def _token(self, ident: str) -> Credential | None:
        index = current(self._connection, tables.access_grant, ident)
        if index is None:
            return None
        grant, logged_us = read_entry(self._store, self._connection, index, GrantEntry)
        _require(grant.grant == ident, index)
        account_index = current(self._connection, tables.account, grant.account)
        if account_index is None or grant.state is not GrantState.GRANTED:
            return None
        account, _ = read_entry(self._store, self._connection, account_index, AccountEntry)
        _require(account.account == grant.account, account_index)
        row = self._row(index, grant.secrets)
        if row is None or account.state is not AccountState.ACTIVE:
            return None
        log_view(self._store).require(self._connection, (index, account_index))
        caller = Caller(
            account=grant.account,
            rights=(right_of(grant, index),),
            authority=self._seen.authority(grant.account, True, (account_index, index)),
            expires_us=_instant(grant.expires_at),
            grant=ident,
            places=said_profile(self._store, self._connection).places,
        )
        return Credential(caller=caller, index=index, started_us=logged_us, row=row)

    def _session(self, ident: str, event: SessionEvent) -> Credential | None:
        index = current(self._connection, tables.browser_session, ident)
        if index is None:
            return None
        session, logged_us = read_entry(self._store, self._connection, index, SessionEntry)
        _require(session.session == ident, index)
        row = self._row(index, session.secrets)
        expires_us = _instant(session.expires_at)
        over = expires_us is not None and expires_us <= self._store.clock.now_us()
        if row is None or session.event is not event or over:
            return None
        log_view(self._store).require(self._connection, (index,))
        if session.methods:
            return self._person(session, index, logged_us, row)
        caller = Caller(
            account=session.account,
            rights=every_site(session.scopes),
            authority=self._seen.authority(session.account, False, (index,)),
            expires_us=expires_us,
            session=ident,
            places=said_profile(self._store, self._connection).places,
        )
        return Credential(caller=caller, index=index, started_us=logged_us, row=row)

    def _person(self, session: SessionEntry, index: int, logged_us: int, row: bytes) -> Credential | None:
        """Somebody who signed in: what they may do is what their grants say now."""
        found = read_account(self._store, self._connection, session.account)
        if found is None or found[0].state is not AccountState.ACTIVE:
            return None
        account, account_index = found
        profile = said_profile(self._store, self._connection)
        terminal, due = at_terminal(self._store, self._connection, session.terminal, profile.terminal_test_days)
        now = self._store.clock.now_us()
        ends = [moment for moment in (_instant(session.expires_at), _instant(account.expires_at)) if moment is not None]
        rights, turns = [], [] if due is None else [due]
        for grant, at in read_grants(self._store, self._connection, session.account):
            begins, expires = _instant(grant.from_at), _instant(grant.expires_at)
            turns += [moment for moment in (begins, expires) if moment is not None and moment > now]
            if (begins is None or begins <= now) and (expires is None or expires > now):
                rights.append(right_of(grant, at))
        allowed = (account_index, index, *(right.index for right in rights if right.index is not None))
        caller = Caller(
            account=session.account,
            rights=tuple(rights),
            authority=self._seen.authority(session.account, True, allowed),
            expires_us=min(ends, default=None),
            session=session.session,
            person=True,
            watched=account.sort is AccountSort.INSPECTOR,
            places=profile.places,
            terminal=terminal,
        )
        return Credential(
            caller=caller,
            index=index,
            started_us=logged_us,
            row=row,
            network=session.network,
            until_us=min(turns, default=None),
            idle_us=profile.idle_minutes * MINUTE_US,
        )

    def _row(self, index: int, refs: Sequence[SecretRef]) -> bytes | None:
        return kept_row(self._connection, index, refs)


def kept_row(connection: Connection, index: int, refs: Sequence[SecretRef]) -> bytes | None:
    """The vault's row of the first of these secrets that is there as its entry commits to it."""
    for ref in refs:
        column = schema.secret.c
        value = connection.scalar(
            select(column.value).where(column.pos == pos_of(SYSTEM_LOG, index), column.name == ref.name)
        )
        if value is not None and row_holds(ref, bytes(value)):
            return bytes(value)
    return None


def in_use(store: Store, connection: Connection, terminal: str) -> tuple[TerminalEntry, int, bytes] | None:
    """A terminal in use, its last entry, and what is kept of its secret; None for any other."""
    index = current(connection, tables.terminal, terminal)
    if index is None:
        return None
    log_view(store).require(connection, (index,))
    body, _ = read_entry(store, connection, index, TerminalEntry)
    row = kept_row(connection, index, body.secrets)
    if body.terminal != terminal or body.event not in IN_USE or row is None:
        return None
    return body, index, row


def terminal_of(store: Store, connection: Connection, shown: str | None) -> str | None:
    """The terminal in use whose secret this is; None for any other text."""
    parsed = None if shown is None else parse(shown)
    if shown is None or parsed is None or parsed[0] != TERMINAL:
        return None
    found = in_use(store, connection, parsed[1])
    return parsed[1] if found is not None and matches(shown, found[2]) else None


def at_terminal(
    store: Store, connection: Connection, terminal: str | None, test_days: int
) -> tuple[AtTerminal | None, int | None]:
    """What a session that began at a terminal may rely on, and until when: nothing once a test is overdue."""
    found = None if terminal is None else in_use(store, connection, terminal)
    if found is None:
        return None, None
    body, index, row = found
    due_us = read_entry(store, connection, index, TerminalEntry)[1] + test_days * DAY_US if test_days else None
    if due_us is not None and due_us <= store.clock.now_us():
        return None, None
    return AtTerminal(terminal=body.terminal, row=row), due_us


def right_of(grant: GrantEntry, index: int) -> Right:
    """A grant that stands at this entry, as a right of a caller."""
    return Right(
        scopes=frozenset(grant.scopes),
        grant=grant.grant,
        index=index,
        role=None if grant.role is None else grant.role.value,
        sites=frozenset(grant.sites),
        sources=frozenset(grant.sources),
    )


def read_account(store: Store, connection: Connection, account: str) -> tuple[AccountEntry, int] | None:
    """An account as it is now, and its entry; None if there never was one of that id."""
    index = current(connection, tables.account, account)
    if index is None:
        return None
    body, _ = read_entry(store, connection, index, AccountEntry)
    _require(body.account == account, index)
    log_view(store).require(connection, (index,))
    return body, index


def read_grants(store: Store, connection: Connection, account: str) -> list[tuple[GrantEntry, int]]:
    """The grants of an account that were not revoked, each with its entry; also those not in force yet, or expired.

    Each has the scopes that its role is defined to have now, of those that the entry names.
    """
    row = tables.access_grant.c
    indices = connection.scalars(
        select(row.from_index)
        .where(row.log == SYSTEM_LOG, row.account == account, row.to_index.is_(None))
        .where(row.state == GrantState.GRANTED.value)
        .order_by(row.from_index)
    ).all()
    grants = []
    for index in indices:
        grant, _ = read_entry(store, connection, index, GrantEntry)
        _require(grant.account == account and grant.state is GrantState.GRANTED, index)
        grants.append((as_defined(store, connection, grant), index))
    log_view(store).require(connection, indices)
    return grants


def current(connection: Connection, table: Table, key: str) -> int | None:
    """The entry from which on this key of a table of validities is as it is now; None when it isn't."""
    column = table.c
    return connection.scalar(
        select(column.from_index).where(column.log == SYSTEM_LOG, column.key == key, column.to_index.is_(None))
    )


def read_entry(store: Store, connection: Connection, index: int, sort: type[Body]) -> tuple[Body, int]:
    """The body of a system log entry, checked against its leaf, and when it was logged.

    Raises IntegrityError when it is not there, not the leaf's, or of another kind.
    """
    stored = LogReader(connection, SYSTEM_LOG).entry(index)
    leaf = decode_leaf(stored.leaf)
    if stored.body is None or stored.salt is None:
        raise _contradiction(index)
    _require(b64(body_commitment(stored.salt, stored.body)) == leaf.body, index)
    body = present(store.kinds[leaf.kind].decode(stored.body))
    if not isinstance(body, sort):
        raise _contradiction(index)
    return body, parse_utc(leaf.logged_at)


def _instant(text: str | None) -> int | None:
    return None if text is None else parse_utc(text)


def _require(holds: bool, index: int) -> None:
    if not holds:
        raise _contradiction(index)


def _contradiction(index: int) -> IntegrityError:
    return IntegrityError(f"a table of accounts, grants or sessions contradicts entry {index} of the system log")
