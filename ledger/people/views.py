"""What watched callers (inspectors) see and take out: an entry each, before the answer goes out."""

from typing import Final

import msgspec
from sqlalchemy import select

from ledger.core.entry import decode_leaf, draft
from ledger.people import tables
from ledger.people.access import Caller
from ledger.people.evaluations import EvaluationId, require_on
from ledger.people.person_kinds import ViewedEntry, Viewing
from ledger.store.logs import SYSTEM_LOG
from ledger.store.position import index_of
from ledger.store.reading import LogReader
from ledger.store.store import Store

LONGEST: Final = 4_000
"""Characters of an address that are kept; an answer to a longer one is refused by the servers before us."""


class View(msgspec.Struct, frozen=True, kw_only=True):
    """One view, by its entry of the system log."""

    index: int
    at: str
    account: str
    how: Viewing
    address: str


class Views:
    """Safe to use from any number of threads."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def enter(self, caller: Caller, address: str, how: Viewing) -> None:
        """Enters that this caller is shown this; durable once it returns. Raises what appending raises."""
        entry = ViewedEntry(account=caller.account, address=address[:LONGEST], how=how, authority=caller.authority)
        self._store.append_one(SYSTEM_LOG, draft(entry))

    def of(self, account: str, after: int = -1, limit: int = 500) -> list[View]:
        """What an account was shown, in order, of entries after that index.

        Raises NotFound where the site has that evaluation off.
        """
        row = tables.viewed.c
        with self._store.reading() as connection:
            require_on(connection, EvaluationId.INSPECTOR_VIEWS)
            found = connection.execute(
                select(row.pos, row.how, row.address)
                .where(row.account == account, row.pos > after)
                .order_by(row.pos)
                .limit(limit)
            ).all()
            reader = LogReader(connection, SYSTEM_LOG)
            return [
                View(
                    index=index_of(one.pos),
                    at=decode_leaf(reader.entry(index_of(one.pos)).leaf).logged_at,
                    account=account,
                    how=Viewing(one.how),
                    address=one.address,
                )
                for one in found
            ]
