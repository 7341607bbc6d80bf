"""Many rows of a selection, column by column.

The database itself puts each column together, as one JSON array (RFC 8259), so that one row is read in place of all: to
make a tuple of each row, and columns of the tuples again, would cost more than all else.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, Text, cast, func, select

from ledger.store.engine import is_sqlite

Columns = list[list[Any]]
"""The values of some rows, column by column; each column has as many."""

_decoder = msgspec.json.Decoder(list[str | int | None])


def by_column(connection: Connection, chosen: Select[Any], columns: Sequence[ColumnElement[Any]]) -> Columns:
    """These columns, of text or whole numbers, of the rows of a selection.

    They are in the selection's order where it has a limit; without one, in any, which is the same for each column.
    """
    # Named by place: two of them may have one name, and one may stand twice.
    rows = chosen.with_only_columns(*(one.label(f"c{at}") for at, one in enumerate(columns))).subquery()
    arrays = [func.json_group_array(one) if is_sqlite(connection) else cast(func.json_agg(one), Text) for one in rows.c]
    (row,) = connection.execute(select(*arrays)).cursor.fetchall()
    return [[] if text is None else _decoder.decode(text) for text in row]
