"""The demo's MES: a batch record in an SQLite database, whose triggers keep an audit trail with old and new values.

The trail is of the database, not of the program: whoever changes a step leaves a row, under the account that signed in
(`session_user`), with the reason that was given.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

DATABASE: Final = "mes.sqlite"
_SCHEMA = """
CREATE TABLE session (account TEXT NOT NULL, reason TEXT);
CREATE TABLE step (
    batch TEXT NOT NULL, number INTEGER NOT NULL, name TEXT NOT NULL, target TEXT, actual TEXT, unit TEXT,
    state TEXT NOT NULL DEFAULT 'open', PRIMARY KEY (batch, number)
);
CREATE TABLE audit_trail (
    id INTEGER PRIMARY KEY AUTOINCREMENT, changed_at TEXT NOT NULL, changed_by TEXT NOT NULL, action TEXT NOT NULL,
    table_name TEXT NOT NULL, record_id TEXT NOT NULL, batch TEXT NOT NULL, field_name TEXT, old_value TEXT,
    new_value TEXT, unit TEXT, reason TEXT
);
CREATE TRIGGER step_created AFTER INSERT ON step BEGIN
    INSERT INTO audit_trail (
        changed_at, changed_by, action, table_name, record_id, batch, field_name, new_value, unit, reason
    ) SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), account, 'create', 'step', new.batch || '/' || new.number,
        new.batch, 'target', new.target, new.unit, reason FROM session;
END;
"""
_CHANGED = """
CREATE TRIGGER step_{column} AFTER UPDATE OF {column} ON step WHEN old.{column} IS NOT new.{column} BEGIN
    INSERT INTO audit_trail (
        changed_at, changed_by, action, table_name, record_id, batch, field_name, old_value, new_value, unit, reason
    ) SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), account, '{action}', 'step', new.batch || '/' || new.number,
        new.batch, '{column}', old.{column}, new.{column}, {unit}, reason FROM session;
END;
"""
STEPS: Final = (("Weigh solvent", "120.0", "kg"), ("Mix", "900", "s"), ("Sample and release", None, None))


class Mes:
    """The MES's database in a folder. Every call is one transaction of one person."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / DATABASE
        folder.mkdir(parents=True, exist_ok=True)
        if not self._path.exists():
            with closing(sqlite3.connect(self._path)) as connection, connection:
                changed = [
                    _CHANGED.format(column="target", action="update", unit="new.unit"),
                    _CHANGED.format(column="actual", action="update", unit="new.unit"),
                    _CHANGED.format(column="state", action="approve", unit="NULL"),
                ]
                connection.executescript(_SCHEMA + "".join(changed))

    @property
    def url(self) -> str:
        """Where the `sql` source type finds it."""
        return f"sqlite:///{self._path}"

    def open_record(self, batch: str, account: str) -> None:
        """A batch record is opened: its steps with their targets."""
        rows: list[tuple[object, ...]] = [(batch, number, *step) for number, step in enumerate(STEPS, start=1)]
        self._as(account, None, "INSERT INTO step (batch, number, name, target, unit) VALUES (?, ?, ?, ?, ?)", rows)

    def enter(self, batch: str, number: int, actual: str, account: str, reason: str | None = None) -> None:
        """A value is entered, or corrected with a reason."""
        self._as(
            account, reason, "UPDATE step SET actual = ? WHERE batch = ? AND number = ?", [(actual, batch, number)]
        )

    def complete(self, batch: str, number: int, account: str) -> None:
        """A step is confirmed."""
        self._as(account, None, "UPDATE step SET state = 'done' WHERE batch = ? AND number = ?", [(batch, number)])

    def _as(self, account: str, reason: str | None, statement: str, rows: list[tuple[object, ...]]) -> None:
        with closing(sqlite3.connect(self._path, timeout=10)) as connection, connection:
            connection.execute("DELETE FROM session")
            connection.execute("INSERT INTO session VALUES (?, ?)", (account, reason))
            connection.executemany(statement, rows)


MAPPING: Final = """
name = "demo-mes-batch-record"
version = 1
title = "Batch record steps of the demo's MES"
class = "mes"
drivers = ["sql"]
lacks = ["whether a row of the trail itself was changed or removed before it was collected"]

[options]
table = "audit_trail"
order = "id"

[record]
id = "row.id"
sequence = "row.id"
action = "row.action"
occurred_at = "row.changed_at"
reason = "row.reason"
actor = { account = "row.changed_by", kind = { text = "person" } }
object = { type = "row.table_name", id = "row.record_id" }

[[record.changes]]
attribute = "row.field_name"
old = "row.old_value"
new = "row.new_value"
unit = "row.unit"

[[record.links]]
kind = "batch"
id = "row.batch"
"""
