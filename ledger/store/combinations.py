"""Records by source, action, outcome and object type, where a question leaves some of the four open.

However large a log is, these have few combinations, and in the index `record_facets` each has its records in order. So
a page is merged of the first records of every combination that a question allows, and one that no record has costs
nothing: going down the log itself would read all of it to find none.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, Text, bindparam, cast, func, select, true
from sqlalchemy.dialects.postgresql import ARRAY

from ledger.store import schema
from ledger.store.bulk import Bulk
from ledger.store.engine import is_sqlite


class Combination(NamedTuple):
    """The four that a record has one of each of."""

    source: str
    action: str
    outcome: str
    object_type: str


MEMBERS: Final = Combination._fields
# Each step goes to the next entry of the index behind all of a combination's.
_STEPS: Final = (
    "WITH RECURSIVE one AS ("
    "(SELECT {all} FROM record ORDER BY {all} LIMIT 1) UNION ALL "
    "SELECT next.* FROM one CROSS JOIN LATERAL (SELECT {all} FROM record AS r WHERE ({of_r}) > ({of_one})"
    " ORDER BY {of_r} LIMIT 1) AS next) SELECT {all} FROM one"
).format(
    all=", ".join(MEMBERS),
    of_r=", ".join(f"r.{name}" for name in MEMBERS),
    of_one=", ".join(f"one.{name}" for name in MEMBERS),
)


def combinations(connection: Connection, wanted: Sequence[str | None]) -> list[Combination]:
    """Those that records of any log have, with these values, in the order of `MEMBERS`; null: any value."""
    bulk = Bulk(connection)
    if is_sqlite(connection):
        return [Combination(*found) for found in _below(bulk, wanted, ())]
    found = (Combination(*row) for row in bulk.all(_STEPS, ()))
    return [one for one in found if all(want in (None, has) for want, has in zip(wanted, one, strict=True))]


def _below(bulk: Bulk, wanted: Sequence[str | None], known: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Member by member: SQLite does not go along the index for all four at once."""
    if len(known) == len(MEMBERS):
        yield known
        return
    name, value = MEMBERS[len(known)], wanted[len(known)]
    held = "".join(f"{one} = ? AND " for one in MEMBERS[: len(known)])
    if value is not None:
        if bulk.all(f"SELECT 1 FROM record WHERE {held}{name} = ? LIMIT 1", (*known, value)):
            yield from _below(bulk, wanted, (*known, value))
        return
    last = ""
    sql = f"SELECT {name} FROM record WHERE {held}{name} > ? ORDER BY {name} LIMIT 1"
    while rows := bulk.all(sql, (*known, last)):
        (last,) = rows[0]
        yield from _below(bulk, wanted, (*known, last))


def object_types(connection: Connection) -> list[str]:
    """All types of objects that records have."""
    return sorted({one.object_type for one in combinations(connection, (None,) * len(MEMBERS))})


def of_each(
    connection: Connection,
    chosen: Select[Any],
    wanted: Sequence[str | None],
    place: ColumnElement[int],
    limit: int,
    newest: bool | None,
) -> list[tuple[Any, ...]]:
    """Rows of a selection of records, whose first column is `place` and which has these values of `MEMBERS`.

    `newest`: the last rows of all, or the first, in that order; null: any.
    """
    there = combinations(connection, wanted)
    ordered = chosen if newest is None else chosen.order_by(place.desc() if newest else place)
    if is_sqlite(connection):
        some = ordered.where(*(schema.record.c[name] == bindparam(f"of_{name}") for name in MEMBERS)).limit(limit)
        found = (tuple(row) for one in there for row in connection.execute(some, _named(one)))
        return list(islice(found if newest is None else sorted(found, reverse=newest), limit))
    each = _table(there)
    held = (schema.record.c[name] == each.c[name] for name in MEMBERS)
    of_one = ordered.where(*held).limit(limit).correlate(each).lateral()
    merged = select(of_one).select_from(each.join(of_one, true())).limit(limit)
    first, *_ = of_one.c
    merged = merged if newest is None else merged.order_by(first.desc() if newest else first)
    return [tuple(row) for row in connection.execute(merged)]


def count_each(
    connection: Connection, chosen: Select[Any], wanted: Sequence[str | None]
) -> list[tuple[Combination, int]]:
    """How many records of a selection, which has these values of `MEMBERS`, each combination has."""
    there = combinations(connection, wanted)
    counted = chosen.with_only_columns(func.count())
    if is_sqlite(connection):
        some = counted.where(*(schema.record.c[name] == bindparam(f"of_{name}") for name in MEMBERS))
        return [(one, connection.execute(some, _named(one)).scalar_one()) for one in there]
    each = _table(there)
    of_one = counted.where(*(schema.record.c[name] == each.c[name] for name in MEMBERS)).correlate(each).lateral()
    rows = connection.execute(select(*each.c, of_one.c[0]).select_from(each.join(of_one, true())))
    return [(Combination(*row[:-1]), row[-1]) for row in rows]


def _named(one: Combination) -> dict[str, str]:
    return {f"of_{name}": value for name, value in one._asdict().items()}


def _table(there: Sequence[Combination]) -> Any:
    """PostgreSQL: the combinations as a table to go along."""
    values = (cast([one[at] for one in there], ARRAY(Text)) for at in range(len(MEMBERS)))
    return func.unnest(*values).table_valued(*MEMBERS).render_derived()
