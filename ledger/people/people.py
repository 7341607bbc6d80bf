"""The people of one ledger: accounts, grants with their tokens, the register of rights, and authority for callers."""

from collections.abc import Callable, Iterable
from typing import Final

import msgspec
from sqlalchemy import select

from ledger.core.authority import Authority
from ledger.core.clock import parse_utc, utc_text
from ledger.core.entry import decode_leaf, draft
from ledger.core.errors import AccessDenied, Conflict, NotFound, SchemaViolation
from ledger.people import secrets, tables
from ledger.people.access import Scope
from ledger.people.credentials import current, read_entry
from ledger.people.directory import Directory
from ledger.people.kinds import AccountEntry, AccountSort, AccountState, GrantEntry, GrantState
from ledger.people.secrets import TOKEN, Destroyed
from ledger.people.security import Security
from ledger.people.sessions import Sessions, superseding
from ledger.store.append import Batch, Transaction
from ledger.store.logs import SYSTEM_LOG
from ledger.store.reading import LogReader
from ledger.store.store import Store

_SECRET: Final = "token"  # noqa: S105 - the name of the vault row, not its value


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A new grant, and the token that exercises it: shown this once, kept nowhere."""

    grant: str
    token: str
    index: int


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the register: this account held these scopes from one entry to another (None: to this day)."""

    account: str
    grant: str
    scopes: tuple[Scope, ...]
    sources: tuple[str, ...]
    expires_at: str | None
    from_index: int
    from_at: str
    to_index: int | None
    to_at: str | None


class KnownAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account as it is now, and since which entry."""

    account: str
    sort: AccountSort
    state: AccountState
    title: str
    since_index: int


class People:
    """What a ledger knows of who may do what. Safe to use from any number of threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.directory = Directory(store)
        self.sessions = Sessions(store, self.directory)
        self.security = Security(store)

    def local(self, user: str) -> Authority:
        """Who acts with direct access to the ledger's folder: `local:<OS user>`, not authenticated."""
        return self.directory.seen().authority(f"local:{user}", False, ())

    def create_account(self, account: str, title: str, reason: str, authority: Authority) -> int:
        """Makes a service account; returns the entry's index. Raises Conflict: an id is never issued again."""
        entry = AccountEntry(
            account=account,
            sort=AccountSort.SERVICE,
            state=AccountState.ACTIVE,
            title=title,
            reason=reason,
            authority=authority,
        )

        def check(transaction: Transaction) -> None:
            key = ("account", account)
            if transaction.scratch.get(key) or current(transaction.connection, tables.account, account) is not None:
                raise Conflict(f"account {account!r} exists or existed", advice="Choose an id that was never used.")
            transaction.scratch[key] = True

        return self._append(entry, check)

    def deactivate(self, account: str, reason: str, authority: Authority) -> int:
        """From here on none of the account's tokens is accepted; it stays in the register. Returns the entry's index.

        Raises NotFound, and Conflict if it is deactivated already.
        """
        with self._store.reading() as connection:
            index = current(connection, tables.account, account)
            if index is None:
                raise NotFound(f"there is no account {account!r}")
            now, _ = read_entry(self._store, connection, index, AccountEntry)
        entry = msgspec.structs.replace(now, state=AccountState.DEACTIVATED, reason=reason, authority=authority)

        def check(transaction: Transaction) -> None:
            key = ("deactivated", account)
            if (
                now.state is AccountState.DEACTIVATED
                or transaction.scratch.get(key)
                or current(transaction.connection, tables.account, account) != index
            ):
                raise Conflict(f"account {account!r} is not active")
            transaction.scratch[key] = True

        return self._append(entry, check)

    def grant(
        self,
        account: str,
        scopes: Iterable[Scope],
        reason: str,
        authority: Authority,
        sources: Iterable[str] = (),
        expires_at: str | None = None,
    ) -> Token:
        """Grants scopes to an account, exercised with the token that this returns once.

        Scope `ingest` names the sources that it is bound to. Raises NotFound, AccessDenied (nobody grants to
        themselves), Conflict (the account is deactivated), SchemaViolation.
        """
        chosen, bound = tuple(sorted(set(scopes))), tuple(sorted(set(sources)))
        if not chosen:
            raise SchemaViolation("a grant needs at least one scope")
        if (Scope.INGEST in chosen) != bool(bound):
            raise SchemaViolation("scope ingest is bound to sources", advice="Name the sources, and only with ingest.")
        if authority.authenticated and authority.actor == account:
            raise AccessDenied("nobody grants to themselves", advice="Ask another administrator.")
        if expires_at is not None and parse_utc(expires_at) <= self._store.clock.now_us():
            raise SchemaViolation(f"the grant would have expired at {expires_at}")
        issued = secrets.issue(TOKEN, _SECRET)
        entry = GrantEntry(
            grant=issued.id,
            account=account,
            state=GrantState.GRANTED,
            scopes=chosen,
            reason=reason,
            authority=authority,
            sources=bound,
            expires_at=expires_at,
            secrets=(issued.ref,),
        )

        def check(transaction: Transaction) -> None:
            index = current(transaction.connection, tables.account, account)
            if index is None and not transaction.scratch.get(("account", account)):
                raise NotFound(f"there is no account {account!r}")
            if transaction.scratch.get(("deactivated", account)) or (
                index is not None
                and read_entry(self._store, transaction.connection, index, AccountEntry)[0].state
                is not AccountState.ACTIVE
            ):
                raise Conflict(f"account {account!r} is deactivated")

        index = self._store.append(SYSTEM_LOG, Batch([draft(entry, (issued.item,))], before=check))[0].index
        self.directory.forget()
        return Token(grant=issued.id, token=issued.text, index=index)

    def revoke(self, grant: str, reason: str, authority: Authority) -> int:
        """Ends a grant and destroys what is kept of its token, at once; returns the entry's index.

        Raises NotFound if no such grant is in force.
        """
        with self._store.reading() as connection:
            index = current(connection, tables.access_grant, grant)
            body = None if index is None else read_entry(self._store, connection, index, GrantEntry)[0]
        gone = NotFound(f"no grant {grant!r} is in force")
        if body is None or index is None or body.state is GrantState.REVOKED:
            raise gone
        entry = msgspec.structs.replace(
            body,
            state=GrantState.REVOKED,
            reason=reason,
            authority=authority,
            secrets=(),
            destroys=tuple(Destroyed(index=index, name=ref.name) for ref in body.secrets),
        )
        batch = superseding([draft(entry)], [(index, ref.name) for ref in body.secrets], gone)
        placed = self._store.append(SYSTEM_LOG, batch)
        self.directory.forget()
        return placed[0].index

    def accounts(self) -> list[KnownAccount]:
        """Every account that there is or was, by id."""
        row = tables.account.c
        with self._store.reading() as connection:
            found = connection.execute(
                select(row.key, row.sort, row.state, row.title, row.from_index)
                .where(row.log == SYSTEM_LOG, row.to_index.is_(None))
                .order_by(row.key)
            ).all()
        return [
            KnownAccount(
                account=one.key,
                sort=AccountSort(one.sort),
                state=AccountState(one.state),
                title=one.title,
                since_index=one.from_index,
            )
            for one in found
        ]

    def register(self) -> list[Held]:
        """Who held which right from when to when: every grant there ever was, in the order of granting."""
        row = tables.access_grant.c
        with self._store.reading() as connection:
            found = connection.execute(
                select(row.key, row.account, row.scopes, row.sources, row.expires_us, row.from_index, row.to_index)
                .where(row.log == SYSTEM_LOG, row.state == GrantState.GRANTED.value)
                .order_by(row.from_index)
            ).all()
            reader = LogReader(connection, SYSTEM_LOG)
            return [
                Held(
                    account=one.account,
                    grant=one.key,
                    scopes=msgspec.json.decode(one.scopes, type=tuple[Scope, ...]),
                    sources=msgspec.json.decode(one.sources, type=tuple[str, ...]),
                    expires_at=None if one.expires_us is None else utc_text(one.expires_us),
                    from_index=one.from_index,
                    from_at=_logged_at(reader, one.from_index),
                    to_index=one.to_index,
                    to_at=None if one.to_index is None else _logged_at(reader, one.to_index),
                )
                for one in found
            ]

    def _append(self, entry: AccountEntry, check: Callable[[Transaction], None]) -> int:
        placed = self._store.append(SYSTEM_LOG, Batch([draft(entry)], before=check))
        self.directory.forget()
        return placed[0].index


def _logged_at(reader: LogReader, index: int) -> str:
    return decode_leaf(reader.entry(index).leaf).logged_at
