"""Records by source, action, outcome and object type, where a question leaves some of the four open.

On PostgreSQL also by role, by whether there is a reason, and by changed attribute: a record's `combination` names all
of these at once, so that what many records have each and none has together is known before any record is read.

However large a log is, these have few combinations, and in the index `record_facets` each has its records in order. So
a page is merged of the first records of every combination that a question allows, and one that no record has costs
nothing: going down the log itself would read all of it to find none.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from itertools import islice
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, LargeBinary, Select, Text, bindparam, cast, exists, func, select, true
from sqlalchemy.dialects.postgresql import ARRAY

from ledger.core import canonical
from ledger.store import schema
from ledger.store.bulk import Bulk
from ledger.store.engine import is_sqlite
from ledger.store.position import pos_of
from ledger.store.projections import read_versions


class Combination(NamedTuple):
    """The four that a record has one of each of."""

    source: str
    action: str
    outcome: str
    object_type: str


MEMBERS: Final = Combination._fields
COMBINED: Final = (*MEMBERS, "role", "reasoned", "attribute")
"""Members of a question that a record's `combination` answers."""
_COMBINED_SINCE: Final = 6
"""The version of the projector of records from which on PostgreSQL has them."""
_KEY: Final = 16
"""Bytes: nobody finds two combinations of the same key."""
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
_TOLD: Final = (
    "SELECT one.combination, r.source, r.action, r.outcome, r.object_type, r.role, r.reasoned,"
    " ARRAY(SELECT c.attribute FROM record_change AS c WHERE c.pos = one.pos)"
    " FROM one JOIN record AS r ON r.pos = one.pos"
)
_EVERY: Final = (
    "WITH RECURSIVE one AS ("
    "(SELECT combination, pos FROM record WHERE combination IS NOT NULL ORDER BY combination, pos LIMIT 1) UNION ALL "
    "SELECT next.* FROM one CROSS JOIN LATERAL (SELECT r.combination, r.pos FROM record AS r"
    f" WHERE r.combination > one.combination ORDER BY r.combination, r.pos LIMIT 1) AS next) {_TOLD}"
)
_OF_A_PART: Final = (
    "WITH one AS (SELECT combination, min(pos) AS pos FROM record"
    f" WHERE pos >= ? AND pos < ? AND combination IS NOT NULL GROUP BY combination) {_TOLD}"
)
_PART: Final = 20_000
"""Entries that are looked through sooner for combinations that are new in them than the index is for all of them."""


@lru_cache(maxsize=4_096)
def combined(members: tuple[str | int | None, ...], attributes: frozenset[str]) -> bytes:
    """The name of a record's combination of `COMBINED`: of the first six, and of all attributes that it changes."""
    return sha256(canonical.dumps([*members, sorted(attributes)])).digest()[:_KEY]


def has_combined(connection: Connection) -> bool:
    """Whether records of this database have their `combination`."""
    return not is_sqlite(connection) and read_versions(connection).get("record", 0) >= _COMBINED_SINCE


def keys(connection: Connection, log: int, size: int, wanted: Mapping[str, Any]) -> list[bytes]:
    """The combinations that a log's records have, as of a size, with these values of `COMBINED`; null: any value.

    There may be some among them that only later records have, or those of other logs.
    """
    members = [None if wanted[name] is None else str(wanted[name]) for name in MEMBERS]
    role, reasoned, attribute = (wanted[name] for name in COMBINED[len(MEMBERS) :])
    return [
        key
        for key, one in _kept(connection, log, size).items()
        if all(want in (None, has) for want, has in zip(members, one.of, strict=True))
        if role in (None, one.role) and reasoned in (None, one.reasoned)
        if attribute is None or attribute in one.attributes
    ]


class _Kept(NamedTuple):
    """What a key stands for."""

    of: Combination
    role: str | None
    reasoned: int
    attributes: frozenset[str]


class _Known(NamedTuple):
    """What a connection came to know: combinations by key, and up to which size of each log these are all."""

    kept: dict[bytes, _Kept]
    sizes: dict[int, int]


def _kept(connection: Connection, log: int, size: int) -> Mapping[bytes, _Kept]:
    """Records are only ever added, and what a key stands for never changes: a connection asks for what is new alone."""
    known: _Known = connection.info.setdefault("combinations", _Known({}, {}))
    before = known.sizes.get(log, 0)
    if before < size:
        bulk = Bulk(connection)
        part = size - before <= _PART
        found = bulk.all(_OF_A_PART, (pos_of(log, before), pos_of(log, size))) if part else bulk.all(_EVERY, ())
        for key, *members, role, reasoned, attributes in found:
            known.kept[bytes(key)] = _Kept(Combination(*members), role, reasoned, frozenset(attributes))
        known.sizes[log] = size
    return known.kept


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


def types_of(connection: Connection, object_id: str) -> list[str]:
    """The types of the objects of this id: mostly one."""
    row, each = schema.record.c, func.unnest(cast(object_types(connection), ARRAY(Text))).column_valued("type")
    there = exists().where(row.object_type == each, row.object_id == object_id)
    return list(connection.scalars(select(each).where(there)))


def of_each(
    connection: Connection,
    log: int,
    size: int,
    chosen: Select[Any],
    wanted: Mapping[str, Any],
    place: ColumnElement[int],
    limit: int,
    newest: bool | None,
    *,
    combined: bool,
) -> list[tuple[Any, ...]]:
    """Rows of a selection of a log's records, as of a size, whose first column is `place`, with these values of
    `COMBINED`.

    `newest`: the last rows of all, or the first, in that order; null: any. `combined`: `has_combined`.
    """
    ordered = chosen if newest is None else chosen.order_by(place.desc() if newest else place)
    each: Any
    if combined:
        each = (
            func.unnest(cast(keys(connection, log, size, wanted), ARRAY(LargeBinary)))
            .table_valued("key")
            .render_derived()
        )
        held = [schema.record.c.combination == each.c.key]
    else:
        there = combinations(connection, [wanted[name] for name in MEMBERS])
        if is_sqlite(connection):
            some = ordered.where(*(schema.record.c[name] == bindparam(f"of_{name}") for name in MEMBERS)).limit(limit)
            found = (tuple(row) for one in there for row in connection.execute(some, _named(one)))
            return list(islice(found if newest is None else sorted(found, reverse=newest), limit))
        each = _table(there)
        held = [schema.record.c[name] == each.c[name] for name in MEMBERS]
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
