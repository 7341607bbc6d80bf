"""The selection of the records that a question asks for: one answer, which each database is led to in its own way.

PostgreSQL is told what a record must have and chooses among its indexes, but for what it would guess wrongly. SQLite
goes by one index: whichever leads is chosen here, and the others are kept out of its sight.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

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

from ledger.core.errors import ConfigError
from ledger.core.record import LinkKind
from ledger.core.tokens import query_tokens
from ledger.store import schema
from ledger.store.combinations import COMBINED, MEMBERS, has_combined, keys, object_types, types_of
from ledger.store.engine import is_sqlite
from ledger.store.full_text import found_by, has_shapes
from ledger.store.leading import Window, aside, rarest, short, within
from ledger.store.position import pos_of
from ledger.store.projections import read_versions
from ledger.store.question import TIMES, Narrowed, Query, Question, Span

_EQUAL = ("source", "action", "outcome", "actor", "role", "workstation", "object_type", "object_id")
"""Members of a query that a column of the same name must equal."""
_MEMBERS = 3
"""The version of the projector of records from which on there are columns for `_NEWER`, and for reasons."""
NEWER = ("workstation", "role", "attribute", "reasoned")
"""Members that tables of before `_MEMBERS` have no column for."""
_FTS = table("record_fts", column("rowid"))

Matching = tuple[ColumnElement[int], Select[Any]]
"""The column to order by, and the records that match."""


class _Asked(NamedTuple):
    """A question about a log's records of positions from inclusive to exclusive; `high` is the index of its end."""

    query: Query
    words: Sequence[str]
    spans: Mapping[str, tuple[Span, ...] | None]
    log: int
    high: int
    range_: tuple[int, int]

    @property
    def selected(self) -> Select[Any]:
        """Records in these spans, by whatever index."""
        chosen = select().select_from(schema.record)
        for name, found in self.spans.items():
            if found is not None:
                chosen = chosen.where(_in_spans(name, found))
        return chosen


def by_combination(connection: Connection, query: Question, *, combined: bool) -> Mapping[str, Any] | None:
    """What is wanted of each of `COMBINED`, where nothing but some of them is asked for: no index leads to those.

    None where something else is asked for, to which one does, or all four of `MEMBERS`. `combined`: `has_combined`.
    """
    if isinstance(query, Narrowed):
        return None
    open_ = COMBINED if combined else MEMBERS
    wanted = {name: getattr(query, name) for name in COMBINED}
    asked = [name for name in open_ if wanted[name] is not None]
    others = msgspec.structs.replace(query, **dict.fromkeys(asked))
    if not combined and not has_shapes(connection):
        others = msgspec.structs.replace(others, reasoned=None, role=None, attribute=None)
    if not asked or others != Query() or (not combined and len(asked) == len(MEMBERS)):
        return None
    return wanted


def matching(
    connection: Connection, log: int, low: int, high: int, question: Question, *, along: Column[Any] | None = None
) -> Matching:
    """The column to order by and the selection of the records that match, of indices from `low` to below `high`.

    `along`: they are wanted in the order of this column's index. SQLite is then kept from going by one of a condition,
    after which it would have to sort all that match. (In the order of `pos`, words and links lead as well.)
    """
    narrowed = question if isinstance(question, Narrowed) else Narrowed(query=question)
    query = narrowed.query
    spans = {"actor": narrowed.accounts, "object_id": narrowed.tags}
    if any(found is not None for found in spans.values()):
        require_members(connection, "person and place")
    require_members(connection, *(name for name in NEWER if getattr(query, name) is not None))
    words = query_tokens(query.text)
    if _with_nul(query) or (query.text.strip() and not words):
        # Text without a single word can't occur in any record's words.
        return _nothing()
    asked = _Asked(query, words, spans, log, high, (pos_of(log, low), pos_of(log, high)))
    return (_on_sqlite if is_sqlite(connection) else _on_postgresql)(connection, asked, along)


def _nothing() -> Matching:
    return schema.record.c.pos, select().select_from(schema.record).where(false())


def _on_postgresql(connection: Connection, asked: _Asked, along: Column[Any] | None) -> Matching:
    record, query = schema.record, asked.query
    place: ColumnElement[int] = record.c.pos
    chosen = asked.selected
    by_time = along is not None and along is not record.c.pos
    said = together(query)
    if said and not by_time and has_combined(connection):
        chosen = chosen.where(_combined(connection, asked))
        query = msgspec.structs.replace(query, **dict.fromkeys(said))
    chosen = chosen.where(*_conditions(query, None))
    if query.object_type is None and (query.object_id is not None or asked.spans["object_id"]):
        # Objects stand by type and id.
        types = object_types(connection) if query.object_id is None else types_of(connection, query.object_id)
        one_of = record.c.object_type
        chosen = chosen.where(one_of == types[0] if len(types) == 1 else one_of.in_(types))
    link = None if by_time else rarest(connection, _links(query))
    if link is not None and link.few:
        # Of a link that many have, all records would be read in its order to find none.
        place, chosen = _by_link(chosen, link.kind, link.id)
    if asked.words:
        chosen = chosen.where(record.c.tokens.op("@>")(cast(list(asked.words), postgresql.ARRAY(postgresql.TEXT))))
    return place, _within(chosen, place, asked.range_)


def _on_sqlite(connection: Connection, asked: _Asked, along: Column[Any] | None) -> Matching:
    query, pos = asked.query, schema.record.c.pos
    by_time = along is not None and along is not pos
    link = None if by_time else rarest(connection, _links(query))
    leading: list[str] | None = []
    if link is None or not link.few:
        held = [(name, {span.value: None for span in found}) for name, found in asked.spans.items() if found]
        leading = found_by(connection, msgspec.structs.asdict(query), asked.words, held, few=by_time)
    if leading is None:
        return _nothing()
    match = literal_column("record_fts").op("MATCH")(" AND ".join(leading)) if leading else None
    if by_time:
        chosen = asked.selected.where(*_conditions(query, along))
        if match is not None:
            chosen = chosen.where(aside(pos).in_(select(_FTS.c.rowid).where(match)))
        return pos, _within(chosen, aside(pos), asked.range_)
    if match is not None:
        # The index itself goes from the newest down: of a thousand matches it reads as many as the page has.
        place: ColumnElement[int] = _FTS.c.rowid
        chosen = asked.selected.where(*_conditions(query, place)).join(_FTS, place == pos).where(match)
        return place, _within(chosen, place, asked.range_)
    if link is not None:
        place, chosen = _by_link(asked.selected, link.kind, link.id)
        chosen = chosen.where(*_conditions(query, place), *(_has_word(word) for word in asked.words))
        return place, _within(chosen, place, asked.range_)
    return _down_the_log(connection, asked, along)


def _down_the_log(connection: Connection, asked: _Asked, along: Column[Any] | None) -> Matching:
    """SQLite, where nothing leads to the records but perhaps the window of time that is asked for."""
    pos, range_, window = schema.record.c.pos, asked.range_, _window(asked.query)
    if along is None and window is not None:
        if short(connection, window):
            # In the order of `pos` SQLite would go down the log until it comes to that time.
            place, by = aside(pos), window[0]
            return place, _within(asked.selected.where(*_conditions(asked.query, by)), place, range_)
        range_ = within(connection, window, range_)
    return pos, _within(asked.selected.where(*_conditions(asked.query, along)), pos, range_)


def _by_link(chosen: Select[Any], kind: LinkKind, id_: str) -> Matching:
    """Links stand by kind, id and position: those of one are there in order, and no other record is looked at."""
    linked = schema.record_link.alias()
    joined = chosen.join(linked, linked.c.pos == schema.record.c.pos)
    return linked.c.pos, joined.where(linked.c.kind == kind.value, linked.c.id == id_)


def _within(chosen: Select[Any], place: ColumnElement[int], range_: tuple[int, int]) -> Select[Any]:
    return chosen.where(place >= range_[0], place < range_[1])


def together(query: Query) -> list[str]:
    """Members that are asked for by which records have a combination; objects stand by type and id."""
    some = (name for name in COMBINED if name != "object_type" or query.object_id is None)
    return [name for name in some if getattr(query, name) is not None]


def _combined(connection: Connection, asked: _Asked) -> ColumnElement[bool]:
    """PostgreSQL: what a record's combination has to be, in place of what is asked of each of its members.

    How many records have all of them together is what the database then has counted; by each member it would guess.
    """
    wanted = {name: getattr(asked.query, name) for name in COMBINED}
    found = keys(connection, asked.log, asked.high, wanted)
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
