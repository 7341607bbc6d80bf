"""Search over records: the same question gives the same answer, in the same order, on either database.

Order is by index, newest first; a page ends with the index to go on before (keyset paging). A search is made as of a
size: entries logged later are not in it.
"""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Annotated, Any

import msgspec
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    LargeBinary,
    Select,
    and_,
    any_,
    cast,
    column,
    exists,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    table,
    true,
)
from sqlalchemy.dialects import postgresql

from ledger.core.errors import ConfigError, SchemaViolation
from ledger.core.record import Action, LinkKind, Outcome
from ledger.core.times import SafeInt
from ledger.core.tokens import query_tokens
from ledger.store import schema
from ledger.store.combinations import COMBINED, MEMBERS, has_combined, keys, object_types, of_each, types_of
from ledger.store.engine import is_sqlite, planned_anew
from ledger.store.full_text import found_by, has_shapes
from ledger.store.leading import Window, aside, rarest, short, within
from ledger.store.position import index_of, pos_of
from ledger.store.projections import read_versions

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
    high = size if before is None else min(before, size)
    return [index_of(row[0]) for row in rows(connection, log, 0, high, query, (), limit, newest=True)]


def oldest(connection: Connection, log: int, size: int, query: Question, low: int, limit: int) -> list[int]:
    """The first of the records that match, from index `low` on, as of `size`."""
    return [index_of(row[0]) for row in rows(connection, log, low, size, query, (), limit, newest=False)]


def rows(
    connection: Connection,
    log: int,
    low: int,
    high: int,
    query: Question,
    columns: Sequence[Column[Any]],
    limit: int,
    *,
    newest: bool | None = None,
) -> list[tuple[Any, ...]]:
    """Position and columns of the first records that match: from the newest, the oldest, or any (`matching`)."""
    wanted = by_combination(connection, query)
    # What the combinations of PostgreSQL say needs no condition beside them.
    others = query if wanted is None or not has_combined(connection) else Query()
    place, chosen = matching(connection, log, low, high, others)
    chosen = chosen.with_only_columns(place, *columns)
    anew = _together(query.query if isinstance(query, Narrowed) else query)
    # The records of an object are in order by its index: planned anew, many of them would be walked down to.
    with planned_anew(connection) if anew else nullcontext():
        if wanted is not None:
            return of_each(connection, log, high, chosen, wanted, place, limit, newest)
        ordered = chosen if newest is None else chosen.order_by(place.desc() if newest else place)
        # The driver's own tuples: what SQLAlchemy makes of them would be a third of reading a row.
        return list(connection.execute(ordered.limit(limit)).cursor.fetchall())


def count(connection: Connection, log: int, size: int, query: Question) -> int:
    """How many records match, as of `size`."""
    _, chosen = matching(connection, log, 0, size, query)
    return connection.scalar(chosen.with_only_columns(func.count())) or 0


def matching(
    connection: Connection, log: int, low: int, high: int, question: Question, *, along: Column[Any] | None = None
) -> tuple[ColumnElement[int], Select[Any]]:
    """The column to order by and the selection of the records that match, of indices from `low` to below `high`.

    `along`: they are wanted in the order of this column's index. SQLite is then kept from going by one of a condition,
    after which it would have to sort all that match. (In the order of `pos`, words and links lead as well.)
    """
    narrowed = question if isinstance(question, Narrowed) else Narrowed(query=question)
    query = narrowed.query
    spans = {"actor": narrowed.accounts, "object_id": narrowed.tags}
    if any(found is not None for found in spans.values()):
        require_members(connection, "person and place")
    require_members(connection, *(name for name in _NEWER if getattr(query, name) is not None))
    record, sqlite = schema.record, is_sqlite(connection)
    place: ColumnElement[int] = record.c.pos
    by_time = along is not None and along is not place
    words = query_tokens(query.text)
    range_ = pos_of(log, low), pos_of(log, high)
    if _with_nul(query):
        return place, select().select_from(record).where(false())
    link = None if by_time else rarest(connection, _links(query))
    if link is not None and not (sqlite or link.few):
        # PostgreSQL is left to choose: in the order of the link it would read all of its records to find none.
        link = None
    leading: list[str] | None = []
    if sqlite and (link is None or not link.few):
        held = [(name, {span.value: None for span in found}) for name, found in spans.items() if found]
        leading = found_by(connection, msgspec.structs.asdict(query), words, held, few=by_time)
    if leading is None or (query.text.strip() and not words):
        # Nothing has such a combination; text without a single word can't occur in any record's words.
        return place, select().select_from(record).where(false())
    window = _window(query)
    if leading or link is not None:
        apart = by_time
    elif sqlite and along is None and window is not None and short(connection, window):
        # In the order of `pos` SQLite would go down the log until it comes to that time.
        along, apart, by_time, place = window[0], True, True, aside(place)
    else:
        apart = sqlite and along is not None
        if sqlite and along is None and window is not None:
            range_ = within(connection, window, range_)
    facets: list[ColumnElement[bool]] = []
    together = _together(query)
    if not by_time and together and has_combined(connection):
        facets = [_combined(connection, log, high, query)]
        query = msgspec.structs.replace(query, **dict.fromkeys(together))
    linked = schema.record_link.alias()
    if leading:
        link = None
    # The full-text index leads wherever it finds by anything: of a condition's own index SQLite would try every record.
    leads = linked.c.pos if link else along if apart else place if leading else None
    chosen = select().select_from(record).where(*_conditions(query, leads if sqlite else None), *facets)
    for name, found in spans.items():
        if found is not None:
            chosen = chosen.where(_in_spans(name, found))
    if not sqlite and query.object_type is None and (query.object_id is not None or narrowed.tags):
        # Objects stand by type and id.
        types = object_types(connection) if query.object_id is None else types_of(connection, query.object_id)
        one_of = record.c.object_type
        chosen = chosen.where(one_of == types[0] if len(types) == 1 else one_of.in_(types))
    if leading:
        match = literal_column("record_fts").op("MATCH")(" AND ".join(leading))
        if by_time:
            chosen = chosen.where(aside(place).in_(select(_FTS.c.rowid).where(match)))
        else:
            # The index itself goes from the newest down: of a thousand matches it reads as many as the page has.
            place = _FTS.c.rowid
            chosen = chosen.join(_FTS, place == record.c.pos).where(match)
    elif link is not None:
        # Links stand by kind, id and position: those of one are there in order, and no other record is looked at.
        place = linked.c.pos
        chosen = chosen.join(linked, linked.c.pos == record.c.pos).where(
            linked.c.kind == link.kind.value, linked.c.id == link.id
        )
        if sqlite:
            chosen = chosen.where(*(_has_word(word) for word in words))
    if words and not sqlite:
        chosen = chosen.where(record.c.tokens.op("@>")(cast(list(words), postgresql.ARRAY(postgresql.TEXT))))
    ranged = aside(place) if apart and along is not place else place
    return place, chosen.where(ranged >= range_[0], ranged < range_[1])


def by_combination(connection: Connection, query: Question) -> Mapping[str, Any] | None:
    """What is wanted of each of `COMBINED`, where nothing but some of them is asked for: no index leads to those.

    None where something else is asked for, to which one does, or all four of `MEMBERS`.
    """
    if isinstance(query, Narrowed):
        return None
    together = has_combined(connection)
    open_ = COMBINED if together else MEMBERS
    wanted = {name: getattr(query, name) for name in COMBINED}
    asked = [name for name in open_ if wanted[name] is not None]
    others = msgspec.structs.replace(query, **dict.fromkeys(asked))
    if not has_shapes(connection) and not together:
        others = msgspec.structs.replace(others, reasoned=None, role=None, attribute=None)
    if not asked or others != Query() or (not together and len(asked) == len(MEMBERS)):
        return None
    return wanted


def _together(query: Query) -> list[str]:
    """Members that are asked for by which records have a combination; objects stand by type and id."""
    some = (name for name in COMBINED if name != "object_type" or query.object_id is None)
    return [name for name in some if getattr(query, name) is not None]


def _combined(connection: Connection, log: int, size: int, query: Query) -> ColumnElement[bool]:
    """PostgreSQL: what a record's combination has to be, in place of what is asked of each of its members.

    How many records have all of them together is what the database then has counted; by each member it would guess.
    """
    found = keys(connection, log, size, {name: getattr(query, name) for name in COMBINED})
    return schema.record.c.combination == any_(cast(found, postgresql.ARRAY(LargeBinary))) if found else false()


def _links(query: Query) -> list[tuple[LinkKind, str]]:
    """All that a record has to have, by kind and id."""
    if query.link_kind is None or query.link_id is None:
        return list(query.links)
    return [*query.links, (query.link_kind, query.link_id)]


def _window(query: Query) -> Window | None:
    """The first time over which a window is asked for that has both ends."""
    for name in TIMES:
        low, high = getattr(query, f"{name}_from"), getattr(query, f"{name}_to")
        if low is not None and high is not None:
            return schema.record.c[f"{name}_us"], low, high
    return None


def require_members(connection: Connection, *names: str) -> None:
    """Raises ConfigError where the tables are from before records had any of these members in columns."""
    if names and read_versions(connection).get("record", 0) < _MEMBERS:
        raise ConfigError(
            f"the tables of this ledger are from before records could be found by {names[0]}",
            advice="Run `trailseal rebuild`.",
        )


def _with_nul(query: Query) -> bool:
    """No stored text holds U+0000 (sources.prepare), and PostgreSQL takes none to compare with either."""
    texts = [getattr(query, name) for name in (*_EQUAL, "link_id", "attribute")]
    return any("\x00" in text for text in (*texts, *(id_ for _, id_ in query.links)) if text is not None)


def _conditions(query: Query, along: ColumnElement[Any] | None) -> list[ColumnElement[bool]]:
    record = schema.record.c

    def seen(column: Column[Any]) -> ColumnElement[Any]:
        return column if along is None or column is along else aside(column)

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


def _has_word(word: str) -> ColumnElement[bool]:
    """SQLite: whether a record's tokens, which spaces separate, have this one."""
    return func.instr(literal(" ").concat(schema.record.c.tokens).concat(" "), f" {word} ") > 0


def _linked(kind: LinkKind | None, id_: str | None) -> ColumnElement[bool]:
    link, pos = schema.record_link.c, schema.record.c.pos
    if kind is None:
        # Links stand by kind and id: those of one id are looked up under each kind, and no other record is looked at.
        return pos.in_(select(link.pos).where(link.kind.in_([one.value for one in LinkKind]), link.id == id_))
    wanted = [link.pos == pos, link.kind == kind.value]
    if id_ is not None:
        wanted.append(link.id == id_)
    return exists().where(and_(*wanted))
