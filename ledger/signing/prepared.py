"""What was put before somebody to sign: kept for ten minutes (an hour for what is signed elsewhere), used once."""

import secrets
from typing import Final, TypeVar

import msgspec
from sqlalchemy import Connection, delete, insert, select

from ledger.core import canonical
from ledger.core.errors import Conflict, IntegrityError, NotFound
from ledger.core.signature import HERE_US
from ledger.signing.tables import prepared
from ledger.store.append import Transaction
from ledger.store.store import Store

LASTING_US: Final = HERE_US
"""How long somebody has to sign what was prepared."""

T = TypeVar("T", bound=msgspec.Struct)


def put(
    store: Store,
    sort: str,
    account: str,
    content: msgspec.Struct,
    ident: str | None = None,
    lasting: int = LASTING_US,
) -> str:
    """Keeps it for so long, drops what is out of date, and returns its id."""
    now, row = store.clock.now_us(), prepared.c
    name = ident or secrets.token_hex(16)
    with store.writing() as connection:
        connection.execute(delete(prepared).where(row.at_us < now - LASTING_US))
        connection.execute(
            insert(prepared).values(
                id=name,
                sort=sort,
                account=account,
                content=canonical.encode_struct(content),
                at_us=now + lasting - LASTING_US,
            )
        )
    return name


def get(store: Store, connection: Connection, sort: str, ident: str, content: type[T]) -> tuple[str, T]:
    """For whom it was prepared, and what; raises NotFound where it is not there, is over, or was used."""
    row = prepared.c
    found = connection.execute(
        select(row.account, row.content, row.at_us).where(row.id == ident, row.sort == sort)
    ).one_or_none()
    if found is None or found.at_us < store.clock.now_us() - LASTING_US:
        raise NotFound("nothing of that id is waiting to be signed", advice="It may be over: begin again.")
    try:
        return found.account, msgspec.json.decode(bytes(found.content), type=content)
    except msgspec.DecodeError:
        raise IntegrityError("what was prepared is not what was kept") from None


def use(transaction: Transaction, ident: str) -> None:
    """Uses it up under the head lock; raises Conflict where somebody did so before."""
    if transaction.connection.execute(delete(prepared).where(prepared.c.id == ident)).rowcount != 1:
        raise Conflict("this was signed already, or withdrawn", advice="Begin again.")
