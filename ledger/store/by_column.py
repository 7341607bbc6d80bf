"""Many rows of a selection, column by column.

The database itself puts each column together, so that one row is read in place of all: to make a tuple of each row, and
columns of the tuples again, would cost more than all else. A column comes as one JSON array (RFC 8259); text of
PostgreSQL, which takes twice as long to write it so, comes strung together, unless it holds what stands between two.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Connection, Integer, Select, Text, cast, func, literal, select

from ledger.store.engine import is_sqlite

Columns = list[list[Any]]
"""The values of some rows, column by column; each column has as many."""

_decoder = msgspec.json.Decoder(list[str | int | None])
_BETWEEN: Final = "\x1f"
_NOTHING: Final = "\x1e"
"""What stands for no value; a text that is the same is told by its number."""


def by_column(connection: Connection, chosen: Select[Any], columns: Sequence[ColumnElement[Any]]) -> Columns:
    """These columns, of text or whole numbers, of the rows of a selection.

    They are in the selection's order where it has a limit; without one, in any, which is the same for each column.
    """
    # Named by place: two of them may have one name, and one may stand twice.
    rows = chosen.with_only_columns(*(one.label(f"c{at}") for at, one in enumerate(columns))).subquery()
    if is_sqlite(connection):
        return _as_json(connection, [func.json_group_array(one) for one in rows.c])
    strung = _strung(connection, list(rows.c))
    return strung if strung is not None else _as_json(connection, [cast(func.json_agg(one), Text) for one in rows.c])


def _as_json(connection: Connection, arrays: Sequence[ColumnElement[Any]]) -> Columns:
    (row,) = connection.execute(select(*arrays)).cursor.fetchall()
    return [[] if text is None else _decoder.decode(text) for text in row]


def _strung(connection: Connection, columns: Sequence[ColumnElement[Any]]) -> Columns | None:
    """PostgreSQL: the columns; None where a text holds what stands between two of them, or for none."""
    whole = [isinstance(one.type, Integer) for one in columns]
    made = [_numbers(one) if number else _texts(one) for one, number in zip(columns, whole, strict=True)]
    there = [func.count(one) for one in columns]
    ((count, *row),) = connection.execute(select(func.count(), *made, *there)).cursor.fetchall()
    found: Columns = []
    for told, has, number in zip(row[: len(columns)], row[len(columns) :], whole, strict=True):
        values: list[Any] = [] if not count else _decoder.decode(told) if number else told.split(_BETWEEN)
        if not number and has < count:
            if values.count(_NOTHING) != count - has:
                return None
            values = [None if value == _NOTHING else value for value in values]
        if len(values) != count:
            return None
        found.append(values)
    return found


def _numbers(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return literal("[").concat(func.string_agg(func.coalesce(cast(column, Text), "null"), ",")).concat("]")


def _texts(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.string_agg(func.coalesce(column, _NOTHING), _BETWEEN)
