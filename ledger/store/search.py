"""Search over records: the same question gives the same answer, in the same order, on either database.

Order is by index, newest first; a page ends with the index to go on before (keyset paging). A search is made as of a
size: entries logged later are not in it.
"""

from typing import Annotated

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, cast, column, exists, false, func, literal_column, select, table
from sqlalchemy.dialects import postgresql

from ledger.core.record import Action, LinkKind, Outcome
from ledger.core.times import SafeInt
from ledger.core.tokens import query_tokens
from ledger.store import schema
from ledger.store.engine import is_sqlite
from ledger.store.position import index_of, pos_of

MAX_PAGE = 500
_EQUAL = ("source", "action", "outcome", "actor", "object_type", "object_id")
"""Members of a query that a column of the same name must equal."""
_FTS = table("record_fts", column("rowid"))


class Query(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What to search for; all members that are given must hold. Instants are microseconds UTC, from inclusive to
    exclusive. `text`: every word of it occurs in the record.
    """

    text: Annotated[str, msgspec.Meta(max_length=4096)] = ""
    source: str | None = None
    action: Action | None = None
    outcome: Outcome | None = None
    actor: str | None = None
    object_type: str | None = None
    object_id: str | None = None
    link_kind: LinkKind | None = None
    link_id: str | None = None
    occurred_from: SafeInt | None = None
    occurred_to: SafeInt | None = None


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Indices found, newest first. `next_before` is the keyset of the next page; None: this was the last."""

    indices: tuple[int, ...]
    size: int
    next_before: int | None


class Facet(msgspec.Struct, frozen=True, kw_only=True):
    """One value of a facet, and how many records have it."""

    value: str
    count: int


FACETS = ("source", "action", "outcome", "object_type")
"""Never the actor: counts by person would be a ranking of people."""


def search(
    connection: Connection, log: int, size: int, query: Query, before: int | None = None, limit: int = 50
) -> Page:
    """One page of the records that match, as of `size`."""
    limit = max(1, min(limit, MAX_PAGE))
    high = size if before is None else min(before, size)
    found = list(
        connection.scalars(
            select(schema.record.c.pos)
            .where(*_conditions(connection, log, high, query))
            .order_by(schema.record.c.pos.desc())
            .limit(limit + 1)
        )
    )
    indices = tuple(index_of(pos) for pos in found[:limit])
    return Page(indices=indices, size=size, next_before=indices[-1] if len(found) > limit else None)


def oldest(connection: Connection, log: int, size: int, query: Query, low: int, limit: int) -> list[int]:
    """The first of the records that match, from index `low` on, as of `size`."""
    pos = schema.record.c.pos
    chosen = select(pos).where(*_conditions(connection, log, size, query), pos >= pos_of(log, low))
    return [index_of(found) for found in connection.scalars(chosen.order_by(pos).limit(limit))]


def facets(connection: Connection, log: int, size: int, query: Query, top: int = 20) -> dict[str, tuple[Facet, ...]]:
    """For each facet the most frequent values among the records that match, with their counts."""
    conditions = _conditions(connection, log, size, query)
    answer = {}
    for name in FACETS:
        value = schema.record.c[name]
        count = func.count().label("n")
        rows = connection.execute(
            select(value, count)
            .where(*conditions, value.is_not(None))
            .group_by(value)
            .order_by(count.desc(), value)
            .limit(top)
        )
        answer[name] = tuple(Facet(value=found, count=n) for found, n in rows)
    return answer


def count(connection: Connection, log: int, size: int, query: Query) -> int:
    """How many records match, as of `size`."""
    return connection.scalar(select(func.count()).where(*_conditions(connection, log, size, query))) or 0


def _conditions(connection: Connection, log: int, high: int, query: Query) -> list[ColumnElement[bool]]:
    if any("\x00" in (getattr(query, name) or "") for name in (*_EQUAL, "link_id")):
        # No stored text holds U+0000 (sources.prepare), and PostgreSQL takes none to compare with either.
        return [false()]
    record = schema.record.c
    conditions: list[ColumnElement[bool]] = [record.pos >= pos_of(log, 0), record.pos < pos_of(log, high)]
    for name in _EQUAL:
        wanted = getattr(query, name)
        if wanted is not None:
            conditions.append(record[name] == str(wanted))
    if query.occurred_from is not None:
        conditions.append(record.occurred_us >= query.occurred_from)
    if query.occurred_to is not None:
        conditions.append(record.occurred_us < query.occurred_to)
    if query.link_kind is not None or query.link_id is not None:
        link = schema.record_link.c
        wanted_link = [link.pos == record.pos]
        if query.link_kind is not None:
            wanted_link.append(link.kind == query.link_kind.value)
        if query.link_id is not None:
            wanted_link.append(link.id == query.link_id)
        conditions.append(exists().where(and_(*wanted_link)))
    words = query_tokens(query.text)
    if words:
        conditions.append(_full_text(connection, words))
    elif query.text.strip():
        # Text without a single word can't occur in any record's words.
        conditions.append(false())
    return conditions


def _full_text(connection: Connection, words: tuple[str, ...]) -> ColumnElement[bool]:
    if is_sqlite(connection):
        # Tokens hold no quote (core.tokens), so each is a literal of the FTS5 query language.
        match = " AND ".join(f'"{word}"' for word in words)
        matching = select(_FTS.c.rowid).where(literal_column("record_fts").op("MATCH")(match))
        return schema.record.c.pos.in_(matching)
    return schema.record.c.tokens.op("@>")(cast(list(words), postgresql.ARRAY(postgresql.TEXT)))
