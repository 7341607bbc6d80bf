"""Append-only enforced below the application: triggers that refuse, and rights that are not granted.

Each table is held to what `schema.declare` says of it. In PostgreSQL the runtime role owns nothing, so it can't disable
a trigger either. In SQLite whoever can write the file can drop them: that is what verification is for.
"""

from typing import Final

from sqlalchemy import Connection

from ledger.store.engine import is_sqlite

RUNTIME_ROLE = "trailseal_runtime"
ERASER_ROLE = "trailseal_eraser"
"""Nobody logs in as this role; it alone may delete, and what it may delete an erasure's or a disposal's entry names."""

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

MERGED_AT: Final = 8
"""Segments of a level at which FTS5 begins to merge them (FTS5, 6.1). With its default of 4 each word is written anew
twice as often: in a ledger of 1,500,000 records that took a sixth of the time of an append."""


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


ERASED: Final = "erased_row"
"""The projection of what erasures name."""
_ERASABLE = {"sealed_value": ("sealed", "OLD.ordinal"), "original": ("original", "0")}
"""Vault tables of which an erasure may take rows: the sort that its entry names them by, and their ordinal."""

_ONLY_ERASED = """
CREATE OR REPLACE FUNCTION trailseal_only_erased() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
DECLARE at smallint := 0;
BEGIN
    IF TG_ARGV[0] = 'sealed' THEN at := OLD.ordinal; END IF;
    IF NOT EXISTS (SELECT 1 FROM erased_row e WHERE e.row_pos = OLD.pos AND e.sort = TG_ARGV[0] AND e.ordinal = at)
    THEN RAISE EXCEPTION 'append-only: %% on table %% is refused', TG_OP, TG_TABLE_NAME;
    END IF;
    RETURN OLD;
END $$
"""

_ERASE = """
CREATE OR REPLACE FUNCTION trailseal_erase(at bigint, what text, which smallint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    IF what = 'sealed' THEN DELETE FROM sealed_value WHERE pos = at AND ordinal = which;
    ELSE DELETE FROM original WHERE pos = at;
    END IF;
END $$
"""


def allow_erasure(connection: Connection) -> None:
    """Lets rows of the vault be deleted that an erasure's entry names, and no other (`erased_row`).

    In PostgreSQL by one function alone, which runs with the rights of a role of its own; in SQLite the triggers are all
    there is.
    """
    if is_sqlite(connection):
        for table, (sort, ordinal) in _ERASABLE.items():
            connection.exec_driver_sql(f"DROP TRIGGER {table}_no_delete")
            connection.exec_driver_sql(
                f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} WHEN NOT EXISTS (SELECT 1 FROM erased_row"
                f" WHERE row_pos = OLD.pos AND sort = '{sort}' AND ordinal = {ordinal})"
                f" BEGIN SELECT RAISE(ABORT, 'append-only: DELETE on table {table} is refused'); END"
            )
        return
    connection.exec_driver_sql(_ONLY_ERASED)
    for table, (sort, _) in _ERASABLE.items():
        connection.exec_driver_sql(f"DROP TRIGGER {table}_no_delete ON {table}")
        connection.exec_driver_sql(
            f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} FOR EACH STATEMENT"
            f" WHEN (current_user <> '{ERASER_ROLE}') EXECUTE FUNCTION trailseal_refuse()"
        )
        connection.exec_driver_sql(
            f"CREATE TRIGGER {table}_only_erased BEFORE DELETE ON {table} FOR EACH ROW"
            f" EXECUTE FUNCTION trailseal_only_erased('{sort}')"
        )
    if not _has_role(connection, ERASER_ROLE):
        return  # a database without the roles of production: nothing is ever erased there
    connection.exec_driver_sql(f"GRANT SELECT, DELETE ON {', '.join(_ERASABLE)} TO {ERASER_ROLE}")
    let_eraser_read(connection)
    connection.exec_driver_sql(f"GRANT USAGE, CREATE ON SCHEMA public TO {ERASER_ROLE}")
    connection.exec_driver_sql(_ERASE)
    connection.exec_driver_sql("REVOKE ALL ON FUNCTION trailseal_erase FROM PUBLIC")
    if _has_role(connection, RUNTIME_ROLE):
        connection.exec_driver_sql(f"GRANT EXECUTE ON FUNCTION trailseal_erase TO {RUNTIME_ROLE}")
    connection.exec_driver_sql(f"ALTER FUNCTION trailseal_erase OWNER TO {ERASER_ROLE}")
    connection.exec_driver_sql(f"REVOKE CREATE ON SCHEMA public FROM {ERASER_ROLE}")


def let_eraser_read(connection: Connection, table: str = ERASED) -> None:
    """Lets the role that erases see which rows an entry names; again after a rebuild put another table in its place."""
    if not is_sqlite(connection) and _has_role(connection, ERASER_ROLE):
        connection.exec_driver_sql(f"GRANT SELECT ON {table} TO {ERASER_ROLE}")


DISPOSED: Final = "disposed_entry"
"""The projection of what disposals name."""
SEARCHED: Final = ("record", "record_link", "source_key", "record_change")
"""Projections of a record, which go with it."""
_IS_DISPOSED = f"SELECT 1 FROM {DISPOSED} d WHERE d.row_pos = OLD.pos"

_ONLY_DISPOSED = f"""
CREATE OR REPLACE FUNCTION trailseal_only_disposed() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
BEGIN
    IF NOT EXISTS ({_IS_DISPOSED})
    THEN RAISE EXCEPTION 'append-only: %% on table %% is refused', TG_OP, TG_TABLE_NAME;
    END IF;
    RETURN OLD;
END $$
"""

_ONLY_NAMED = f"""
CREATE OR REPLACE FUNCTION trailseal_only_erased() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
DECLARE at smallint := 0;
BEGIN
    IF TG_ARGV[0] = 'sealed' THEN at := OLD.ordinal; END IF;
    IF NOT EXISTS (SELECT 1 FROM erased_row e WHERE e.row_pos = OLD.pos AND e.sort = TG_ARGV[0] AND e.ordinal = at)
        AND NOT EXISTS ({_IS_DISPOSED})
    THEN RAISE EXCEPTION 'append-only: %% on table %% is refused', TG_OP, TG_TABLE_NAME;
    END IF;
    RETURN OLD;
END $$
"""

_DISPOSE = """
CREATE OR REPLACE FUNCTION trailseal_dispose(
    places bigint[], sources text[], ids text[], linked bigint[], link_kinds text[], link_ids text[]
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    DELETE FROM body WHERE pos = ANY(places);
    DELETE FROM original WHERE pos = ANY(places);
    DELETE FROM sealed_value WHERE pos = ANY(places);
    DELETE FROM record WHERE pos = ANY(places);
    DELETE FROM record_change WHERE pos = ANY(places);
    DELETE FROM source_key k USING unnest(places, sources, ids) AS w(pos, source, record_id)
        WHERE k.log = (w.pos >> 40)::smallint AND k.source = w.source AND k.record_id = w.record_id AND k.pos = w.pos;
    DELETE FROM record_link l USING unnest(linked, link_kinds, link_ids) AS w(pos, kind, id)
        WHERE l.kind = w.kind AND l.id = w.id AND l.pos = w.pos;
END $$
"""


def allow_disposal(connection: Connection) -> None:
    """Lets what stands of an entry be deleted where a disposal's entry names it (`disposed_entry`), and nothing else.

    In PostgreSQL by one function alone, as erasures.
    """
    if is_sqlite(connection):
        for table, (sort, ordinal) in _ERASABLE.items():
            connection.exec_driver_sql(f"DROP TRIGGER {table}_no_delete")
            connection.exec_driver_sql(
                f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} WHEN NOT EXISTS (SELECT 1 FROM erased_row"
                f" WHERE row_pos = OLD.pos AND sort = '{sort}' AND ordinal = {ordinal})"
                f" AND NOT EXISTS ({_IS_DISPOSED})"
                f" BEGIN SELECT RAISE(ABORT, 'append-only: DELETE on table {table} is refused'); END"
            )
    else:
        connection.exec_driver_sql(_ONLY_NAMED)
        connection.exec_driver_sql(_ONLY_DISPOSED)
    for table in ("body", "record", "record_link", "source_key"):  # those of that time
        let_disposals_take(connection, table)
    let_eraser_read(connection, DISPOSED)
    let_dispose(connection)


def let_dispose(connection: Connection) -> None:
    """PostgreSQL: makes the one function that disposes, or replaces it; nothing where the roles of production lack."""
    if is_sqlite(connection) or not _has_role(connection, ERASER_ROLE):
        return
    connection.exec_driver_sql(f"GRANT USAGE, CREATE ON SCHEMA public TO {ERASER_ROLE}")
    connection.exec_driver_sql(_DISPOSE)
    connection.exec_driver_sql("REVOKE ALL ON FUNCTION trailseal_dispose FROM PUBLIC")
    if _has_role(connection, RUNTIME_ROLE):
        connection.exec_driver_sql(f"GRANT EXECUTE ON FUNCTION trailseal_dispose TO {RUNTIME_ROLE}")
    connection.exec_driver_sql(f"ALTER FUNCTION trailseal_dispose OWNER TO {ERASER_ROLE}")
    connection.exec_driver_sql(f"REVOKE CREATE ON SCHEMA public FROM {ERASER_ROLE}")


def let_disposals_take(connection: Connection, table: str) -> None:
    """Narrows the trigger that refuses to delete from a table; again after a rebuild put another in its place."""
    if is_sqlite(connection):
        connection.exec_driver_sql(f"DROP TRIGGER {table}_no_delete")
        connection.exec_driver_sql(
            f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} WHEN NOT EXISTS ({_IS_DISPOSED})"
            f" BEGIN SELECT RAISE(ABORT, 'append-only: DELETE on table {table} is refused'); END"
        )
        return
    connection.exec_driver_sql(f"DROP TRIGGER {table}_no_delete ON {table}")
    connection.exec_driver_sql(
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} FOR EACH STATEMENT"
        f" WHEN (current_user <> '{ERASER_ROLE}') EXECUTE FUNCTION trailseal_refuse()"
    )
    connection.exec_driver_sql(
        f"CREATE TRIGGER {table}_only_disposed BEFORE DELETE ON {table} FOR EACH ROW"
        " EXECUTE FUNCTION trailseal_only_disposed()"
    )
    if _has_role(connection, ERASER_ROLE):
        connection.exec_driver_sql(f"GRANT SELECT, DELETE ON {table} TO {ERASER_ROLE}")


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
    connection.exec_driver_sql(f"INSERT INTO {index}({index}, rank) VALUES ('automerge', {MERGED_AT})")


def _has_runtime_role(connection: Connection) -> bool:
    return _has_role(connection, RUNTIME_ROLE)


def _has_role(connection: Connection, role: str) -> bool:
    return bool(connection.exec_driver_sql(f"SELECT 1 FROM pg_roles WHERE rolname = '{role}'").scalar())
