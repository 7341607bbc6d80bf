"""How a person is reached: the printed name and e-mail address of an account, also where they are sealed."""

import msgspec
from sqlalchemy import Connection

from ledger.people.credentials import read_account
from ledger.people.kinds import AccountState
from ledger.people.names import opened
from ledger.store.store import Store


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """An active account; `name` and `email` are None where there are none, or they were erased."""

    account: str
    name: str | None
    email: str | None


def read_contact(store: Store, connection: Connection, account: str) -> Contact | None:
    """The contact of an account; None if it is not active, or there never was one."""
    found = read_account(store, connection, account)
    if found is None or found[0].state is not AccountState.ACTIVE:
        return None
    body, index = found
    return Contact(
        account=account,
        name=opened(connection, body, index, "title"),
        email=opened(connection, body, index, "email"),
    )
