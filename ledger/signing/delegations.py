"""Delegations: who may sign in whose place, from when until when.

A delegation gives a place, never a role: for each step that is signed by one, both hold its role by grants of their own
at that moment. So nobody lends what they don't hold, passes on what was lent to them, or gains what excludes another
role of theirs.
"""

import secrets

import msgspec
from sqlalchemy import Connection, select

from ledger.core.authority import Authority
from ledger.core.clock import parse_utc, utc_text
from ledger.core.entry import draft
from ledger.core.errors import AccessDenied, Conflict, NotFound, SchemaViolation
from ledger.core.workflow import DelegationEntry, DelegationState
from ledger.people.credentials import current, read_entry
from ledger.people.log_view import log_view
from ledger.people.roles import SIGNING
from ledger.signing.holders import Holders
from ledger.signing.route_tables import delegation
from ledger.store.append import Batch, Transaction
from ledger.store.logs import SYSTEM_LOG
from ledger.store.store import Store


class KnownDelegation(msgspec.Struct, frozen=True, kw_only=True):
    """A delegation that was not ended, and its entry."""

    entry: int
    delegation: DelegationEntry


class Delegations:
    """The delegations of one ledger. Safe to use from any number of threads."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def give(self, delegate: str, from_us: int, until_us: int, reason: str, authority: Authority) -> KnownDelegation:
        """The actor lets somebody sign for them between two instants; returns the delegation.

        Raises AccessDenied for who did not sign in, SchemaViolation for an interval that is none, Conflict where they
        hold no role in common.
        """
        if not authority.authenticated:
            raise AccessDenied("only somebody who signed in lends what they may sign", advice="Sign in first.")
        if until_us <= from_us or until_us <= self._store.clock.now_us():
            raise SchemaViolation("the delegation would end before it begins, or has ended already")
        entry = _checked(
            DelegationEntry(
                delegation=secrets.token_hex(8),
                account=authority.actor,
                delegate=delegate,
                state=DelegationState.GRANTED,
                from_at=utc_text(from_us),
                until_at=utc_text(until_us),
                reason=reason,
                authority=authority,
            )
        )

        def check(transaction: Transaction) -> None:
            holders = Holders(self._store, transaction.connection, transaction.logged_us)
            mine, theirs = (
                {role for role in SIGNING if holders.grants(one, role.value, None)} for one in (entry.account, delegate)
            )
            if not mine & theirs:
                raise Conflict(
                    f"{entry.account} and {delegate} hold no role in common in which steps are signed",
                    advice="Name a person who holds the role too; what somebody else lent cannot be passed on.",
                )

        index = self._store.append(SYSTEM_LOG, Batch([draft(entry)], before=check))[0].index
        return KnownDelegation(entry=index, delegation=entry)

    def end(self, name: str, reason: str, authority: Authority) -> int:
        """Ends a delegation at once; returns the entry's index. Raises NotFound, AccessDenied for who is not of it."""
        with self._store.reading() as connection:
            index = current(connection, delegation, name)
            if index is None:
                raise NotFound(f"no delegation {name!r} is in force")
            now, _ = read_entry(self._store, connection, index, DelegationEntry)
        if not authority.authenticated or authority.actor not in (now.account, now.delegate):
            raise AccessDenied("only who gave it, or who has it, ends a delegation")
        entry = msgspec.structs.replace(now, state=DelegationState.ENDED, reason=reason, authority=authority)

        def check(transaction: Transaction) -> None:
            key = ("delegation", name)
            if transaction.scratch.get(key) or current(transaction.connection, delegation, name) != index:
                raise NotFound(f"no delegation {name!r} is in force")
            transaction.scratch[key] = True

        return self._store.append(SYSTEM_LOG, Batch([draft(_checked(entry))], before=check))[0].index

    def of(self, account: str) -> list[KnownDelegation]:
        """The delegations that an account gave or has, and that were not ended, in their order."""
        row = delegation.c
        with self._store.reading() as connection:
            found = connection.scalars(
                select(row.from_index)
                .where(row.log == SYSTEM_LOG, row.to_index.is_(None))
                .where((row.account == account) | (row.delegate == account))
                .order_by(row.from_index)
            ).all()
            return [_known(self._store, connection, index) for index in found]


def lent_to(store: Store, connection: Connection, delegate: str, now_us: int) -> list[KnownDelegation]:
    """The delegations by which an account may sign for others at that moment."""
    row = delegation.c
    found = connection.scalars(
        select(row.from_index)
        .where(row.log == SYSTEM_LOG, row.to_index.is_(None), row.delegate == delegate)
        .order_by(row.from_index)
    ).all()
    known = [_known(store, connection, index) for index in found]
    return [one for one in known if in_force(one.delegation, now_us)]


def in_force(entry: DelegationEntry, at_us: int) -> bool:
    """Whether a delegation that was not ended allows to sign at that moment."""
    return entry.state is DelegationState.GRANTED and parse_utc(entry.from_at) <= at_us < parse_utc(entry.until_at)


def _known(store: Store, connection: Connection, index: int) -> KnownDelegation:
    log_view(store).require(connection, (index,))
    return KnownDelegation(entry=index, delegation=read_entry(store, connection, index, DelegationEntry)[0])


def _checked(entry: DelegationEntry) -> DelegationEntry:
    if entry.account == entry.delegate:
        raise SchemaViolation("nobody delegates to themselves")
    try:
        return msgspec.convert(msgspec.to_builtins(entry), DelegationEntry)
    except msgspec.ValidationError as error:
        raise SchemaViolation(f"the delegation cannot be so: {error}") from None
