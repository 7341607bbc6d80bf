"""The people of one ledger: accounts, grants with their tokens, the register of rights, and authority for callers."""

from collections.abc import Callable, Iterable
from typing import Final

import msgspec
from sqlalchemy import select

from ledger.core.authority import Authority
from ledger.core.clock import parse_utc
from ledger.core.entry import draft
from ledger.core.errors import AccessDenied, Conflict, NotFound, SchemaViolation
from ledger.people import secrets, tables
from ledger.people.access import OF_SERVICES, Scope
from ledger.people.administration import require_admin
from ledger.people.credentials import current, read_entry
from ledger.people.definitions import Definitions
from ledger.people.directory import Directory
from ledger.people.documents import Documents
from ledger.people.kinds import AccountEntry, AccountSort, AccountState, GrantEntry, GrantState
from ledger.people.log_view import log_view
from ledger.people.persons import Persons, require_unused
from ledger.people.profile import Profiles
from ledger.people.qualifications import Qualifications
from ledger.people.register import Held as Held
from ledger.people.register import read_register
from ledger.people.reviews import Reviews
from ledger.people.role_grants import KnownSources, RoleGrants
from ledger.people.secrets import TOKEN
from ledger.people.security import Security
from ledger.people.sessions import Sessions
from ledger.people.terminals import Terminals
from ledger.people.views import Views
from ledger.store.append import Batch, Transaction
from ledger.store.logs import SYSTEM_LOG
from ledger.store.store import Store

_SECRET: Final = "token"  # noqa: S105 - the name of the vault row, not its value


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A new grant, and the token that exercises it: shown this once, kept nowhere."""

    grant: str
    token: str
    index: int


class KnownAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account as it is now, and since which entry."""

    account: str
    sort: AccountSort
    state: AccountState
    title: str
    since_index: int


class People:
    """What a ledger knows of who may do what. Safe to use from any number of threads."""

    def __init__(self, store: Store, sources: KnownSources = lambda _connection: frozenset()) -> None:
        """`sources`: which are registered, for grants that are bound to some."""
        self._store = store
        self.directory = Directory(store)
        self.sessions = Sessions(store, self.directory)
        self.security = Security(store)
        self.persons = Persons(store, self.directory)
        self.definitions = Definitions(store)
        self.role_grants = RoleGrants(store, self.directory, sources)
        self.qualifications = Qualifications(store, self.directory)
        self.documents = Documents(store)
        self.reviews = Reviews(store, self.directory)
        self.terminals = Terminals(store, self.directory)
        self.views = Views(store)
        self.profiles = Profiles(store, self.directory.forget)

    def local(self, user: str) -> Authority:
        """Who acts with direct access to the ledger's folder: `local:<OS user>`, not authenticated."""
        return self.directory.seen().authority(f"local:{user}", False, ())

    def follow(self) -> None:
        """Reads the system log up to now, so that who asks next for a right waits for no long log to be read."""
        with self._store.reading() as connection:
            log_view(self._store).require(connection, ())

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

        return self._append(entry, lambda transaction: require_unused(transaction, account))

    def deactivate(self, account: str, reason: str, authority: Authority) -> int:
        """From here on the account may do nothing; its grants end with it (`Persons.deactivate`)."""
        return self.persons.deactivate(account, reason, authority)

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
        personal = [scope.value for scope in chosen if scope not in OF_SERVICES]
        if personal:
            raise SchemaViolation(
                f"no token holds scope {' or '.join(personal)}",
                advice="Grant a person a role that reviews or approves.",
            )
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
            if authority.authenticated or Scope.ADMIN in chosen:
                require_admin(self._store, transaction, authority)
            index = current(transaction.connection, tables.account, account)
            if index is None and not transaction.scratch.get(("account", account)):
                raise NotFound(f"there is no account {account!r}")
            now = None if index is None else read_entry(self._store, transaction.connection, index, AccountEntry)[0]
            if now is not None and now.sort is not AccountSort.SERVICE:
                raise SchemaViolation(f"{account!r} is a person: it takes roles, not scopes", advice="Grant a role.")
            if transaction.scratch.get(("deactivated", account)) or (
                now is not None and now.state is not AccountState.ACTIVE
            ):
                raise Conflict(f"account {account!r} is deactivated")
            transaction.scratch["granted", account] = True

        index = self._store.append(SYSTEM_LOG, Batch([draft(entry, (issued.item,))], before=check))[0].index
        self.directory.forget()
        return Token(grant=issued.id, token=issued.text, index=index)

    def revoke(self, grant: str, reason: str, authority: Authority) -> int:
        """Ends a grant at once, and what is kept of its token (`RoleGrants.revoke`)."""
        return self.role_grants.revoke(grant, reason, authority)

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

    def register(self, size: int | None = None) -> list[Held]:
        """Who held which right from when to when, as of a size of the system log (`read_register`)."""
        return list(read_register(self._store, size).lines)

    def _append(self, entry: AccountEntry, check: Callable[[Transaction], None]) -> int:
        placed = self._store.append(SYSTEM_LOG, Batch([draft(entry)], before=check))
        self.directory.forget()
        return placed[0].index
