"""Append-only is enforced below the application, on every table, in both databases."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import BigInteger, Boolean, Connection, Engine, Integer, LargeBinary, SmallInteger, Table, create_engine
from sqlalchemy.exc import DatabaseError

from ledger.store.engine import writer_engine
from ledger.store.schema import Tokens, metadata
from tests.support.declared import declare_all
from tests.support.ledgers import Ledger

declare_all()
TABLES = sorted(metadata.tables)
REFUSED = "append-only: {} on table {} is refused"


@contextmanager
def attempt(engine: Engine) -> Iterator[Connection]:
    """A transaction of which nothing stays."""
    with engine.connect() as connection:
        try:
            yield connection
        finally:
            connection.rollback()


@pytest.fixture
def owner(ledger: Ledger) -> Iterator[Engine]:
    """Whoever migrates: in PostgreSQL the owner of the tables, whom no missing right holds back."""
    engine = writer_engine(ledger.owner_url)
    yield engine
    engine.dispose()


def some_row(table: Table) -> dict[str, Any]:
    """A row that the table takes."""
    values: dict[type[Any], Any] = {
        Tokens: ["x"],
        Boolean: True,
        BigInteger: 9,
        SmallInteger: 9,
        Integer: 9,
        LargeBinary: b"x",
    }
    return {
        column.name: next((value for kind, value in values.items() if isinstance(column.type, kind)), "x")
        for column in table.columns
        if column.identity is None
    }


def insert_row(connection: Connection, table: Table) -> None:
    row = some_row(table)
    if connection.dialect.name == "sqlite" and "tokens" in row:
        row["tokens"] = "x"
    connection.execute(table.insert().values(row))


def updating(table: Table) -> str:
    column = next(column.name for column in table.columns if column.identity is None)
    return f"UPDATE {table.name} SET {column} = {column}"


@pytest.mark.parametrize("verb", ["UPDATE", "DELETE"])
@pytest.mark.requirement("R50", "R60")
def test_what_a_table_forbids_is_refused_even_to_its_owner(owner: Engine, verb: str) -> None:
    for name in TABLES:
        table = metadata.tables[name]
        statement = updating(table) if verb == "UPDATE" else f"DELETE FROM {name}"
        with attempt(owner) as connection:
            insert_row(connection, table)
            if table.info[verb.lower()]:
                connection.exec_driver_sql(statement)
            else:
                with pytest.raises(DatabaseError, match=REFUSED.format(verb, name)):
                    connection.exec_driver_sql(statement)


def test_truncating_or_deleting_nothing_is_refused_in_postgresql(postgres_ledger: Ledger) -> None:
    engine = create_engine(postgres_ledger.owner_url)
    for name in TABLES:
        with attempt(engine) as connection, pytest.raises(DatabaseError, match=REFUSED.format("TRUNCATE", name)):
            connection.exec_driver_sql(f"TRUNCATE {name}")
        if not metadata.tables[name].info["delete"]:
            with attempt(engine) as connection, pytest.raises(DatabaseError, match=REFUSED.format("DELETE", name)):
                connection.exec_driver_sql(f"DELETE FROM {name} WHERE false")
    engine.dispose()


def test_replacing_a_row_is_refused_in_sqlite(sqlite_ledger: Ledger) -> None:
    with attempt(sqlite_ledger.store.writer) as connection, pytest.raises(DatabaseError, match="append-only: DELETE"):
        connection.exec_driver_sql("INSERT OR REPLACE INTO leaf SELECT pos, x'00' FROM leaf")
    with attempt(sqlite_ledger.store.writer) as connection, pytest.raises(DatabaseError, match="append-only: UPDATE"):
        connection.exec_driver_sql(
            "INSERT INTO leaf SELECT pos, data FROM leaf WHERE true ON CONFLICT DO UPDATE SET data = x'00'"
        )


def test_readers_can_write_nothing(ledger: Ledger) -> None:
    for statement in ("INSERT INTO tile VALUES (1, 0, 0, NULL)", "UPDATE head SET size = 0", "DELETE FROM secret"):
        with pytest.raises(DatabaseError, match=r"(?i)read-?only"), ledger.store.reading() as connection:
            connection.exec_driver_sql(statement)


def test_the_runtime_role_owns_nothing_and_holds_the_declared_rights_alone(postgres_ledger: Ledger) -> None:
    owned = postgres_ledger.query("SELECT relname FROM pg_class WHERE relowner = 'trailseal_runtime'::regrole")
    assert owned == []
    rights: dict[str, set[str]] = {}
    for table, right in postgres_ledger.query(
        "SELECT table_name, privilege_type FROM information_schema.table_privileges WHERE grantee = 'trailseal_runtime'"
    ):
        rights.setdefault(table, set()).add(right)
    assert rights.pop("alembic_version") == {"SELECT"}
    assert rights == {
        name: {"SELECT", "INSERT"} | {verb.upper() for verb in ("update", "delete") if metadata.tables[name].info[verb]}
        for name in TABLES
    }


WAYS_AROUND = (
    "ALTER TABLE leaf DISABLE TRIGGER ALL",
    "ALTER TABLE leaf ENABLE REPLICA TRIGGER leaf_no_update",
    "DROP TRIGGER leaf_no_delete ON leaf",
    "DROP TABLE tile",
    "TRUNCATE leaf",
    "DELETE FROM body",
    "UPDATE leaf SET data = data",
    "CREATE TABLE mine (a int)",
    "CREATE TEMPORARY TABLE mine (a int)",
    "CREATE SCHEMA mine",
    "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE OR REPLACE FUNCTION trailseal_refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "SET session_replication_role = replica",
    "SET ROLE trailseal_owner",
    "COPY leaf TO PROGRAM 'cat'",
)


@pytest.mark.requirement("R50")
def test_the_runtime_role_cannot_get_around_it(postgres_ledger: Ledger) -> None:
    refusal = r"permission denied|must be owner|must be superuser"
    for statement in WAYS_AROUND:
        with attempt(postgres_ledger.store.writer) as connection, pytest.raises(DatabaseError, match=refusal):
            connection.exec_driver_sql(statement)


def test_the_runtime_role_cannot_grant_itself_a_right(postgres_ledger: Ledger) -> None:
    with attempt(postgres_ledger.store.writer) as connection:
        connection.exec_driver_sql("GRANT DELETE ON leaf TO trailseal_runtime")  # only warns: it has none to grant
        with pytest.raises(DatabaseError, match="permission denied"):
            connection.exec_driver_sql("DELETE FROM leaf")
