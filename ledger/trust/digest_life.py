"""A new digest secret comes into use with an entry that names it; records that were known before are known after it."""

from collections.abc import Callable, Sequence

import msgspec
from sqlalchemy import Connection, select

from ledger.core.authority import Authority
from ledger.core.entry import Draft, draft
from ledger.store.append import Batch, Placed, Transaction
from ledger.store.logs import SYSTEM_LOG
from ledger.store.store import Store
from ledger.trust.keys import Keys
from ledger.trust.kinds import KeyEvent, KeyEventSort, KeyPurpose
from ledger.trust.tables import key_event


class DigestRotated(msgspec.Struct, frozen=True, kw_only=True):
    """Which secret followed which, by their ids, and the entry that says so. `kept`: how many secrets are held now."""

    old: str
    new: str
    index: int
    kept: int


def rotate_digest(
    store: Store, keys: Keys, permit: Callable[[Transaction, Authority], None], authority: Authority
) -> DigestRotated:
    """Puts a new digest secret into use; `permit` raises AccessDenied, under the head lock, for who may not.

    The secret is durable before its entry. Where a crash came between, the next call enters that secret and makes none.
    """
    done: list[tuple[str, str]] = []

    def check(transaction: Transaction) -> None:
        permit(transaction, authority)

    def close(transaction: Transaction, _placed: Sequence[Placed]) -> Sequence[Draft]:
        old = entered(transaction.connection)[-1]
        if not done:  # the database may have the transaction repeated
            held = keys.digests()
            done.append((old, held.key if held.key != old else keys.rotate_digest_secret().key))
        (change,) = done
        return [_event(KeyEventSort.CREATED, change[1], authority), _event(KeyEventSort.RETIRED, change[0], authority)]

    placed = store.append(SYSTEM_LOG, Batch([], closing=close, before=check))
    return DigestRotated(old=done[0][0], new=done[0][1], index=placed[0].index, kept=len(keys.digests().keys))


def entered(connection: Connection) -> list[str]:
    """The ids of the digest secrets that came into use, as the system log names them, the last one last."""
    row = key_event.c
    found = select(row.key).where(row.purpose == KeyPurpose.DIGEST.value, row.event == KeyEventSort.CREATED.value)
    return list(connection.scalars(found.order_by(row.pos)))


def _event(sort: KeyEventSort, key: str, authority: Authority) -> Draft:
    return draft(KeyEvent(event=sort, purpose=KeyPurpose.DIGEST, key=key, authority=authority))
