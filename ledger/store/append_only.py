"""Append-only enforced below the application: triggers that refuse, and rights that are not granted.

Each table is held to what `schema.declare` says of it. In PostgreSQL the runtime role owns nothing, so it can't disable
a trigger either. In SQLite whoever can write the file can drop them: that is what verification is for.
"""

from sqlalchemy import Connection

from ledger.store.engine import is_sqlite

RUNTIME_ROLE = "trailseal_runtime"

_REFUSE = """
CREATE OR REPLACE FUNCTION trailseal_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'append-only: %% on table %% is refused', TG_OP, TG_TABLE_NAME;
END $$
"""

_FULL_TEXT = """
CREATE VIRTUAL TABLE {index} USING fts5(
    tokens, content='{table}', content_rowid='pos', detail=none, columnsize=0, tokenize="ascii tokenchars '-._/:@'"
)
"""


def protect(connection: Connection, table: str, *, update: bool = False, delete: bool = False) -> None:
    """Creates the triggers that refuse what is not allowed and, in PostgreSQL, grants the runtime role what is."""
    allowed = [verb for verb, may in (("UPDATE", update), ("DELETE", delete)) if may]
    refused = [verb for verb in ("UPDATE", "DELETE") if verb not in allowed]
    if is_sqlite(connection):
        for verb in refused:
            connection.exec_driver_sql(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} BEGIN"
                f" SELECT RAISE(ABORT, 'append-only: {verb} on table {table} is refused'); END"
            )
        return
    connection.exec_driver_sql(_REFUSE)
    for verb in [*refused, "TRUNCATE"]:
        connection.exec_driver_sql(
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION trailseal_refuse()"
        )
    if _has_runtime_role(connection):
        connection.exec_driver_sql(f"GRANT {', '.join(['SELECT', 'INSERT', *allowed])} ON {table} TO {RUNTIME_ROLE}")


def allow_reading_version(connection: Connection) -> None:
    """Lets the runtime role see which schema the database has."""
    if not is_sqlite(connection) and _has_runtime_role(connection):
        connection.exec_driver_sql(f"GRANT SELECT ON alembic_version TO {RUNTIME_ROLE}")


def index_full_text(connection: Connection, table: str) -> None:
    """SQLite: the FTS5 index over a table's `tokens`, kept by a trigger in the same transaction.

    The tokens are made by `core.tokens`; the `ascii` tokeniser only splits them at spaces again. PostgreSQL has a GIN
    index on the array instead.
    """
    create_full_text(connection, f"{table}_fts", table)
    feed_full_text(connection, table, f"{table}_fts")


def feed_full_text(connection: Connection, table: str, index: str) -> None:
    """SQLite: rows inserted into `table` from now on are found by the FTS5 table `index`."""
    connection.exec_driver_sql(
        f"CREATE TRIGGER {table}_fts_insert AFTER INSERT ON {table} BEGIN"
        f" INSERT INTO {index}(rowid, tokens) VALUES (new.pos, new.tokens); END"
    )


def create_full_text(connection: Connection, index: str, table: str) -> None:
    """SQLite: the FTS5 table `index` that reads what it shows from `table`, whichever table has that name then."""
    connection.exec_driver_sql(_FULL_TEXT.format(index=index, table=table))


def _has_runtime_role(connection: Connection) -> bool:
    return bool(connection.exec_driver_sql(f"SELECT 1 FROM pg_roles WHERE rolname = '{RUNTIME_ROLE}'").scalar())
