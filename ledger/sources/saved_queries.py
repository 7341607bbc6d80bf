"""Searches that are saved: each an entry of the system log, its owner's own or shared with all who may read."""

from hashlib import sha256
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Select, func, or_, select

from ledger.core.authority import Authority
from ledger.core.canonical import encode_struct
from ledger.core.entry import draft
from ledger.core.errors import Conflict, NotFound, SchemaViolation
from ledger.sources import tables as t
from ledger.sources.narrowing import Where
from ledger.sources.query_kinds import KIND, SavedEvent, SavedQueryEntry
from ledger.store.append import Batch, Transaction
from ledger.store.logs import SYSTEM_LOG
from ledger.store.ordering import Sort, SortKey
from ledger.store.question import Query, check
from ledger.store.reading import LogReader, body_of
from ledger.store.store import Store

MAX_OWN: Final = 200
"""Searches that one account keeps at most."""


class NewQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A search to be saved: what is asked of log `log`, in which order, and which columns are shown (none: the page's).

    Whoever saves it has made sure that it is for no person, and that there are such columns.
    """

    name: str
    log: str
    query: Query
    where: Where
    sort: Sort
    columns: tuple[str, ...] = ()
    shared: bool = False


class Saved(NewQuery, frozen=True, kw_only=True):
    """A search that is saved: its id, whose it is, and the entry of the system log that saved it."""

    id: str
    owner: str
    entry: int


class SavedQueries:
    """Safe to use from any number of threads."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def save(self, new: NewQuery, owner: str, authority: Authority) -> Saved:
        """Saves a search, durable once this returns; one of the same owner and name is replaced.

        Raises SchemaViolation for a name that is none, a query that nothing can match, and for more than `MAX_OWN`.
        """
        check(new.query)
        try:
            entry = msgspec.convert(
                {
                    "schema": "saved-query/1",
                    "saved": sha256(f"{owner}\n{new.name}".encode()).hexdigest()[:16],
                    "event": SavedEvent.SAVED,
                    "name": new.name,
                    "owner": owner,
                    "log": new.log,
                    "query": encode_struct(new.query).decode(),
                    "where": encode_struct(new.where).decode(),
                    "sort": new.sort.by.value,
                    "ascending": new.sort.ascending,
                    "columns": new.columns,
                    "shared": new.shared,
                    "authority": authority,
                },
                SavedQueryEntry,
            )
        except msgspec.ValidationError as error:
            raise SchemaViolation(f"a saved search: {error}", advice="Name it with 1 to 100 characters.") from None

        def few(transaction: Transaction) -> None:
            row = t.saved_query.c
            others = select(func.count()).where(
                row.log == SYSTEM_LOG, row.owner == owner, row.key != entry.saved, row.to_index.is_(None)
            )
            if (transaction.connection.scalar(others) or 0) >= MAX_OWN:
                raise SchemaViolation(f"{owner} has {MAX_OWN} saved searches", advice="Remove one that nobody uses.")

        (placed,) = self._store.append(SYSTEM_LOG, Batch([draft(entry)], before=few))
        return _saved(entry, placed.index)

    def remove(self, account: str, saved: str, all_shared: bool, authority: Authority) -> int:
        """Removes a search of the account's own, or with `all_shared` any shared one; returns the entry's index.

        Raises NotFound where the account sees none of that id or name, and Conflict where it is another's.
        """
        found = self.get(account, saved)
        if found.owner != account and not all_shared:
            raise Conflict(f"the search {found.name!r} is {found.owner}'s", advice="Only its owner removes it.")

        def there(transaction: Transaction) -> None:
            key = ("saved-query", found.id)
            now = transaction.connection.scalar(_open().where(t.saved_query.c.key == found.id))
            if now != found.entry or transaction.scratch.get(key):
                raise Conflict(f"the search {found.name!r} was saved again or removed meanwhile", advice="Look again.")
            transaction.scratch[key] = True

        with self._store.reading() as connection:
            body = _read(connection, found.entry)
        entry = msgspec.structs.replace(body, event=SavedEvent.REMOVED, authority=authority)
        return self._store.append(SYSTEM_LOG, Batch([draft(entry)], before=there))[0].index

    def listed(self, account: str) -> list[Saved]:
        """All that the account sees: its own, then what others share, each by name."""
        row = t.saved_query.c
        visible = _open().where(or_(row.owner == account, row.shared == 1))
        with self._store.reading() as connection:
            found = [_saved(_read(connection, index), index) for index in connection.scalars(visible)]
        return sorted(found, key=lambda one: (one.owner != account, one.name.casefold(), one.name, one.owner))

    def get(self, account: str, saved: str) -> Saved:
        """The search of that id, or else of that name: the account's own before a shared one; raises NotFound."""
        there = self.listed(account)
        for one in (*(one for one in there if one.id == saved), *(one for one in there if one.name == saved)):
            return one
        raise NotFound(f"there is no saved search {saved[:100]!r}", advice="List those that there are.")


def _open() -> Select[Any]:
    row = t.saved_query.c
    return select(row.from_index).where(row.log == SYSTEM_LOG, row.to_index.is_(None))


def _read(connection: Connection, index: int) -> SavedQueryEntry:
    return body_of(LogReader(connection, SYSTEM_LOG).entry(index), KIND, SavedQueryEntry)


def _saved(entry: SavedQueryEntry, index: int) -> Saved:
    return Saved(
        id=entry.saved,
        name=entry.name,
        owner=entry.owner,
        log=entry.log,
        query=msgspec.json.decode(entry.query, type=Query),
        where=msgspec.json.decode(entry.where, type=Where),
        sort=Sort(by=SortKey(entry.sort), ascending=entry.ascending),
        columns=entry.columns,
        shared=entry.shared,
        entry=index,
    )
