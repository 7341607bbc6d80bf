"""Roles of persons: granted for record logs and sources, from when until when, and revoked.

Every condition is judged under the head lock, from the entries of grants: nobody grants to themselves, nobody holds two
roles that exclude each other, and where a role takes training its grant ends with the training.
"""

import secrets
from collections.abc import Callable, Iterable
from typing import Final

import msgspec
from sqlalchemy import Connection

from ledger.core.authority import Authority
from ledger.core.clock import parse_utc, utc_text
from ledger.core.entry import draft
from ledger.core.errors import AccessDenied, Conflict, NotFound, SchemaViolation
from ledger.people import tables
from ledger.people.administration import not_over, note_holder, require_admin
from ledger.people.credentials import current, read_account, read_entry, read_grants
from ledger.people.defined import scopes_now
from ledger.people.directory import Directory
from ledger.people.ending import revoked
from ledger.people.kinds import AccountEntry, AccountSort, AccountState, GrantEntry, GrantState
from ledger.people.profile import read_profile
from ledger.people.qualifications import Training, training_in_force
from ledger.people.roles import Role, conflict
from ledger.people.sessions import superseding
from ledger.store.append import Batch, Transaction
from ledger.store.logs import SYSTEM_LOG, read_logs
from ledger.store.store import Store

KnownSources = Callable[[Connection], frozenset[str]]
"""The sources that are registered in any record log."""
_SOURCE_BOUND: Final = frozenset({Role.SOURCE_OWNER})


class Granted(msgspec.Struct, frozen=True, kw_only=True):
    """A new grant; `expires_at` may be earlier than was asked: `training`, or the account, ends then."""

    grant: str
    index: int
    expires_at: str | None
    training: str | None


class RoleGrants:
    """Safe to use from any number of threads."""

    def __init__(self, store: Store, directory: Directory, sources: KnownSources) -> None:
        self._store = store
        self._directory = directory
        self._sources = sources

    def grant(
        self,
        account: str,
        role: Role,
        reason: str,
        authority: Authority,
        *,
        sites: Iterable[str] = (),
        sources: Iterable[str] = (),
        from_at: str | None = None,
        expires_at: str | None = None,
    ) -> Granted:
        """Grants a role to a person or inspector, for all record logs and sources where none are named.

        Raises NotFound (account, record log, source), AccessDenied (to oneself, or without scope admin for these record
        logs), Conflict (deactivated, or a role that excludes this one), SchemaViolation.
        """
        if authority.actor == account:
            raise AccessDenied("nobody grants to themselves", advice="Ask another administrator.")
        chosen, bound = tuple(sorted(set(sites))), tuple(sorted(set(sources)))
        if bound and role not in _SOURCE_BOUND:
            raise SchemaViolation(f"role {role.value} is bound to no source", advice="Name sources for a source owner.")
        if not reason.strip():
            raise SchemaViolation("the reason is empty", advice="Say it in words.")
        with self._store.reading() as connection:
            scopes, definition = scopes_now(self._store, connection, role)
            self._require_places(connection, chosen, bound)
            found = read_account(self._store, connection, account)
            if found is None:
                raise NotFound(f"there is no account {account!r}")
            person, index = found
            training = self._training(connection, account, role)
        expires = self._expiry(person, role, expires_at, None if training is None else training.ends_us)
        self._require_span(from_at, expires)
        ident = secrets.token_hex(8)
        entry = GrantEntry(
            grant=ident,
            account=account,
            state=GrantState.GRANTED,
            scopes=tuple(sorted(scopes)),
            reason=reason,
            authority=authority,
            role=role,
            sites=chosen,
            sources=bound,
            from_at=from_at,
            expires_at=expires,
            training=None if training is None else training.address,
        )

        def check(transaction: Transaction) -> None:
            require_admin(self._store, transaction, authority, chosen)
            self._require_active(transaction, account, index)
            if training is not None and (
                transaction.scratch.get(("withdrawn", training.qualification))
                or current(transaction.connection, tables.qualification, training.qualification) != training.index
            ):
                raise Conflict(f"the training of {account} was taken back meanwhile")
            self._require_no_conflict(transaction, account, role)
            if scopes_now(self._store, transaction.connection, role)[1] != definition:
                raise Conflict(f"role {role.value} was defined anew meanwhile", advice="Grant it once more.")
            transaction.scratch["granted", account] = True
            note_holder(transaction, account)

        placed = self._store.append(SYSTEM_LOG, Batch([draft(entry)], before=check))
        self._directory.forget()
        return Granted(grant=ident, index=placed[0].index, expires_at=expires, training=entry.training)

    def revoke(self, grant: str, reason: str, authority: Authority) -> int:
        """Ends a grant, of a person or of a service account, at once; returns the entry's index.

        What is kept of a token is destroyed with it. Raises NotFound if no such grant is in force, AccessDenied.
        """
        with self._store.reading() as connection:
            index = current(connection, tables.access_grant, grant)
            body = None if index is None else read_entry(self._store, connection, index, GrantEntry)[0]
        gone = NotFound(f"no grant {grant!r} is in force")
        if body is None or index is None or body.state is GrantState.REVOKED:
            raise gone
        entry = revoked(body, index, reason, authority)
        batch = superseding([draft(entry)], [(index, ref.name) for ref in body.secrets], gone)

        def check(transaction: Transaction) -> None:
            key = ("revoked", grant)
            if authority.authenticated or body.role is not None:
                require_admin(self._store, transaction, authority, body.sites)
            if transaction.scratch.get(key) or current(transaction.connection, tables.access_grant, grant) != index:
                raise gone
            assert batch.before is not None
            batch.before(transaction)
            transaction.scratch[key] = True

        placed = self._store.append(SYSTEM_LOG, Batch(batch.drafts, closing=batch.closing, before=check))
        self._directory.forget()
        return placed[0].index

    def _training(self, connection: Connection, account: str, role: Role) -> Training | None:
        """The training that a grant of this role rests on; None where the site makes it depend on none."""
        if role not in read_profile(connection).trained_roles:
            return None
        found = training_in_force(self._store, connection, account, role)
        if found is None:
            raise Conflict(
                f"role {role.value} takes dated training, and none of {account} is in force",
                advice="Record the training first (`trailseal user qualify`).",
            )
        return found

    def _expiry(self, person: AccountEntry, role: Role, asked: str | None, training_us: int | None) -> str | None:
        if (person.sort is AccountSort.INSPECTOR) != (role is Role.INSPECTOR):
            raise SchemaViolation(
                f"role {role.value} and account {person.account!r} don't go together",
                advice="An inspector's account takes role inspector alone, and no other account takes that.",
            )
        if person.sort is AccountSort.SERVICE:
            raise SchemaViolation(
                f"{person.account!r} is a service account: it takes scopes, not roles", advice="Grant it a token."
            )
        limits = [asked, person.expires_at, None if training_us is None else utc_text(training_us)]
        return min((one for one in limits if one is not None), key=parse_utc, default=None)

    def _require_span(self, from_at: str | None, expires_at: str | None) -> None:
        now = self._store.clock.now_us()
        begins = now if from_at is None else parse_utc(from_at)
        if expires_at is not None and parse_utc(expires_at) <= max(now, begins):
            raise SchemaViolation(f"the grant would have expired at {expires_at}, before it begins")

    def _require_places(self, connection: Connection, sites: tuple[str, ...], sources: tuple[str, ...]) -> None:
        known = {log.name for log in read_logs(connection) if log.number != SYSTEM_LOG}
        for site in sites:
            if site not in known:
                raise NotFound(f"there is no record log {site!r}", advice=f"There are: {', '.join(sorted(known))}.")
        if sources:
            registered = self._sources(connection)
            for source in sources:
                if source not in registered:
                    raise NotFound(f"there is no source {source!r}", advice="Register it first.")

    def _require_active(self, transaction: Transaction, account: str, index: int) -> None:
        if transaction.scratch.get(("deactivated", account)):
            raise Conflict(f"account {account!r} is deactivated")
        found = read_account(self._store, transaction.connection, account)
        if found is None or found[0].state is not AccountState.ACTIVE:
            raise Conflict(f"account {account!r} is deactivated")
        if found[1] != index:
            raise Conflict(f"account {account!r} was changed meanwhile", advice="Look at it again, and then decide.")

    def _require_no_conflict(self, transaction: Transaction, account: str, role: Role) -> None:
        """Under the head lock: all grants in force or still to come, and those of this very group commit."""
        key = ("roles", account)
        now = self._store.clock.now_us()
        held = {
            grant.role
            for grant, _ in read_grants(self._store, transaction.connection, account)
            if grant.role is not None and not_over(grant, now)
        }
        held |= transaction.scratch.get(key, set())
        pair = conflict({*held, role})
        if pair is not None:
            raise Conflict(
                f"{account} cannot be {pair[0].value} and {pair[1].value}",
                advice="Who administers holds no GMP role, and an inspector no other: grant it to somebody else, or "
                "revoke the other role first.",
            )
        transaction.scratch[key] = {*transaction.scratch.get(key, set()), role}
