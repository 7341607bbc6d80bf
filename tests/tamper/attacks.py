"""Attacks on any table, made up from its declaration: a new table is attacked without a line here."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Column, Connection, Integer, LargeBinary, SmallInteger, Table, and_, delete, select
from sqlalchemy import insert as insert_into
from sqlalchemy import update as update_table

from ledger.core.tables import TableClass
from ledger.store.engine import is_sqlite
from ledger.store.position import index_of, log_of, pos_of
from ledger.store.schema import Tokens, metadata

EVIDENCE = frozenset({TableClass.LOG, TableClass.VAULT, TableClass.PROJECTION})
FREE_LOG = 7
FREE_INDEX = 50_000
TILE = 256

Row = dict[str, Any]


class Attack(msgspec.Struct, frozen=True, kw_only=True):
    """One way to lie in one table; `column` where it is about one."""

    table: str
    sort: str
    column: str = ""

    def __str__(self) -> str:
        return "-".join(filter(None, (self.sort, self.table, self.column)))

    @property
    def has_no_effect(self) -> bool:
        """Whether it could change nothing, or the table's key refuses it, whatever the ledger holds: rows of one
        log or tile level cannot swap these, and rows that are all key swap nothing besides it."""
        if self.sort == "reorder" and not self.column:
            return all(column.primary_key for column in metadata.tables[self.table].columns)
        if self.sort == "reorder":
            # All signatures are by sealed keys, which have no counter.
            one_value = self.table == "signature" and self.column in ("counter", "mode")
            return self.column == "level" or (self.column == "log" and self.table not in ("head", "tile")) or one_value
        # Each entry has its leaf already, each log its head.
        return (self.sort, self.table) in {
            ("insert-between", "leaf"),
            ("insert-between", "head"),
            ("insert-beyond", "head"),
        }


def evidence_tables() -> list[Table]:
    """Every table of the classes log, vault and projection."""
    return [table for table in metadata.sorted_tables if table.info["class"] in EVIDENCE]


def attacks() -> Iterator[Attack]:
    """Every attack on every such table."""
    for table in evidence_tables():
        for column in table.columns:
            yield Attack(table=table.name, sort="change", column=column.name)
            yield Attack(table=table.name, sort="reorder", column=column.name)
        yield Attack(table=table.name, sort="reorder")
        for sort in ("delete-first", "delete-middle", "delete-last", "delete-all"):
            yield Attack(table=table.name, sort=sort)
        yield Attack(table=table.name, sort="insert-beyond")
        yield Attack(table=table.name, sort="insert-other-log")
        yield Attack(table=table.name, sort="insert-between")


class Inapplicable(Exception):
    """The attack would change nothing, or the table's own constraints refuse it."""


def mount(connection: Connection, attack: Attack) -> set[tuple[int, int]]:
    """Does it; returns the entries (log, index) of which the first has to be named."""
    table = metadata.tables[attack.table]
    rows = read(connection, table)
    match attack.sort.split("-"):
        case ["change"]:
            return _change(connection, table, rows, table.columns[attack.column])
        case ["reorder"]:
            return _reorder(connection, table, rows, attack.column)
        case ["delete", which]:
            return _delete(connection, table, rows, which)
        case _:
            return _insert(connection, table, rows, attack.sort)


def read(connection: Connection, table: Table) -> list[Row]:
    """The rows of a table, in the order of its key; of tables with signed sizes those of the record log.

    The system log's last checkpoint is no other log's to vouch for yet: without it the ledger is as a crash between
    intent and signature leaves it, and the publisher signs the same size and root again.
    """
    query = select(table).order_by(*table.primary_key.columns)
    rows = [dict(row) for row in connection.execute(query).mappings()]
    if table.name in ("checkpoint", "checkpoint_intent"):
        rows = [row for row in rows if row["log"] == 1]
    return rows


def entries_of(table: Table, row: Row) -> set[tuple[int, int]]:
    """The entries that a row is about, of which the first to differ is to be named."""
    if "pos" in row:
        return {(log_of(row["pos"]), index_of(row["pos"]))}
    match table.name:
        case "tile":
            span = TILE ** (row["level"] + 1)
            return {(row["log"], index) for index in range(row["n"] * span, (row["n"] + 1) * span)}
        case "checkpoint" | "checkpoint_intent":
            return {(row["log"], row["size"] - 1)}
        case "head":
            return {(row["log"], row["size"] - 1), (row["log"], row["size"])}
        case "ledger_log":
            return {(row["number"], 0)}
    found = {(row["log"], row["from_index"])}
    return found if row["to_index"] is None else {*found, (row["log"], row["to_index"])}


def _change(connection: Connection, table: Table, rows: list[Row], column: Column[Any]) -> set[tuple[int, int]]:
    chosen = [row for row in rows if row[column.name] is not None] or rows
    row = chosen[len(chosen) // 2]
    changed = row | {column.name: other_value(connection, column, row, rows)}
    _write(connection, table, row, changed)
    return entries_of(table, row) | entries_of(table, changed)


def _delete(connection: Connection, table: Table, rows: list[Row], which: str) -> set[tuple[int, int]]:
    gone = {"first": rows[:1], "middle": rows[len(rows) // 2 :][:1], "last": rows[-1:], "all": rows}[which]
    for row in gone:
        connection.execute(delete(table).where(_is(table, row)))
    return set().union(*(entries_of(table, row) for row in gone))


def _insert(connection: Connection, table: Table, rows: list[Row], sort: str) -> set[tuple[int, int]]:
    row = dict(rows[len(rows) // 2])
    keys = [column for column in table.primary_key.columns if column.name not in ("pos", "log")]
    place = next((name for name in ("log", "number") if name in row), "pos")
    if sort == "insert-other-log":
        row[place] = pos_of(FREE_LOG, 0) if place == "pos" else FREE_LOG
    elif sort == "insert-between" and keys:
        row[keys[0].name] = other_value(connection, keys[0], row, rows)
    elif "pos" in row:
        row["pos"] = _free(rows) if sort == "insert-between" else pos_of(1, FREE_INDEX)
        if "pos" not in table.primary_key.columns:
            row[keys[-1].name] = other_value(connection, keys[-1], row, rows)
    elif keys and sort == "insert-beyond":
        row[keys[-1].name] = other_value(connection, keys[-1], row, rows)
    else:
        raise Inapplicable
    for name in ("name", "origin", "package"):
        if name in row:
            row[name] += "x"
    connection.execute(insert_into(table).values(row))
    return entries_of(table, row)


def _free(rows: list[Row]) -> int:
    """A position of the record log that has an entry and no row here; Inapplicable where each entry has one."""
    taken = {row["pos"] for row in rows}
    for index in range(3, 100):
        if pos_of(1, index) not in taken:
            return pos_of(1, index)
    raise Inapplicable


def _reorder(connection: Connection, table: Table, rows: list[Row], column: str) -> set[tuple[int, int]]:
    """Swaps one column of two rows, or everything but the key."""
    keys = {one.name for one in table.primary_key.columns}
    names = [column] if column else [name for name in rows[0] if name not in keys]
    taken = {_key(table, row) for row in rows}
    for one, other in _pairs(rows):
        first, second = _swapped(one, other, names)
        moved = {_key(table, first), _key(table, second)}
        nothing = [first, second] in ([one, other], [other, one])
        if nothing or len(moved) == 1 or moved & taken - {_key(table, one), _key(table, other)}:
            continue
        connection.execute(delete(table).where(_is(table, one)))
        connection.execute(delete(table).where(_is(table, other)))
        connection.execute(insert_into(table).values(first))
        connection.execute(insert_into(table).values(second))
        return set().union(*(entries_of(table, row) for row in (one, other, first, second)))
    raise Inapplicable


def _pairs(rows: list[Row]) -> Iterator[tuple[Row, Row]]:
    """Some forty rows from all over the table, the middle one first, each with every other."""
    some = rows[len(rows) // 2 :][:1] + rows[:: max(1, len(rows) // 40)]
    for one in some:
        for other in rows:
            if one is not other:
                yield one, other


def _swapped(one: Row, other: Row, names: Sequence[str]) -> tuple[Row, Row]:
    return one | {name: other[name] for name in names}, other | {name: one[name] for name in names}


def other_value(connection: Connection, column: Column[Any], row: Row, rows: list[Row]) -> Any:
    """A value of the column's type that is not the row's, and whose key is not taken."""
    value = row[column.name]
    if column.name == "pos":
        return pos_of(log_of(value), FREE_INDEX)
    if column.name in ("log", "number"):
        return FREE_LOG
    if isinstance(column.type, Tokens):
        return f"{value} zzz" if is_sqlite(connection) else [*value, "zzz"]
    if isinstance(column.type, LargeBinary):
        return bytes([value[0] ^ 1]) + value[1:] if value else b"\x01"
    if isinstance(column.type, BigInteger | SmallInteger | Integer):
        taken = {each[column.name] for each in rows} if column.primary_key else {value}
        return next(n for n in itertools.count(value or 0) if n not in taken)
    return f"{value or ''}x"


def _write(connection: Connection, table: Table, row: Row, changed: Row) -> None:
    done = connection.execute(update_table(table).where(_is(table, row)).values(changed))
    assert done.rowcount == 1


def _is(table: Table, row: Row) -> Any:
    return and_(*(column == row[column.name] for column in table.primary_key.columns))


def _key(table: Table, row: Row) -> tuple[Any, ...]:
    return tuple(row[column.name] for column in table.primary_key.columns)
