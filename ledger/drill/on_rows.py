"""Attacks by whoever can write the database, row by row."""

from collections.abc import Sequence

from ledger.drill.attack import RECORDS_LOG, Attack, Target, leaf_of

_HOLDER = "has the database"


def _edit(target: Target) -> Sequence[int]:
    with target.database() as connection:
        (body,) = connection.execute("SELECT body FROM body WHERE pos = ?", (target.pos(target.victim),)).fetchone()
        forged = body.replace(b'"action":"', b'"action":"x', 1)
        connection.execute("UPDATE body SET body = ? WHERE pos = ?", (forged, target.pos(target.victim)))
    return [target.victim]


def _delete(target: Target) -> Sequence[int]:
    with target.database() as connection:
        for table in ("leaf", "body", "record"):
            connection.execute(f"DELETE FROM {table} WHERE pos = ?", (target.pos(target.victim),))
    return [target.victim]


def _swap(target: Target) -> Sequence[int]:
    one, other = target.victim, target.victim + 3
    with target.database() as connection:
        for table, columns in (("leaf", ("data",)), ("body", ("salt", "body"))):
            names = ", ".join(columns)
            rows = [
                connection.execute(f"SELECT {names} FROM {table} WHERE pos = ?", (target.pos(index),)).fetchone()
                for index in (one, other)
            ]
            for index, row in zip((other, one), rows, strict=True):
                sets = ", ".join(f"{name} = ?" for name in columns)
                connection.execute(f"UPDATE {table} SET {sets} WHERE pos = ?", (*row, target.pos(index)))
    return [one, other]


def _insert(target: Target) -> Sequence[int] | None:
    with target.database() as connection:
        (size,) = connection.execute("SELECT size FROM head WHERE log = ?", (RECORDS_LOG,)).fetchone()
        leaf = leaf_of(connection, target.pos(target.victim))
        salt, body = connection.execute(
            "SELECT salt, body FROM body WHERE pos = ?", (target.pos(target.victim),)
        ).fetchone()
        connection.execute("INSERT INTO leaf VALUES (?, ?)", (target.pos(size), leaf))
        connection.execute("INSERT INTO body VALUES (?, ?, ?)", (target.pos(size), salt, body))
    return None


def _column(target: Target) -> Sequence[int]:
    with target.database() as connection:
        connection.execute("UPDATE record SET action = 'read' WHERE pos = ?", (target.pos(target.victim),))
    return [target.victim]


def _rights(target: Target) -> Sequence[int] | None:
    with target.database() as connection:
        connection.execute("UPDATE access_grant SET role = 'approver'")
    return None


def _cosignature(target: Target) -> Sequence[int] | None:
    with target.database() as connection:
        connection.execute("DELETE FROM cosignature WHERE pos = (SELECT max(pos) FROM cosignature)")
    return None


ATTACKS = (
    Attack(name="edit", attacker=_HOLDER, does="changes what a record says", level=1, run=_edit),
    Attack(name="delete", attacker=_HOLDER, does="takes a record away, with its search row", level=1, run=_delete),
    Attack(name="reorder", attacker=_HOLDER, does="swaps two records", level=1, run=_swap),
    Attack(name="insert", attacker=_HOLDER, does="adds an entry after the last one", level=1, run=_insert),
    Attack(name="column", attacker=_HOLDER, does="changes what a search answers", level=2, run=_column),
    Attack(name="rights", attacker=_HOLDER, does="makes everybody an approver, in a table", level=2, run=_rights),
    Attack(name="strip", attacker=_HOLDER, does="takes a witness's signature away", level=2, run=_cosignature),
)
