"""From which terminals accounts signed in."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from sqlalchemy import Connection, select

from ledger.core.record import Action, Outcome
from ledger.review.known.rows import there
from ledger.store import schema
from ledger.store.position import index_of

_AT_ONCE: Final = 500
"""Accounts that one question names."""


class SignIn(NamedTuple):
    """An account signed in: when by its source's claim, from where, by which entry."""

    at_us: int
    entry: int
    workstation: str | None


def sign_ins(
    connection: Connection, log: int, size: int, source: str, accounts: Collection[str]
) -> Mapping[str, list[SignIn]]:
    """When these accounts of a source ever signed in, in order of time."""
    row, ordered, found = schema.record.c, sorted(accounts), defaultdict[str, list[SignIn]](list)
    for at in range(0, len(ordered), _AT_ONCE):
        chosen = select(row.actor, row.at_us, row.pos, row.workstation).where(
            row.source == source,
            row.action == Action.LOGIN,
            row.outcome == Outcome.SUCCESS,
            row.actor.in_(ordered[at : at + _AT_ONCE]),
            *there(log, size),
        )
        for account, at_us, pos, workstation in connection.execute(chosen):
            found[account].append(SignIn(at_us, index_of(pos), workstation))
    for of in found.values():
        of.sort(key=lambda one: one[:2])
    return found
