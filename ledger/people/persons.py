"""Persons and inspectors: made, changed and deactivated, each time by an entry; never deleted, no id issued again."""

from collections.abc import Callable, Iterable
from typing import Final

import msgspec
from sqlalchemy import Connection, func, select

from ledger.core.authority import Authority
from ledger.core.clock import MICROSECONDS, parse_utc
from ledger.core.entry import decode_leaf
from ledger.core.errors import Conflict, NotFound, SchemaViolation
from ledger.people import tables
from ledger.people.administration import require_admin
from ledger.people.credentials import current, read_account, read_entry, read_grants
from ledger.people.directory import Directory
from ledger.people.ending import Ends
from ledger.people.evaluations import EvaluationId, is_on
from ledger.people.kinds import AccountEntry, AccountSort, AccountState, GrantEntry, SessionEvent
from ledger.people.names import account_draft, opened
from ledger.people.profile import read_profile
from ledger.people.roles import Role
from ledger.store.append import Batch, Transaction
from ledger.store.logs import SYSTEM_LOG
from ledger.store.reading import LogReader
from ledger.store.store import Store

INSPECTION_DAYS: Final = 90
"""The longest time that an inspector's account is good for."""
DAY_US: Final = 86_400 * MICROSECONDS


class HeldRole(msgspec.Struct, frozen=True, kw_only=True):
    """A grant of a person that was not revoked: also one that is still to come, or that expired."""

    grant: str
    role: Role | None
    sites: tuple[str, ...]
    sources: tuple[str, ...]
    from_at: str | None
    expires_at: str | None
    training: str | None
    index: int


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """An account as it is now. `name` is null where it was erased; `last_used`: when it last signed in."""

    account: str
    sort: AccountSort
    state: AccountState
    name: str | None
    email: str | None
    expires_at: str | None
    since_index: int
    last_used: str | None
    roles: tuple[HeldRole, ...]


class Persons:
    """Safe to use from any number of threads."""

    def __init__(self, store: Store, directory: Directory) -> None:
        self._store = store
        self._directory = directory

    def create(
        self,
        account: str,
        name: str,
        reason: str,
        authority: Authority,
        *,
        email: str | None = None,
        inspector_until: str | None = None,
    ) -> int:
        """Makes a person's account, without any right; returns the entry's index.

        `inspector_until` (`utc_text`) makes it an inspector's, which is good until then, at most 90 days. Raises
        Conflict for an id that exists or existed, AccessDenied, SchemaViolation.
        """
        self._require_words(name=name, reason=reason)
        self._require_inspection(inspector_until)
        entry = AccountEntry(
            account=account,
            sort=AccountSort.PERSON if inspector_until is None else AccountSort.INSPECTOR,
            state=AccountState.ACTIVE,
            title=name,
            reason=reason,
            authority=authority,
            email=email,
            expires_at=inspector_until,
        )

        def check(transaction: Transaction) -> None:
            require_admin(self._store, transaction, authority)
            require_unused(transaction, account)

        return self._append(entry, check)

    def change(
        self, account: str, reason: str, authority: Authority, *, name: str | None = None, email: str | None = None
    ) -> int:
        """From here on the person has this name or address; what it was stays on record. Returns the entry's index."""
        self._require_words(reason=reason, **({} if name is None else {"name": name}))
        if name is None and email is None:
            raise SchemaViolation("nothing is changed", advice="Give a name or an address.")
        now, index = self._known(account)
        with self._store.reading() as connection:
            was = {member: opened(connection, now, index, member) for member in ("title", "email")}
        entry = msgspec.structs.replace(
            now,
            title=name or was["title"] or account,
            email=email or was["email"],
            reason=reason,
            authority=authority,
        )

        def check(transaction: Transaction) -> None:
            require_admin(self._store, transaction, authority)
            self._require_unchanged(transaction, account, index)

        return self._append(entry, check)

    def deactivate(self, account: str, reason: str, authority: Authority) -> int:
        """From here on the account, of whatever sort, may do nothing: its grants and sessions end in the same batch.

        It stays in every list and register. Returns the entry's index; raises NotFound, Conflict, AccessDenied.
        """
        now, index = self._known(account)
        with self._store.reading() as connection:
            was = {member: opened(connection, now, index, member) for member in ("title", "email")}
        entry = msgspec.structs.replace(
            now,
            state=AccountState.DEACTIVATED,
            title=was["title"] or account,
            email=was["email"],
            reason=reason,
            authority=authority,
        )
        ends = Ends(self._store)

        def check(transaction: Transaction) -> None:
            if now.sort is not AccountSort.SERVICE or authority.authenticated:
                require_admin(self._store, transaction, authority)
            self._require_unchanged(transaction, account, index)
            if transaction.scratch.get(("granted", account)):
                raise Conflict(f"account {account!r} was given a right at this moment", advice="Do it once more.")
            transaction.scratch["deactivated", account] = True
            ends.grants(transaction, account, reason, authority)
            ends.sessions(transaction, account, reason, authority)

        with self._store.reading() as connection:
            seal = now.sort is not AccountSort.SERVICE and read_profile(connection).seal_names
        batch = Batch([account_draft(entry, seal)], closing=ends.close, before=check)
        placed = self._store.append(SYSTEM_LOG, batch)
        self._directory.forget()
        return placed[0].index

    def everyone(self) -> list[Person]:
        """Every account of a person or inspector that there is or was, by id."""
        row = tables.account.c
        with self._store.reading() as connection:
            names = connection.scalars(
                select(row.key)
                .where(row.log == SYSTEM_LOG, row.to_index.is_(None), row.sort != AccountSort.SERVICE.value)
                .order_by(row.key)
            ).all()
            return self._read(connection, names)

    def show(self, account: str) -> Person:
        """One account, of whatever sort; raises NotFound."""
        with self._store.reading() as connection:
            if current(connection, tables.account, account) is None:
                raise NotFound(f"there is no account {account!r}")
            return self._read(connection, [account])[0]

    def _read(self, connection: Connection, accounts: Iterable[str]) -> list[Person]:
        used = last_used(connection)
        people = []
        for account in accounts:
            found = read_account(self._store, connection, account)
            if found is None:
                continue
            body, index = found
            people.append(
                Person(
                    account=account,
                    sort=body.sort,
                    state=body.state,
                    name=opened(connection, body, index, "title"),
                    email=opened(connection, body, index, "email"),
                    expires_at=body.expires_at,
                    since_index=index,
                    last_used=used.get(account),
                    roles=tuple(_held(*one) for one in read_grants(self._store, connection, account)),
                )
            )
        return people

    def _known(self, account: str) -> tuple[AccountEntry, int]:
        with self._store.reading() as connection:
            index = current(connection, tables.account, account)
            if index is None:
                raise NotFound(f"there is no account {account!r}")
            return read_entry(self._store, connection, index, AccountEntry)[0], index

    def _require_unchanged(self, transaction: Transaction, account: str, index: int) -> None:
        """Raises Conflict unless the account is active, as it was read at that entry."""
        if transaction.scratch.get(("deactivated", account)):
            raise Conflict(f"account {account!r} is not active")
        now = current(transaction.connection, tables.account, account)
        if now != index or transaction.scratch.get(("account", account)):
            raise Conflict(f"account {account!r} was changed meanwhile", advice="Look at it again, and then decide.")
        if read_entry(self._store, transaction.connection, index, AccountEntry)[0].state is not AccountState.ACTIVE:
            raise Conflict(f"account {account!r} is not active")
        transaction.scratch["account", account] = True

    def _append(self, entry: AccountEntry, check: Callable[[Transaction], None]) -> int:
        with self._store.reading() as connection:
            seal = read_profile(connection).seal_names
        placed = self._store.append(SYSTEM_LOG, Batch([account_draft(entry, seal)], before=check))
        self._directory.forget()
        return placed[0].index

    def _require_words(self, **words: str) -> None:
        for name, value in words.items():
            if not value.strip():
                raise SchemaViolation(f"the {name} is empty", advice="Say it in words.")

    def _require_inspection(self, until: str | None) -> None:
        if until is None:
            return
        left = parse_utc(until) - self._store.clock.now_us()
        if not 0 < left <= INSPECTION_DAYS * DAY_US:
            raise SchemaViolation(
                f"an inspector's account cannot end at {until}",
                advice=f"It is good for at most {INSPECTION_DAYS} days; make another one when they are over.",
            )


def require_unused(transaction: Transaction, account: str) -> None:
    """Raises Conflict for an id that was ever issued, and takes it for this group commit."""
    key = ("account", account)
    if transaction.scratch.get(key) or current(transaction.connection, tables.account, account) is not None:
        raise Conflict(f"account {account!r} exists or existed", advice="Choose an id that was never used.")
    transaction.scratch[key] = True


def last_used(connection: Connection) -> dict[str, str]:
    """When each account last began a session, by the log; of none where the site has that evaluation off."""
    if not is_on(connection, EvaluationId.LAST_USE):
        return {}
    row = tables.browser_session.c
    found = connection.execute(
        select(row.account, func.max(row.from_index))
        .where(row.log == SYSTEM_LOG, row.event == SessionEvent.STARTED.value)
        .group_by(row.account)
    ).all()
    reader = LogReader(connection, SYSTEM_LOG)
    return {account: decode_leaf(reader.entry(index).leaf).logged_at for account, index in found}


def _held(grant: GrantEntry, index: int) -> HeldRole:
    return HeldRole(
        grant=grant.grant,
        role=grant.role,
        sites=grant.sites,
        sources=grant.sources,
        from_at=grant.from_at,
        expires_at=grant.expires_at,
        training=grant.training,
        index=index,
    )
