"""Printed names and addresses of persons: sealed where the site so decides, and read in one place."""

import msgspec
from sqlalchemy import Connection

from ledger.core.entry import SALT_SIZE, Draft, VaultItem, draft
from ledger.core.hashing import b64, sealed_commitment
from ledger.core.record import Sealed
from ledger.core.sealing import seal_value
from ledger.people.credentials import read_account
from ledger.people.kinds import AccountEntry
from ledger.store.logs import SYSTEM_LOG
from ledger.store.reading import VaultReader
from ledger.store.store import Store

SEALABLE = ("title", "email")
"""Members of an account's entry that are personal, in the order of its fields."""


def account_draft(entry: AccountEntry, seal: bool) -> Draft:
    """The entry ready to be appended; with `seal` its personal members stand beside it, and only their digests in it.

    Each entry seals them anew, under salts of its own.
    """
    items: list[VaultItem] = []
    hidden = {}
    for member in SEALABLE if seal else ():
        value = getattr(entry, member)
        if isinstance(value, str):
            hidden[member], item = seal_value(member, value, len(items))
            items.append(item)
    return draft(msgspec.structs.replace(entry, **hidden), tuple(items))


def printed_name(store: Store, connection: Connection, account: str) -> str | None:
    """The printed name of an account as it is now; None where there is no such account, or its name was erased."""
    found = read_account(store, connection, account)
    return None if found is None else opened(connection, *found, "title")


def opened(connection: Connection, body: AccountEntry, index: int, member: str) -> str | None:
    """A personal member of the account's entry at `index`, whether it is sealed or not; None where it is gone.

    A value beside the entry that is not the one that the entry commits to is not believed.
    """
    value = getattr(body, member)
    if not isinstance(value, Sealed):
        return None if value is None else str(value)
    for kept in VaultReader(connection).sealed(SYSTEM_LOG, index):
        if kept.meta != member or len(kept.salt) != SALT_SIZE:
            continue
        if b64(sealed_commitment(kept.salt, kept.value)) == value.sealed:
            return str(msgspec.json.decode(kept.value))
    return None
