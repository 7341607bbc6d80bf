"""The components of a person, read off the log: password, devices, passkeys, and a code that was not used yet.

A row of table `credential` only says where to look; the entry there counts, and the secret that it commits to.
"""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from ledger.core.errors import IntegrityError
from ledger.people import tables
from ledger.people.credentials import current, read_entry
from ledger.people.log_view import log_view
from ledger.people.person_kinds import CredentialEntry, CredentialSort, CredentialState
from ledger.people.secrets import kept, row_holds
from ledger.store import schema
from ledger.store.append import Transaction
from ledger.store.logs import SYSTEM_LOG
from ledger.store.position import pos_of
from ledger.store.store import Store

SECOND = frozenset({CredentialSort.TOTP, CredentialSort.PASSKEY})
"""Sorts that are a second factor beside a password."""


class Component(msgspec.Struct, frozen=True, kw_only=True):
    """A component that is in force: its entry, where that stands, and since when it is so."""

    body: CredentialEntry
    index: int
    set_us: int

    @property
    def name(self) -> str:
        return self.body.credential

    @property
    def sort(self) -> CredentialSort:
        return self.body.sort


def read_components(store: Store, connection: Connection, account: str) -> list[Component]:
    """What is in force for an account, oldest first; a code that expired is among them."""
    row = tables.credential.c
    indices = connection.scalars(
        select(row.from_index)
        .where(row.log == SYSTEM_LOG, row.account == account, row.to_index.is_(None))
        .order_by(row.from_index)
    ).all()
    log_view(store).require(connection, indices)
    return [_component(store, connection, index, account) for index in indices]


def find_component(store: Store, connection: Connection, name: str) -> Component | None:
    """The component of that name; None when none is in force."""
    index = current(connection, tables.credential, name)
    if index is None:
        return None
    log_view(store).require(connection, (index,))
    found = _component(store, connection, index, None)
    return found if found.name == name else None


def ever_had(connection: Connection, account: str, sorts: Iterable[CredentialSort]) -> bool:
    """Whether the account has or had a component of one of these sorts."""
    row = tables.credential.c
    there = select(row.key).where(
        row.log == SYSTEM_LOG, row.account == account, row.sort.in_([sort.value for sort in sorts])
    )
    return connection.execute(there.limit(1)).first() is not None


def secret_row(connection: Connection, found: Component) -> bytes:
    """The vault's row of a component; raises IntegrityError unless it is the one that its entry commits to."""
    for ref in found.body.secrets:
        column = schema.secret.c
        value = connection.scalar(
            select(column.value).where(column.pos == pos_of(SYSTEM_LOG, found.index), column.name == ref.name)
        )
        if value is not None and row_holds(ref, bytes(value)):
            return bytes(value)
    raise IntegrityError(f"the secret of component {found.name!r} is not the one that entry {found.index} commits to")


def secret_of(connection: Connection, found: Component) -> Any:
    """The JSON that the vault keeps of a component; raises as `secret_row` does."""
    return kept(secret_row(connection, found))


def unchanged(transaction: Transaction, components: Iterable[Component]) -> bool:
    """Whether each is in force, under the head lock, as it was read."""
    return all(
        not transaction.scratch.get(("component", one.name))
        and current(transaction.connection, tables.credential, one.name) == one.index
        for one in components
    )


def _component(store: Store, connection: Connection, index: int, account: str | None) -> Component:
    body, set_us = read_entry(store, connection, index, CredentialEntry)
    if body.state is not CredentialState.SET or (account is not None and body.account != account):
        raise IntegrityError(f"table credential contradicts entry {index} of the system log")
    return Component(body=body, index=index, set_us=set_us)
