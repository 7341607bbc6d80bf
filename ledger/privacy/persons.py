"""When a search is one for a person. The rule is stated here, applied by every surface, and honest about its limits.

It is, where

- the actor is given, or a person of the identity map: whoever acts may be a person, and only they know;
- a link of kind `person` is asked for, or the id of a link or object is a known person or account;
- a word of the text, a workstation, a role or an attribute is a known account or person, or a word (of three letters or
  more) of a known printed name.

Known are: accounts of persons and inspectors in Trailseal with their printed names, also sealed ones; accounts and
persons of the identity map; and whatever stands as actor in a record of the log. Case makes no difference.

What the rule does not catch: a name that stands in a record's free text alone and belongs to nobody known here, part of
a word (search finds none by parts either), and what somebody reads without searching. Sealed members of records are in
no index, so a search never finds a record by them.
"""

from collections.abc import Iterable
from typing import Final
from weakref import WeakKeyDictionary

import msgspec
from sqlalchemy import Connection, func, or_, select

from ledger.core.record import LinkKind
from ledger.core.tokens import query_tokens
from ledger.people import tables as people
from ledger.people.kinds import AccountSort
from ledger.people.names import printed_name
from ledger.privacy.look_up_kinds import Basis
from ledger.sources import tables as sources
from ledger.store import schema
from ledger.store.logs import SYSTEM_LOG
from ledger.store.position import pos_of
from ledger.store.question import Query
from ledger.store.reading import LogReader
from ledger.store.store import Store

LEAST_LETTERS: Final = 3
"""Shorter words of a printed name are initials and particles."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The persons that a search is for, as they were typed, in lower case; and by which members."""

    persons: tuple[str, ...]
    by: tuple[Basis, ...]


def asked(store: Store, connection: Connection, log: int, query: Query, person: str | None = None) -> Asked | None:
    """The persons that a query, or one for a `person` of the identity map, searches a log for; None: for none."""
    found: dict[str, Basis] = {}
    if person is not None:
        found[person.casefold()] = Basis.ACTOR
    if query.actor is not None:
        found[query.actor.casefold()] = Basis.ACTOR
    if query.link_kind is LinkKind.PERSON:
        found.setdefault((query.link_id or "").casefold(), Basis.LINK)
    for kind, id_ in query.links:
        if kind is LinkKind.PERSON:
            found.setdefault(id_.casefold(), Basis.LINK)
    words = {word.casefold(): Basis.TEXT for word in query_tokens(query.text)}
    whole = query.text.strip().casefold()
    if whole:
        words.setdefault(whole, Basis.TEXT)
    # All of these are among a record's words too: what is a person there is one here.
    words |= {value.casefold(): Basis.TEXT for value in (query.workstation, query.role, query.attribute) if value}
    ids = [(query.link_id, Basis.LINK), *((id_, Basis.LINK) for _, id_ in query.links), (query.object_id, Basis.OBJECT)]
    words |= {value.casefold(): basis for value, basis in ids if value is not None}
    words = {word: basis for word, basis in words.items() if word not in found}
    for word in _known(store, connection, log, words):
        found[word] = words[word]
    if not found:
        return None
    return Asked(persons=tuple(sorted(found)), by=tuple(sorted(set(found.values()))))


def _known(store: Store, connection: Connection, log: int, words: Iterable[str]) -> set[str]:
    """Those of these words that are somebody."""
    # No stored text holds U+0000, and PostgreSQL takes none to compare with either.
    wanted = sorted(word for word in words if "\0" not in word)
    if not wanted:
        return set()
    account, identity, record = people.account.c, sources.identity.c, schema.record.c
    forms = {form: word for word in wanted for form in (word, word.upper(), word.capitalize(), word.title())}
    known = set(
        connection.scalars(
            select(account.key).where(
                account.log == SYSTEM_LOG, account.key.in_(wanted), account.sort != AccountSort.SERVICE.value
            )
        )
    )
    for column in (identity.account, identity.person):
        alike = func.lower(column).in_(wanted)
        mapped = connection.scalars(select(column).where(or_(alike, column.in_(sorted(forms)))).distinct())
        known |= {one.casefold() for one in mapped if one is not None}
    actors = connection.scalars(
        select(record.actor)
        .where(record.pos >= pos_of(log, 0), record.pos < pos_of(log + 1, 0), record.actor.in_(sorted(forms)))
        .distinct()
    )
    known |= {forms[one] for one in actors if one is not None}
    known &= set(wanted)
    left = set(wanted) - known
    return known | (left & _name_words(store, connection) if left else set())


_NAMES: WeakKeyDictionary[Store, tuple[int, frozenset[str]]] = WeakKeyDictionary()
"""For each store the words below, as of a size of its system log: names change with entries alone."""


def _name_words(store: Store, connection: Connection) -> frozenset[str]:
    """The words of every printed name of a person or inspector, in lower case."""
    size = LogReader(connection, SYSTEM_LOG).head().size
    known = _NAMES.get(store)
    if known is None or known[0] != size:
        known = _NAMES[store] = (size, _read_name_words(store, connection))
    return known[1]


def _read_name_words(store: Store, connection: Connection) -> frozenset[str]:
    row = people.account.c
    accounts = connection.execute(
        select(row.key, row.title).where(
            row.log == SYSTEM_LOG, row.to_index.is_(None), row.sort != AccountSort.SERVICE.value
        )
    ).all()
    names = (one.title or printed_name(store, connection, one.key) or "" for one in accounts)
    return frozenset(
        word.casefold() for name in names for word in (*query_tokens(name), name.strip()) if len(word) >= LEAST_LETTERS
    )
