"""Append-only enforced below the application: triggers that refuse, and rights that are not granted.

Each table is held to what `schema.declare` says of it. In PostgreSQL the runtime role owns nothing, so it can't disable
a trigger either. In SQLite whoever can write the file can drop them: that is what verification is for.
"""

from collections.abc import Iterable

from sqlalchemy import Connection, Table

from ledger.store.engine import is_sqlite

RUNTIME_ROLE = "trailseal_runtime"

_REFUSE = """
CREATE OR REPLACE FUNCTION trailseal_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'append-only: %% on table %% is refused', TG_OP, TG_TABLE_NAME;
END $$
"""

_FULL_TEXT = """
CREATE VIRTUAL TABLE {table}_fts USING fts5(
    tokens, content='{table}', content_rowid='pos', detail=none, columnsize=0, tokenize="ascii tokenchars '-._/:@'"
)
"""


def protect(connection: Connection, tables: Iterable[Table]) -> None:
    """Creates the triggers (and, in PostgreSQL, the runtime role's rights) of these tables."""
    if is_sqlite(connection):
        for table in tables:
            for statement in _sqlite_triggers(table):
                connection.exec_driver_sql(statement)
        return
    connection.exec_driver_sql(_REFUSE)
    has_role = _has_runtime_role(connection)
    for table in tables:
        for statement in _postgres_triggers(table):
            connection.exec_driver_sql(statement)
        if has_role:
            rights = ["SELECT", "INSERT", *_allowed(table)]
            connection.exec_driver_sql(f"GRANT {', '.join(rights)} ON {table.name} TO {RUNTIME_ROLE}")


def allow_reading_version(connection: Connection) -> None:
    """Lets the runtime role see which schema the database has."""
    if not is_sqlite(connection) and _has_runtime_role(connection):
        connection.exec_driver_sql(f"GRANT SELECT ON alembic_version TO {RUNTIME_ROLE}")


def index_full_text(connection: Connection, table: str) -> None:
    """SQLite: the FTS5 index over a table's `tokens`, kept by a trigger in the same transaction.

    The tokens are made by `core.tokens`; the `ascii` tokeniser only splits them at spaces again. PostgreSQL has a GIN
    index on the array instead.
    """
    connection.exec_driver_sql(_FULL_TEXT.format(table=table))
    connection.exec_driver_sql(
        f"CREATE TRIGGER {table}_fts_insert AFTER INSERT ON {table} BEGIN"
        f" INSERT INTO {table}_fts(rowid, tokens) VALUES (new.pos, new.tokens); END"
    )


def _has_runtime_role(connection: Connection) -> bool:
    return bool(connection.exec_driver_sql(f"SELECT 1 FROM pg_roles WHERE rolname = '{RUNTIME_ROLE}'").scalar())


def _allowed(table: Table) -> list[str]:
    return [verb.upper() for verb in ("update", "delete") if table.info[verb]]


def _refused(table: Table) -> list[str]:
    return [verb.upper() for verb in ("update", "delete") if not table.info[verb]]


def _sqlite_triggers(table: Table) -> Iterable[str]:
    for verb in _refused(table):
        yield (
            f"CREATE TRIGGER {table.name}_no_{verb.lower()} BEFORE {verb} ON {table.name} BEGIN"
            f" SELECT RAISE(ABORT, 'append-only: {verb} on table {table.name} is refused'); END"
        )


def _postgres_triggers(table: Table) -> Iterable[str]:
    for verb in [*_refused(table), "TRUNCATE"]:
        yield (
            f"CREATE TRIGGER {table.name}_no_{verb.lower()} BEFORE {verb} ON {table.name}"
            " FOR EACH STATEMENT EXECUTE FUNCTION trailseal_refuse()"
        )
