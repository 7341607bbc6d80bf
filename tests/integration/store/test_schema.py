"""The migrations make exactly the tables that the domains declare."""

import sqlite3
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from ledger.store.database import SCRIPTS, wanted_version
from ledger.store.schema import metadata
from tests.support.declared import ONLY_POSTGRES, declare_all
from tests.support.ledgers import Ledger

declare_all()


def is_compared(_object: object, name: str | None, sort: str, reflected: bool, _other: object) -> bool:
    """Alembic's own table, and those in which SQLite keeps its full-text index, are no declared ones."""
    return not (sort == "table" and reflected and name is not None and name.startswith(("alembic_", "record_fts")))


def is_compared_in_sqlite(item: object, name: str | None, sort: str, reflected: bool, other: object) -> bool:
    return name not in ONLY_POSTGRES and is_compared(item, name, sort, reflected, other)


def test_the_migrated_schema_is_the_declared_one(ledger: Ledger) -> None:
    chosen = is_compared_in_sqlite if ledger.is_sqlite else is_compared
    options: dict[str, Any] = {"compare_type": True, "include_object": chosen}
    with ledger.administrator() as connection:
        context = MigrationContext.configure(connection, opts=options)
        differences = compare_metadata(context, metadata)
    assert differences == [], "declare and migration differ: write a migration"


def test_the_newest_version_is_the_one_that_the_migrations_lead_to() -> None:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    assert wanted_version() == ScriptDirectory.from_config(config).get_current_head()


def test_clustered_tables_keep_their_rows_in_the_primary_key(sqlite_ledger: Ledger) -> None:
    without = {
        name
        for name, sql in sqlite_ledger.query("SELECT name, sql FROM sqlite_schema")
        if "WITHOUT ROWID" in (sql or "")
    }
    declared = {table.name for table in metadata.tables.values() if not table.dialect_options["sqlite"]["with_rowid"]}
    assert without & metadata.tables.keys() == declared


def test_positions_are_the_row_id_itself(sqlite_ledger: Ledger) -> None:
    """An INTEGER primary key is SQLite's row id: no second tree to keep, and no index in sqlite_schema."""
    with sqlite_ledger.store.reading() as connection:
        for table in ("leaf", "body", "record", "collection_run"):
            assert inspect(connection).get_pk_constraint(table)["constrained_columns"] == ["pos"]
    path = sqlite_ledger.settings.database_url(sqlite_ledger.folder).database
    assert path is not None
    with sqlite3.connect(path) as raw:
        assert raw.execute("SELECT rowid, pos FROM leaf WHERE rowid <> pos").fetchall() == []
        indexes = raw.execute("SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'leaf'").fetchall()
        assert indexes == []


def test_every_table_says_what_it_is_worth() -> None:
    for table in metadata.tables.values():
        assert table.info["class"], table.name
        assert table.info["why"] or table.info["class"] != "operational", table.name
