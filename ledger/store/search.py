"""Search over records: the same question gives the same answer, in the same order, on either database.

Order is by index, newest first; a page ends with the index to go on before (keyset paging). A search is made as of a
size: entries logged later are not in it.
"""

from typing import Annotated, Any

import msgspec
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Select,
    and_,
    cast,
    column,
    exists,
    false,
    func,
    literal_column,
    or_,
    select,
    table,
    true,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.elements import UnaryExpression
from sqlalchemy.sql.operators import custom_op

from ledger.core.errors import ConfigError, SchemaViolation
from ledger.core.record import Action, LinkKind, Outcome
from ledger.core.times import SafeInt
from ledger.core.tokens import exact, query_tokens
from ledger.store import schema
from ledger.store.combinations import MEMBERS, object_types, of_each
from ledger.store.engine import is_sqlite
from ledger.store.position import index_of, pos_of
from ledger.store.projections import read_versions
from ledger.store.records import EXACT

MAX_PAGE = 500
MAX_SPANS = 500
"""Most spans that a question is narrowed to."""
_EQUAL = ("source", "action", "outcome", "actor", "role", "workstation", "object_type", "object_id")
"""Members of a query that a column of the same name must equal."""
TIMES = ("occurred", "recorded", "received")
"""When it happened, when its source recorded it, when it was received: each with a bound on either side."""
_MEMBERS = 3
"""The version of the projector of records from which on there are columns for `_NEWER`, and for reasons."""
_NEWER = ("workstation", "role", "attribute", "reasoned")
_COUNTED = 10_000
"""Records of a link that are counted at most, to find the rarest."""
_FTS = table("record_fts", column("rowid"))


class Query(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What to search for; all members that are given must hold. Instants are microseconds UTC, from inclusive to
    exclusive. `text`: every word of it occurs in the record. `attribute`: one of its changes is of it. `reasoned`:
    whether a reason is given, plain or sealed. `links`: the record has each of these.
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
    recorded_from: SafeInt | None = None
    recorded_to: SafeInt | None = None
    received_from: SafeInt | None = None
    received_to: SafeInt | None = None
    workstation: str | None = None
    role: str | None = None
    attribute: str | None = None
    reasoned: bool | None = None
    links: Annotated[tuple[tuple[LinkKind, str], ...], msgspec.Meta(max_length=20)] = ()


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """An account or a tag of a source, from inclusive to exclusive (microseconds UTC; null: without end)."""

    source: str
    value: str
    from_us: int
    to_us: int | None


class Narrowed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A query whose records also fall into one of these spans: by the account, by the object; null: into any."""

    query: Query
    accounts: tuple[Span, ...] | None = None
    tags: tuple[Span, ...] | None = None


Question = Query | Narrowed


def check(query: Query) -> None:
    """Raises SchemaViolation for a query that nothing can ever match, naming the members that exclude each other."""
    for name in TIMES:
        low, high = getattr(query, f"{name}_from"), getattr(query, f"{name}_to")
        if low is not None and high is not None and low >= high:
            raise SchemaViolation(
                f"{name}_from is not before {name}_to", advice="A window begins before it ends; its end is not in it."
            )


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Indices found, newest first. `next_before` is the keyset of the next page; None: this was the last."""

    indices: tuple[int, ...]
    size: int
    next_before: int | None


def search(
    connection: Connection, log: int, size: int, query: Question, before: int | None = None, limit: int = 50
) -> Page:
    """One page of the records that match, as of `size`."""
    limit = max(1, min(limit, MAX_PAGE))
    found = newest(connection, log, size, query, before, limit + 1)
    indices = tuple(found[:limit])
    return Page(indices=indices, size=size, next_before=indices[-1] if len(found) > limit else None)


def newest(connection: Connection, log: int, size: int, query: Question, before: int | None, limit: int) -> list[int]:
    """The last of the records that match, newest first, before an index or as of `size`."""
    place, chosen = matching(connection, log, 0, size if before is None else min(before, size), query)
    found = rows(connection, query, place, chosen.with_only_columns(place), limit, newest=True)
    return [index_of(row[0]) for row in found]


def oldest(connection: Connection, log: int, size: int, query: Question, low: int, limit: int) -> list[int]:
    """The first of the records that match, from index `low` on, as of `size`."""
    place, chosen = matching(connection, log, low, size, query)
    found = rows(connection, query, place, chosen.with_only_columns(place), limit, newest=False)
    return [index_of(row[0]) for row in found]


def rows(
    connection: Connection,
    query: Question,
    place: ColumnElement[int],
    chosen: Select[Any],
    limit: int,
    *,
    newest: bool | None = None,
) -> list[tuple[Any, ...]]:
    """The first rows of what `matching` gave, whose first column is the place: from the newest, the oldest, or any."""
    wanted = by_combination(query)
    if wanted is not None:
        return of_each(connection, chosen, wanted, place, limit, newest)
    ordered = chosen if newest is None else chosen.order_by(place.desc() if newest else place)
    # The driver's own tuples: what SQLAlchemy makes of them would be a third of reading a row.
    return list(connection.execute(ordered.limit(limit)).cursor.fetchall())


def count(connection: Connection, log: int, size: int, query: Question) -> int:
    """How many records match, as of `size`."""
    _, chosen = matching(connection, log, 0, size, query)
    return connection.scalar(chosen.with_only_columns(func.count())) or 0


def matching(
    connection: Connection, log: int, low: int, high: int, query: Question, *, along: Column[Any] | None = None
) -> tuple[ColumnElement[int], Select[Any]]:
    """The column to order by and the selection of the records that match, of indices from `low` to below `high`.

    `along`: they are wanted in the order of this column's index. SQLite is then kept from going by one of a condition,
    after which it would have to sort all that match. (In the order of `pos`, words and links lead as well.)
    """
    narrowed = query if isinstance(query, Narrowed) else Narrowed(query=query)
    query = narrowed.query
    spans = {"actor": narrowed.accounts, "object_id": narrowed.tags}
    if any(found is not None for found in spans.values()):
        require_members(connection, "person and place")
    require_members(connection, *(name for name in _NEWER if getattr(query, name) is not None))
    record = schema.record
    aside = along is not None and is_sqlite(connection)
    place: ColumnElement[int] = record.c.pos
    words = query_tokens(query.text)
    found_by = [f'"{token}"' for token in (*words, *_exact(connection, query))]
    for name, found in spans.items():
        if found and is_sqlite(connection):
            found_by.append(f"({' OR '.join(dict.fromkeys(_token(name, span.value) for span in found))})")
    if along is place:
        aside = aside and not (found_by or query.links or query.link_kind or query.link_id)
    link = None if found_by or aside or not is_sqlite(connection) else _rarest(connection, query)
    linked = schema.record_link.alias()
    chosen = select().select_from(record).where(*_conditions(query, linked.c.pos if link else along if aside else None))
    for name, found in spans.items():
        if found is not None:
            chosen = chosen.where(_in_spans(name, found))
    if not is_sqlite(connection) and query.object_type is None and (query.object_id is not None or narrowed.tags):
        # Objects stand by type and id.
        chosen = chosen.where(record.c.object_type.in_(object_types(connection)))
    if query.text.strip() and not words:
        # Text without a single word can't occur in any record's words.
        chosen = chosen.where(false())
    elif found_by and is_sqlite(connection):
        # Tokens hold no quote (core.tokens), so each is a literal of the FTS5 query language.
        match = literal_column("record_fts").op("MATCH")(" AND ".join(found_by))
        if aside:
            chosen = chosen.where(_aside(place).in_(select(_FTS.c.rowid).where(match)))
        else:
            # The index itself goes from the newest down: of a thousand matches it reads as many as the page has.
            place = _FTS.c.rowid
            chosen = chosen.join(_FTS, place == record.c.pos).where(match)
    elif link is not None:
        # Links stand by kind, id and position: those of one are there in order, and no other record is looked at.
        place = linked.c.pos
        chosen = chosen.join(linked, linked.c.pos == record.c.pos).where(
            linked.c.kind == link[0].value, linked.c.id == link[1]
        )
    elif words:
        chosen = chosen.where(record.c.tokens.op("@>")(cast(list(words), postgresql.ARRAY(postgresql.TEXT))))
    ranged = _aside(place) if aside and along is not place else place
    return place, chosen.where(ranged >= pos_of(log, low), ranged < pos_of(log, high))


def by_combination(query: Question) -> list[str | None] | None:
    """What is wanted of each of `MEMBERS`, where nothing but some of them is asked for: no index leads to those.

    None where something else is asked for, to which one does, or all four of them.
    """
    if isinstance(query, Narrowed):
        return None
    asked = [name for name in MEMBERS if getattr(query, name) is not None]
    others = msgspec.structs.replace(query, reasoned=None, role=None, attribute=None, **dict.fromkeys(asked))
    if not 0 < len(asked) < len(MEMBERS) or others != Query():
        return None
    return [str(getattr(query, name)) if name in asked else None for name in MEMBERS]


def _rarest(connection: Connection, query: Query) -> tuple[LinkKind, str] | None:
    """Of the links asked for, the one that the fewest records have, as far as that is counted."""
    pairs = list(query.links)
    if query.link_kind is not None and query.link_id is not None:
        pairs.append((query.link_kind, query.link_id))
    if len(pairs) < 2:
        return pairs[0] if pairs else None

    def records(pair: tuple[LinkKind, str]) -> int:
        link = schema.record_link.c
        some = select(link.pos).where(link.kind == pair[0].value, link.id == pair[1]).limit(_COUNTED).subquery()
        return connection.scalar(select(func.count()).select_from(some)) or 0

    return min(pairs, key=records)


def _aside(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """The same value, of which SQLite sees no index (its unary plus)."""
    return UnaryExpression(column, operator=custom_op("+"), type_=column.type)


def require_members(connection: Connection, *names: str) -> None:
    """Raises ConfigError where the tables are from before records had any of these members in columns."""
    if names and read_versions(connection).get("record", 0) < _MEMBERS:
        raise ConfigError(
            f"the tables of this ledger are from before records could be found by {names[0]}",
            advice="Run `trailseal rebuild`.",
        )


def _conditions(query: Query, along: Column[Any] | None) -> list[ColumnElement[bool]]:
    texts = [getattr(query, name) for name in (*_EQUAL, "link_id", "attribute")]
    if any("\x00" in text for text in (*texts, *(id_ for _, id_ in query.links)) if text is not None):
        # No stored text holds U+0000 (sources.prepare), and PostgreSQL takes none to compare with either.
        return [false()]
    record = schema.record.c

    def seen(column: Column[Any]) -> ColumnElement[Any]:
        return column if along is None or column is along else _aside(column)

    conditions: list[ColumnElement[bool]] = []
    for name in _EQUAL:
        wanted = getattr(query, name)
        if wanted is not None:
            conditions.append(seen(record[name]) == str(wanted))
    for name in TIMES:
        low, high = getattr(query, f"{name}_from"), getattr(query, f"{name}_to")
        if low is not None:
            conditions.append(seen(record[f"{name}_us"]) >= low)
        if high is not None:
            conditions.append(seen(record[f"{name}_us"]) < high)
    if query.reasoned is not None:
        conditions.append(record.reasoned == int(query.reasoned))
    if query.attribute is not None:
        change = schema.record_change.c
        conditions.append(exists().where(change.pos == record.pos, change.attribute == query.attribute))
    if query.link_kind is not None or query.link_id is not None:
        conditions.append(_linked(query.link_kind, query.link_id))
    conditions += [_linked(kind, id_) for kind, id_ in query.links]
    return conditions


def _in_spans(name: str, spans: tuple[Span, ...]) -> ColumnElement[bool]:
    """Whether the moment of a record lies in a span of its source and its account, or its object."""
    record = schema.record.c
    one_of = record[name].in_(sorted({span.value for span in spans}))
    held = (
        and_(
            record.source == span.source,
            record[name] == span.value,
            record.at_us >= span.from_us,
            true() if span.to_us is None else record.at_us < span.to_us,
        )
        for span in spans
    )
    return and_(one_of, or_(false(), *held))


def _token(name: str, value: str) -> str:
    return f'"{exact(name, value)}"'


def _linked(kind: LinkKind | None, id_: str | None) -> ColumnElement[bool]:
    link, pos = schema.record_link.c, schema.record.c.pos
    if kind is None:
        # Links stand by kind and id: those of one id are looked up under each kind, and no other record is looked at.
        return pos.in_(select(link.pos).where(link.kind.in_([one.value for one in LinkKind]), link.id == id_))
    wanted = [link.pos == pos, link.kind == kind.value]
    if id_ is not None:
        wanted.append(link.id == id_)
    return exists().where(and_(*wanted))


def _exact(connection: Connection, query: Query) -> list[str]:
    """Tokens of whole values that the full-text index has too, and which no tree of their own finds."""
    wanted = [(name, value) for name in EXACT if (value := getattr(query, name)) is not None]
    if not wanted or not is_sqlite(connection) or read_versions(connection).get("record", 0) < 2:
        return []
    return [exact(name, value) for name, value in wanted]
