"""Which account a subject of the identity provider belongs to: said by the person, or by two administrators.

A link is never made by comparing names or addresses. A person links their own account by signing in there out of a
session that other components began. What an administrator says counts only once a second one has confirmed it, neither
of them being the person: nobody alone can become somebody else through the provider.
"""

import secrets
from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from ledger.core.address import Address, parse_address
from ledger.core.authority import Authority
from ledger.core.entry import draft
from ledger.core.errors import AccessDenied, Conflict, NotFound, SchemaViolation
from ledger.core.oidc_link import link_counts
from ledger.people import oidc_tables, tables
from ledger.people.administration import require_admin
from ledger.people.credentials import current, read_account, read_entry, view
from ledger.people.kinds import AccountSort, AccountState
from ledger.people.log_view import log_view
from ledger.people.oidc_projector import subject_key
from ledger.people.person_kinds import CredentialEntry, CredentialSort, CredentialState
from ledger.store.append import Batch, Transaction
from ledger.store.logs import SYSTEM_LOG
from ledger.store.store import Store


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A link as it stands: its entry, and whether it counts yet."""

    credential: str
    account: str
    issuer: str
    subject: str
    index: int
    counts: bool


class Links:
    """Safe to use from any number of threads."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, connection: Connection, issuer: str, subject: str) -> Link | None:
        """The link of a subject, read off its entry; None where it has none."""
        row = oidc_tables.provider_subject.c
        name = connection.scalar(
            select(row.credential).where(
                row.log == SYSTEM_LOG, row.key == subject_key(issuer, subject), row.to_index.is_(None)
            )
        )
        link = None if name is None else self._read(connection, name)
        return link if link is not None and (link.issuer, link.subject) == (issuer, subject) else None

    def of(self, connection: Connection, account: str) -> list[Link]:
        """The links of an account, oldest first."""
        row = tables.credential.c
        names = connection.scalars(
            select(row.key)
            .where(row.log == SYSTEM_LOG, row.account == account, row.to_index.is_(None))
            .where(row.sort == CredentialSort.OIDC.value)
            .order_by(row.from_index)
        ).all()
        return [link for link in (self._read(connection, name) for name in names) if link is not None]

    def list(self, account: str) -> list[Link]:
        """The links of an account now; raises NotFound for no such account."""
        with self._store.reading() as connection:
            if read_account(self._store, connection, account) is None:
                raise NotFound(f"there is no account {account!r}")
            return self.of(connection, account)

    def link(
        self, account: str, issuer: str, subject: str, reason: str, authority: Authority, *, shown: bool = False
    ) -> Link:
        """Says that the subject is the account's person; `shown`: who says so has just signed in there as the subject.

        Raises NotFound, AccessDenied, Conflict if the subject is linked already or the account has a link there,
        SchemaViolation for an account that is no person's.
        """
        if shown != (authority.actor == account):
            raise AccessDenied(
                "nobody says of themselves whom the identity provider knows them as",
                advice="Sign in with other components, and link your account by signing in at the provider.",
            )
        if not 0 < len(subject) <= 255 or "\0" in subject:
            raise SchemaViolation("a subject is of 1 to 255 characters")
        entry = CredentialEntry(
            credential=secrets.token_hex(8),
            account=account,
            sort=CredentialSort.OIDC,
            state=CredentialState.SET,
            reason=reason,
            authority=authority,
            issuer=issuer,
            subject=subject,
        )

        def check(transaction: Transaction) -> None:
            if not shown:
                require_admin(self._store, transaction, authority)
            self._require_person(transaction, account)
            taken = self.find(transaction.connection, issuer, subject)
            if taken is not None:
                whose = "this account" if taken.account == account else "another account"
                raise Conflict(f"the subject is linked to {whose} already", advice="Take that link back first.")
            if any(one.issuer == issuer for one in self.of(transaction.connection, account)):
                raise Conflict(f"account {account!r} is linked to another subject", advice="Take that link back first.")
            for key in (("provider-subject", issuer, subject), ("provider-link", account)):
                if transaction.scratch.get(key):
                    raise Conflict("the subject or the account was linked meanwhile")
                transaction.scratch[key] = True

        return self._append(entry, check)

    def confirm(self, credential: str, reason: str, authority: Authority) -> Link:
        """A second person says so too. Raises NotFound, Conflict, and AccessDenied for whoever may not."""
        with self._store.reading() as connection:
            body, index = self._entry(connection, credential)
            origin = view(connection).origin
        if link_counts(body, self._first(body)):
            raise Conflict("the link counts already")
        if not authority.authenticated or authority.actor in (body.account, body.authority.actor):
            raise AccessDenied(
                "a link is confirmed by a second administrator who is signed in, and is not the person",
                advice="Ask another security officer.",
            )
        address = str(Address(origin, index))
        entry = msgspec.structs.replace(body, reason=reason, authority=authority, confirms=address)
        return self._append(entry, self._administered(credential, index, authority))

    def unlink(self, credential: str, reason: str, authority: Authority) -> int:
        """From here on the subject is nobody's; returns the entry's index. Raises NotFound, AccessDenied."""
        with self._store.reading() as connection:
            body, index = self._entry(connection, credential)
        entry = msgspec.structs.replace(
            body, state=CredentialState.RETIRED, reason=reason, authority=authority, confirms=None
        )
        own = authority.authenticated and authority.actor == body.account
        check = self._still(credential, index) if own else self._administered(credential, index, authority)
        batch = Batch([draft(entry)], before=check)
        return self._store.append(SYSTEM_LOG, batch)[0].index

    def require_current(self, transaction: Transaction, link: Link) -> None:
        """Raises Conflict if the link changed since it was read, in this group commit or before."""
        self._still(link.credential, link.index, changes=False)(transaction)

    def _administered(self, credential: str, index: int, authority: Authority) -> Callable[[Transaction], None]:
        still = self._still(credential, index)

        def check(transaction: Transaction) -> None:
            require_admin(self._store, transaction, authority)
            still(transaction)

        return check

    def _still(self, credential: str, index: int, *, changes: bool = True) -> Callable[[Transaction], None]:
        def check(transaction: Transaction) -> None:
            key: Any = ("credential", credential)
            if transaction.scratch.get(key) or current(transaction.connection, tables.credential, credential) != index:
                raise Conflict("the link was changed meanwhile", advice="Look at it again, and then decide.")
            if changes:
                transaction.scratch[key] = True

        return check

    def _append(self, entry: CredentialEntry, check: Callable[[Transaction], None]) -> Link:
        index = self._store.append(SYSTEM_LOG, Batch([draft(entry)], before=check))[0].index
        return _link(entry, index, link_counts(entry, self._first(entry)))

    def _entry(self, connection: Connection, credential: str) -> tuple[CredentialEntry, int]:
        index = current(connection, tables.credential, credential)
        if index is not None:
            log_view(self._store).require(connection, (index,))
            body, _ = read_entry(self._store, connection, index, CredentialEntry)
            if body.sort is CredentialSort.OIDC and body.credential == credential:
                return body, index
        raise NotFound("there is no such link to an identity provider")

    def _read(self, connection: Connection, credential: str) -> Link | None:
        try:
            body, index = self._entry(connection, credential)
        except NotFound:
            return None
        if body.state is not CredentialState.SET:
            return None
        return _link(body, index, link_counts(body, self._first(body, connection)))

    def _first(self, body: CredentialEntry, connection: Connection | None = None) -> CredentialEntry | None:
        """The entry that this one confirms."""
        if body.confirms is None:
            return None
        if connection is None:
            with self._store.reading() as snapshot:
                return self._first(body, snapshot)
        return read_entry(self._store, connection, parse_address(body.confirms).index, CredentialEntry)[0]

    def _require_person(self, transaction: Transaction, account: str) -> None:
        found = read_account(self._store, transaction.connection, account)
        if found is None:
            raise NotFound(f"there is no account {account!r}")
        if found[0].sort is AccountSort.SERVICE:
            raise SchemaViolation(f"{account!r} is a service account", advice="Service accounts show tokens.")
        if found[0].state is not AccountState.ACTIVE or transaction.scratch.get(("deactivated", account)):
            raise Conflict(f"account {account!r} is deactivated")


def _link(body: CredentialEntry, index: int, counts: bool) -> Link:
    return Link(
        credential=body.credential,
        account=body.account,
        issuer=body.issuer or "",
        subject=body.subject or "",
        index=index,
        counts=counts,
    )
