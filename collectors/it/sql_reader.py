"""Reads a table or query in the order of its cursor columns, page by page, from a given position on.

Rows that are equal in all cursor columns are a group and come together, however many they are: a page never cuts one,
as the next page begins at the group that was last and may have been cut.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnClause,
    ColumnElement,
    FromClause,
    Select,
    TextClause,
    and_,
    bindparam,
    column,
    literal_column,
    or_,
    select,
    table,
    text,
)
from sqlalchemy.types import NullType

from collectors.it.sql_database import Session
from collectors.it.sql_value import Cell, Envelope, Named, from_cell, to_cell
from ledger.core.errors import FatalSource

PAGE = 1000
"""Rows that one statement gives at most."""
ROOM = 8 * 1024 * 1024
"""Bytes of rows that a page holds at most, but for its last row."""
_LARGEST = 64
"""A group may be that many pages long."""
_FETCH = 50
_LONG = 4000
_NUMBER = "Order by a number that rises with every row."

Position = tuple[Cell, ...]
"""Values of the cursor columns; of the first of them alone, where it is shorter."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row: its original, or in `unreadable` why it has none and in `data` what could be had of it."""

    position: Position
    digest: str
    data: bytes
    envelope: Envelope | None
    unreadable: str = ""


class Rows:
    """The rows of one table or query."""

    def __init__(self, table_name: str, query: str, order: Sequence[str]) -> None:
        self.label = table_name or "query"
        self.order = tuple(order)
        self._columns: list[ColumnClause[Any]] = [column(name) for name in order]
        self.source: FromClause | TextClause = _table(table_name) if table_name else text(f"({_escaped(query)}) q")

    def groups(self, session: Session, floor: Position | None) -> Iterator[tuple[Row, ...]]:
        """Every group from `floor` on, that position included, in order.

        Between two pages no transaction is open. Raises FatalSource for a group that is too long to be told apart.
        """
        factor = 1
        while True:
            found, cut = self._page(session, floor, PAGE * factor, ROOM * factor)
            groups = [tuple(group) for _, group in groupby(found, key=lambda row: row.position)]
            if not cut:
                yield from groups
                return
            if len(groups) < 2:
                factor *= 2
                if factor > _LARGEST:
                    raise self._too_long(found)
                continue
            floor, factor = groups[-1][0].position, 1
            yield from groups[:-1]

    def select(self) -> Select[Any]:
        """All rows, no order."""
        return select(literal_column("*")).select_from(self.source)

    def without_position(self) -> ColumnElement[bool]:
        """Rows that lack a value in a cursor column, which no position can name."""
        return or_(*(one.is_(None) for one in self._columns))

    def last(self, session: Session) -> Cell | None:
        """The value of the first cursor column in the last row; null for a table without rows."""
        wanted = select(self._columns[0]).select_from(self.source).where(self._columns[0].is_not(None))
        with session.connection.begin():
            result = session.connection.execute(wanted.order_by(self._columns[0].desc()).limit(1))
            assert result.cursor is not None, "a SELECT gives a cursor"
            utc = session.utc_columns([described[1] for described in result.cursor.description])
            row = result.first()
        return None if row is None else to_cell(_zoned(row, utc)[0])

    def page(self, floor: Position | None, limit: int) -> Select[Any]:
        """So many rows from that position on, in order."""
        wanted = self.select().where(and_(*(one.is_not(None) for one in self._columns)))
        if floor is not None:
            wanted = wanted.where(self._from(floor))
        return wanted.order_by(*self._columns).limit(limit)

    def _page(self, session: Session, floor: Position | None, limit: int, room: int) -> tuple[list[Row], bool]:
        """Rows, and whether there may be more of them."""
        rows: list[Row] = []
        size = 0
        options = {"stream_results": True, "max_row_buffer": _FETCH, "yield_per": _FETCH}
        with session.connection.begin():
            result = session.connection.execute(self.page(floor, limit), execution_options=options)
            assert result.cursor is not None, "a SELECT gives a cursor"
            names = [str(described[0]) for described in result.cursor.description]
            utc = session.utc_columns([described[1] for described in result.cursor.description])
            places = self._places(names)
            for values in result:
                rows.append(read_row(self.label, names, _zoned(values, utc), places))
                size += len(rows[-1].data)
                if size > room:
                    break
            cut = size > room or len(rows) == limit
            result.close()
        return rows, cut

    def _places(self, names: Sequence[str]) -> list[int]:
        lower = [name.lower() for name in names]
        try:
            return [lower.index(name.lower()) for name in self.order]
        except ValueError:
            raise FatalSource(
                f"{self.label} has no column {next(name for name in self.order if name.lower() not in lower)!r}",
                advice=f"Its columns are: {', '.join(names)}.",
            ) from None

    def _from(self, floor: Position) -> ColumnElement[bool]:
        """The position or one after it, by the database's own order."""
        *before, last = [
            (one, bindparam(None, from_cell(cell), type_=NullType()))
            for one, cell in zip(self._columns, floor, strict=False)
        ]
        condition: ColumnElement[bool] = last[0] >= last[1]
        for one, value in reversed(before):
            condition = or_(one > value, and_(one == value, condition))
        return condition if not before else and_(before[0][0] >= before[0][1], condition)

    def _too_long(self, rows: Sequence[Row]) -> FatalSource:
        return FatalSource(
            f"{self.label}: {len(rows)} rows and more are equal in {', '.join(self.order)}",
            advice="Name a further column in `order` that tells them apart, the primary key for instance.",
        )


def read_row(label: str, names: Sequence[str], values: Sequence[object], places: Sequence[int]) -> Row:
    """A driver's row as an original; one that holds a value of a kind without rule as unreadable."""
    try:
        cells = [to_cell(value) for value in values]
    except TypeError as error:
        data = repr(dict(zip(names, values, strict=True))).encode("utf-8", "backslashreplace")
        envelope, unreadable = None, str(error)
        digest = Envelope(table=label, row=(Named("", "text", data.decode()),)).digest()
    else:
        row = tuple(Named(name, cell.sort, cell.value) for name, cell in zip(names, cells, strict=True))
        envelope, unreadable = Envelope(table=label, row=row), ""
        data, digest = envelope.encode(), envelope.digest()
    return Row(
        position=_position(names, values, places), digest=digest, data=data, envelope=envelope, unreadable=unreadable
    )


def _position(names: Sequence[str], values: Sequence[object], places: Sequence[int]) -> Position:
    try:
        position = tuple(to_cell(values[place]) for place in places)
    except TypeError as error:
        raise FatalSource(f"no order is to be had of {names[places[0]]!r}: {error}", advice=_NUMBER) from None
    if sum(len(str(cell.value)) for cell in position) > _LONG:
        raise FatalSource(f"values of {names[places[0]]!r} are too long to order by", advice=_NUMBER)
    return position


def _zoned(values: Sequence[object], utc: Sequence[int]) -> list[object]:
    found = list(values)
    for place in utc:
        value = found[place]
        if isinstance(value, datetime) and value.tzinfo is None:
            found[place] = value.replace(tzinfo=UTC)
    return found


def _table(name: str) -> FromClause:
    schema, _, plain = name.rpartition(".")
    return table(plain, schema=schema or None)


def _escaped(query: str) -> str:
    """A colon before a name would be a parameter to SQLAlchemy; as no query here has any, each is meant as it is."""
    return query.replace(":", "\\:")
