"""What leads to the records of a question: the rarest of its links, or the window of time that it asks for."""

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, Final, NamedTuple

from sqlalchemy import Column, ColumnElement, Connection, func, select
from sqlalchemy.sql.elements import UnaryExpression
from sqlalchemy.sql.operators import custom_op

from ledger.core.record import LinkKind
from ledger.store import schema

COUNTED: Final = 10_000
"""Records of a link that are counted at most, to find the rarest."""
OF_A_WINDOW: Final = 40_000
"""Records of a window of time that all are read, and put in order, sooner than the log is walked down to them."""

Window = tuple[Column[Any], int, int]
"""A time, from inclusive to exclusive (microseconds UTC)."""


class Rarest(NamedTuple):
    """A link; `few`: less than `COUNTED` records have it."""

    kind: LinkKind
    id: str
    few: bool


def rarest(connection: Connection, pairs: Sequence[tuple[LinkKind, str]]) -> Rarest | None:
    """Of these links the one that the fewest records have, as far as that is counted; None where there are none."""
    if not pairs:
        return None

    def records(pair: tuple[LinkKind, str]) -> int:
        link = schema.record_link.c
        some = select(link.pos).where(link.kind == pair[0].value, link.id == pair[1]).limit(COUNTED).subquery()
        return connection.scalar(select(func.count()).select_from(some)) or 0

    number, pair = min(((records(pair), pair) for pair in pairs), key=itemgetter(0))
    return Rarest(*pair, few=number < COUNTED)


def short(connection: Connection, window: Window) -> bool:
    """Whether a window holds few records, so that its index leads to all of them soon."""
    column, low, high = window
    some = select(column).where(column >= low, column < high).limit(OF_A_WINDOW).subquery()
    return (connection.scalar(select(func.count()).select_from(some)) or 0) < OF_A_WINDOW


def within(connection: Connection, window: Window, range_: tuple[int, int]) -> tuple[int, int]:
    """The part of a range of positions in which a window's records lie, where more records than it has are newer."""
    column, low, high = window
    pos = schema.record.c.pos
    of_window = select(pos).where(column >= low, column < high, aside(pos) >= range_[0], aside(pos) < range_[1])
    first = connection.scalar(of_window.order_by(column).limit(1))
    last = connection.scalar(of_window.order_by(column.desc()).limit(1))
    newest = connection.scalar(select(func.max(pos)).where(pos < range_[1]))
    if first is None or last is None or newest is None:
        return range_[0], range_[0]
    if newest - last < abs(last - first):
        return range_
    found = of_window.subquery().c.pos
    least, greatest = connection.execute(select(func.min(found), func.max(found))).one()
    return least, greatest + 1


def aside(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """The same value, of which SQLite sees no index (its unary plus)."""
    return UnaryExpression(column, operator=custom_op("+"), type_=column.type)
