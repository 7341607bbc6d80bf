"""Who may have a key and who may not vouch for one: checks of identity, and whoever reset something of a person's."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, Table, select

from ledger.core.binding import BindingEvent, KeyBindingEntry
from ledger.people import tables as people_tables
from ledger.people.credentials import read_entry
from ledger.people.person_kinds import CredentialEntry, QualificationEntry, QualificationSort
from ledger.people.qualifications import has_identity
from ledger.people.reset_kinds import ResetEntry
from ledger.signing.tables import key_binding
from ledger.store.logs import SYSTEM_LOG
from ledger.store.store import Store


def identity_entry(store: Store, connection: Connection, account: str, after: int) -> int | None:
    """The last check of the person's identity that still counts and was recorded after an entry."""
    if not has_identity(store, connection, account):
        return None
    row = people_tables.qualification.c
    indices: Sequence[int] = connection.scalars(
        select(row.from_index)
        .where(row.log == SYSTEM_LOG, row.account == account, row.to_index.is_(None), row.from_index > after)
        .where(row.sort == QualificationSort.IDENTITY.value)
        .order_by(row.from_index.desc())
    ).all()
    for index in indices:
        body, _ = read_entry(store, connection, index, QualificationEntry)
        if body.holds and body.account == account and body.authority.actor != account:
            return index
    return None


def who_reset(store: Store, connection: Connection, account: str) -> frozenset[str]:
    """Whoever set or retired a component of this person's, but for the very first enrolment; whoever asked for a reset
    or decided one; and whoever revoked a key of theirs.
    """
    found: set[str] = set()
    for number, index in enumerate(_entries(connection, people_tables.credential, account)):
        if number:
            found.add(read_entry(store, connection, index, CredentialEntry)[0].authority.actor)
    for index in _entries(connection, people_tables.reset_request, account):
        found.add(read_entry(store, connection, index, ResetEntry)[0].authority.actor)
    for index in _entries(connection, key_binding, account):
        change, _ = read_entry(store, connection, index, msgspec.Struct)
        if isinstance(change, KeyBindingEntry) and change.event is BindingEvent.REVOKED:
            found.add(change.authority.actor)
    return frozenset(found - {account})


def _entries(connection: Connection, table: Table, account: str) -> list[int]:
    """The entries by which rows of an account's began or ended, in order."""
    row = table.c
    spans = connection.execute(
        select(row.from_index, row.to_index).where(row.log == SYSTEM_LOG, row.account == account)
    ).all()
    return sorted({at for span in spans for at in span if at is not None})
