"""Records found, in the order of one of their members, page by page, as of a size: the same on either database.

What has no such member comes last, whichever way the order goes; of the same value the order is by index. A page ends
at a record, and the next one goes on behind it: what is appended meanwhile moves nothing.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Sequence
from enum import StrEnum
from hashlib import sha256
from operator import itemgetter
from typing import Any, Final

import msgspec
from sqlalchemy import Column, ColumnElement, Connection, Select, select, tuple_

from ledger.core.canonical import encode_struct
from ledger.core.errors import NotFound, SchemaViolation
from ledger.store import schema
from ledger.store.by_column import Columns, by_column
from ledger.store.matching import matching, require_members
from ledger.store.position import MAX_INDEX, index_of, pos_of
from ledger.store.question import TIMES, Narrowed, Query, Question
from ledger.store.search import MAX_PAGE, newest, oldest, rows

FEW: Final = 10_000
"""Records found of which all are read and put in order; of more, a time is followed in its own index."""
MANY: Final = 100_000
"""Most records that are put in order by a member that has no index of its own."""


class SortKey(StrEnum):
    """What records can be put in the order of. A reason by its first 200 characters; a sealed one counts as none."""

    INDEX = "index"
    OCCURRED = "occurred"
    RECORDED = "recorded"
    RECEIVED = "received"
    SOURCE = "source"
    ACTOR = "actor"
    ACTION = "action"
    OUTCOME = "outcome"
    OBJECT = "object"
    REASON = "reason"


_COLUMNS: Final = {
    SortKey.INDEX: "pos",
    SortKey.OCCURRED: "occurred_us",
    SortKey.RECORDED: "recorded_us",
    SortKey.RECEIVED: "received_us",
    SortKey.SOURCE: "source",
    SortKey.ACTOR: "actor",
    SortKey.ACTION: "action",
    SortKey.OUTCOME: "outcome",
    SortKey.OBJECT: "object_id",
    SortKey.REASON: "reason",
}
Place = tuple[Any, int]
"""The value that a record is put in order by, and its position."""


class Sort(msgspec.Struct, frozen=True, kw_only=True):
    """An order; without more said, the newest entry first."""

    by: SortKey = SortKey.INDEX
    ascending: bool = False


class After(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a page goes on: behind the record at `index`, as of `size`, in the order and of the question (`digest`)
    that it is of. It holds no value of the record: those may be a person's.
    """

    index: int
    size: int
    digest: str

    def text(self) -> str:
        """What stands in `after`."""
        return urlsafe_b64encode(msgspec.json.encode(self)).decode().rstrip("=")


class SortedPage(msgspec.Struct, frozen=True, kw_only=True):
    """Indices found, in order. `next_after` is what the next page is asked with; None: this was the last.
    `next_before`: by index, newest first, also the index to go on before.
    """

    indices: tuple[int, ...]
    size: int
    next_after: str | None
    next_before: int | None


def read_after(text: str) -> After:
    """What a page's `next_after` says; raises SchemaViolation for a text that is none."""
    try:
        found = msgspec.json.decode(urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4)), type=After)
    except (ValueError, msgspec.MsgspecError):
        found = None
    if found is None or not 0 <= found.index < found.size <= MAX_INDEX:
        raise SchemaViolation("`after` is not the `next_after` of a page", advice="Begin with the first page again.")
    return found


def before(log: int, size: int, query: Question, index: int) -> After | None:
    """Where a page by index, newest first, goes on that is asked for by the index to go on before."""
    return After(index=index, size=size, digest=_digest(log, query, Sort())) if index < size else None


def page(
    connection: Connection,
    log: int,
    size: int,
    query: Question,
    sort: Sort = Sort(),  # noqa: B008 - frozen
    after: After | None = None,
    limit: int = 50,
) -> SortedPage:
    """One page of the records that match.

    Raises SchemaViolation for `after` of another size, question or order, or where too many match for an order that has
    no index, and NotFound where the record that it goes on behind was disposed of.
    """
    limit = max(1, min(limit, MAX_PAGE))
    digest = _digest(log, query, sort)
    if after is not None and after.size != size:
        raise SchemaViolation(f"`after` is of an answer as of size {after.size}, not {size}", advice="Leave size out.")
    if after is not None and after.digest != digest:
        raise SchemaViolation(
            "`after` is of another search or another order", advice="Ask what was asked for the page before."
        )
    found = _ordered(connection, log, size, query, sort, None if after is None else after.index, limit + 1)
    indices = tuple(found[:limit])
    behind = After(index=indices[-1], size=size, digest=digest) if len(found) > limit else None
    return SortedPage(
        indices=indices,
        size=size,
        next_after=None if behind is None else behind.text(),
        next_before=None if behind is None or sort != Sort() else behind.index,
    )


def _digest(log: int, query: Question, sort: Sort) -> str:
    return sha256(f"{log} {sort.by} {sort.ascending} ".encode() + encode_struct(query)).hexdigest()[:16]


def _ordered(
    connection: Connection, log: int, size: int, query: Question, sort: Sort, after: int | None, count: int
) -> list[int]:
    """The first records, behind the one given, in order."""
    if sort.by is SortKey.INDEX:
        if sort.ascending:
            return oldest(connection, log, size, query, 0 if after is None else after + 1, count)
        return newest(connection, log, size, query, after, count)
    value = schema.record.c[_COLUMNS[sort.by]]
    last = None if after is None else _place(connection, log, value, after)
    known = listed(connection, log, size, query, sort)
    if known is not None:
        return [index_of(pos) for pos in in_order(known, sort.ascending, last)[:count]]
    return [index_of(pos) for pos in followed(connection, log, size, query, sort, last, (), count)[0]]


def listed(connection: Connection, log: int, size: int, query: Question, sort: Sort) -> list[Place] | None:
    """Values and places of all that match, in no order; None where they are followed along an index of their own.

    Raises SchemaViolation where too many match for an order that has no index.
    """
    if sort.by is SortKey.REASON:
        require_members(connection, sort.by.value)
    followed = sort.by is SortKey.INDEX or sort.by.value in TIMES
    if followed and _only_window(query, sort.by):
        return None
    known = _few(connection, log, size, query, schema.record.c[_COLUMNS[sort.by]], FEW if followed else MANY)
    if known is None and not followed:
        raise SchemaViolation(
            f"more than {MANY} records match: they are not put in the order of {sort.by.value}",
            advice="Narrow it, by a time for instance, or sort by index or by a time.",
        )
    return known


def _place(connection: Connection, log: int, value: Column[Any], index: int) -> Place:
    """What the record at an index has as its value, and where it stands."""
    pos = pos_of(log, index)
    row = connection.execute(select(value).where(schema.record.c.pos == pos)).one_or_none()
    if row is None:
        raise NotFound(f"record {index}, at which the last page ended, is not there any more", advice="Begin again.")
    return row[0], pos


def _only_window(query: Question, by: SortKey) -> bool:
    """Whether nothing but a window over that very time is asked for: the index finds that by itself."""
    if isinstance(query, Narrowed):
        return False
    if by is SortKey.INDEX:
        return query == Query()
    return msgspec.structs.replace(query, **{f"{by}_from": None, f"{by}_to": None}) == Query()


def _few(
    connection: Connection, log: int, size: int, query: Question, value: Column[Any], most: int
) -> list[Place] | None:
    """Values and places of all records that match; None where those are more than so many."""
    found = rows(connection, log, 0, size, query, (value,), most + 1)
    return None if len(found) > most else [(row[1], row[0]) for row in found]


def in_order(known: list[Place], ascending: bool, last: Place | None = None) -> list[int]:
    """Positions in order, behind the last. Text goes by code points, as UTF-8 does by bytes."""
    valued = sorted((one for one in known if one[0] is not None), reverse=not ascending)
    without = sorted((one for one in known if one[0] is None), key=itemgetter(1), reverse=not ascending)
    found = [*valued, *without]
    # The last one may match no more: the answer is as of a size, but a disposal may have taken it.
    begin = 0 if last is None else sum(not _behind(one, last, ascending) for one in found)
    return [pos for _, pos in found[begin:]]


def _behind(one: Place, last: Place, ascending: bool) -> bool:
    if (one[0] is None) != (last[0] is None):
        return one[0] is None
    if one[0] is None:
        return one[1] > last[1] if ascending else one[1] < last[1]
    return one > last if ascending else one < last


def followed(
    connection: Connection,
    log: int,
    size: int,
    query: Question,
    sort: Sort,
    last: Place | None,
    columns: Sequence[ColumnElement[Any]],
    count: int,
) -> Columns:
    """Walks along the index of a time: position, value and these columns of the next records.

    First those that have it, then those that have none.
    """
    value = schema.record.c[_COLUMNS[sort.by]]
    ascending = sort.ascending
    _, chosen = matching(connection, log, 0, size, query, along=value)
    pos = schema.record.c.pos
    columns = (pos, value, *columns)
    found: Columns = [[] for _ in columns]
    if last is None or last[0] is not None:
        some = chosen.where(value.is_not(None))
        if last is not None:
            here, there = tuple_(value, pos), tuple_(*last)
            some = some.where(here > there if ascending else here < there)
        found = first(connection, some, columns, (value, pos), ascending, count)
        last = None
    if (left := count - len(found[0])) > 0 and value.nullable:
        none = chosen.where(value.is_(None))
        if last is not None:
            none = none.where(pos > last[1] if ascending else pos < last[1])
        more = first(connection, none, columns, (pos,), ascending, left)
        found = [one + other for one, other in zip(found, more, strict=True)]
    return found


def first(
    connection: Connection,
    chosen: Select[Any],
    columns: Sequence[ColumnElement[Any]],
    order: Iterable[ColumnElement[Any]],
    ascending: bool,
    count: int,
) -> Columns:
    """These columns of the first rows of a selection in an order."""
    wanted = (one.asc() if ascending else one.desc() for one in order)
    return by_column(connection, chosen.order_by(*wanted).limit(count), columns)
