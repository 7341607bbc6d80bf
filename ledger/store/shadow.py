"""Shadow tables: filled beside the live ones, then put in their place within one transaction.

A shadow is named `<table>__next` until it takes over. Its indexes then get the live table's names: PostgreSQL has them
built before and renames them; SQLite, which can't rename an index, builds them in the transaction of the swap.
"""

from collections.abc import Iterable

from sqlalchemy import Connection, MetaData, Table, delete, quoted_name, select
from sqlalchemy.schema import CreateTable

from ledger.store.append_only import (
    DISPOSED,
    ERASED,
    SEARCHED,
    create_full_text,
    feed_full_text,
    let_disposals_take,
    let_eraser_read,
    protect,
)
from ledger.store.engine import is_sqlite
from ledger.store.schema import has_tokens

NEXT = "__next"


def create(connection: Connection, tables: Iterable[Table]) -> dict[str, Table]:
    """Creates an empty shadow of each table, and returns them by the names of the live ones."""
    shadows = MetaData()
    created = {}
    for table in tables:
        shadow = created[table.name] = table.to_metadata(shadows, name=table.name + NEXT)
        connection.execute(CreateTable(shadow))
        if is_sqlite(connection) and has_tokens(table):
            # Its content is the table that has the live name, as it will be once the shadow has it: an insert into the
            # index doesn't read there.
            create_full_text(connection, f"{table.name}_fts{NEXT}", table.name)
            feed_full_text(connection, shadow.name, f"{table.name}_fts{NEXT}")
    return created


def finish(connection: Connection, shadows: Iterable[Table]) -> None:
    """PostgreSQL: builds the indexes and statistics of shadows that hold nearly all of their rows."""
    if is_sqlite(connection):
        return
    for shadow in shadows:
        for index in shadow.indexes:
            index.name = quoted_name(f"{index.name}{NEXT}", None)
            index.create(connection)
        connection.exec_driver_sql(f"ANALYZE {shadow.name}")


def take_out(connection: Connection, shadow: Table, disposed: Table) -> None:
    """Takes out of a shadow what was disposed of since it was read; `disposed` names those entries."""
    gone = select(disposed.c.row_pos)
    if is_sqlite(connection) and has_tokens(shadow):
        index = f"{shadow.name.removesuffix(NEXT)}_fts{NEXT}"
        connection.exec_driver_sql(
            f"INSERT INTO {index}({index}, rowid, tokens)"
            f" SELECT 'delete', pos, tokens FROM {shadow.name} WHERE pos IN (SELECT row_pos FROM {disposed.name})"
        )
    connection.execute(delete(shadow).where(shadow.c.pos.in_(gone)))


def take_over(connection: Connection, table: Table) -> None:
    """Drops the live table and gives its place, name, triggers and rights to its shadow."""
    name, sqlite = table.name, is_sqlite(connection)
    connection.exec_driver_sql(f"DROP TABLE {name}")
    if sqlite and has_tokens(table):
        connection.exec_driver_sql(f"DROP TRIGGER {name}{NEXT}_fts_insert")
        connection.exec_driver_sql(f"DROP TABLE {name}_fts")
        connection.exec_driver_sql(f"ALTER TABLE {name}_fts{NEXT} RENAME TO {name}_fts")
    if sqlite:
        # Triggers of other tables may read this one, and must not keep it from coming back.
        connection.exec_driver_sql("PRAGMA legacy_alter_table = ON")
    connection.exec_driver_sql(f"ALTER TABLE {name}{NEXT} RENAME TO {name}")
    if sqlite:
        connection.exec_driver_sql("PRAGMA legacy_alter_table = OFF")
        if has_tokens(table):
            feed_full_text(connection, name, f"{name}_fts")
        for index in table.indexes:
            index.create(connection)
    else:
        _rename_indexes(connection, name)
    protect(connection, name, update=table.info["update"], delete=table.info["delete"])
    if name in SEARCHED:
        let_disposals_take(connection, name)
    if name in (ERASED, DISPOSED):
        let_eraser_read(connection, name)


def discard(connection: Connection) -> None:
    """Drops the shadows that a rebuild left behind when it was ended."""
    if is_sqlite(connection):
        # A virtual table first: it takes the tables that it keeps its index in with it.
        names = connection.exec_driver_sql(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE '%\\_\\_next' ESCAPE '\\'"
            " ORDER BY sql NOT LIKE 'CREATE VIRTUAL%'"
        )
    else:
        names = connection.exec_driver_sql(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename LIKE '%%\\_\\_next'"
        )
    for (name,) in names.all():
        connection.exec_driver_sql(f"DROP TABLE {name}")


def _rename_indexes(connection: Connection, table: str) -> None:
    """Takes the shadow's mark off the names of indexes, and with them of the constraints that they enforce."""
    names = connection.exec_driver_sql(
        "SELECT relname FROM pg_class JOIN pg_index ON indexrelid = pg_class.oid"
        f" WHERE indrelid = '{table}'::regclass AND position('{NEXT}' IN relname) > 0"
    )
    for (name,) in names.all():
        connection.exec_driver_sql(f"ALTER INDEX {name} RENAME TO {name.replace(NEXT, '')}")
