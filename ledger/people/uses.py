"""What is good for one use: codes, counters of authenticators, states. Kept in the transaction of what they allowed."""

from typing import Final

from sqlalchemy import delete, insert, select, update

from ledger.core.errors import NotAuthenticated
from ledger.people.tables import door_use
from ledger.store.append import Transaction
from ledger.store.store import Store

FOR_EVER: Final = (1 << 62) - 1


def spend(transaction: Transaction, nonce: str, until_us: int) -> None:
    """Uses a state up, which is good until then; raises NotAuthenticated where it was used before."""
    key = f"state:{nonce}"
    if _value(transaction, key) is not None:
        raise NotAuthenticated("this step was done already", advice="Begin again.")
    transaction.connection.execute(insert(door_use).values(key=key, value=0, until_us=until_us))


def advance(transaction: Transaction, component: str, value: int) -> None:
    """Notes the step or counter that a component showed; raises NotAuthenticated unless it is beyond the last."""
    key = f"component:{component}"
    last = _value(transaction, key)
    if last is not None and value <= last:
        raise NotAuthenticated("this code was used already", advice="Wait for the next one.")
    if last is None:
        transaction.connection.execute(insert(door_use).values(key=key, value=value, until_us=FOR_EVER))
    else:
        transaction.connection.execute(update(door_use).where(door_use.c.key == key).values(value=value))


def last_of(transaction: Transaction, component: str) -> int | None:
    """The step or counter that the component showed last; None before the first."""
    return _value(transaction, f"component:{component}")


def forget_spent(store: Store) -> None:
    """Drops states that are over anyway."""
    with store.writing() as connection:
        connection.execute(delete(door_use).where(door_use.c.until_us < store.clock.now_us()))


def _value(transaction: Transaction, key: str) -> int | None:
    return transaction.connection.scalar(select(door_use.c.value).where(door_use.c.key == key))
