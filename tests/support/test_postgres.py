"""The database server of the tests is one that a durability or tampering test can rely on."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import pytest
import sqlalchemy

from tests.support.postgres import ROLES_SQL, SERVER_CONF, PgDatabase, PostgresServer, binaries, temporary_postgres


def libpq(url: str) -> str:
    return url.replace("postgresql+psycopg", "postgresql")


def value(url: str, statement: str) -> object:
    with psycopg.connect(libpq(url)) as connection:
        row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes", "synchronous_commit"])
def test_the_runtime_role_sees_every_durable_setting_on(postgres: PgDatabase, setting: str) -> None:
    assert value(postgres.runtime_url, f"SHOW {setting}") == "on"


def test_both_addresses_work_with_sqlalchemy_and_name_the_production_roles(postgres: PgDatabase) -> None:
    users = []
    for url in (postgres.owner_url, postgres.runtime_url):
        engine = sqlalchemy.create_engine(url)
        with engine.connect() as connection:
            users.append(connection.scalar(sqlalchemy.text("SELECT current_user")))
        engine.dispose()
    assert users == ["trailseal_owner", "trailseal_runtime"]


def test_a_wrong_password_is_refused(postgres: PgDatabase) -> None:
    role, rest = libpq(postgres.runtime_url).rsplit(":", 2)[0], postgres.runtime_url.rsplit("@", 1)[1]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(f"{role}:wrong@{rest}")


def test_databases_are_independent_and_sort_text_by_bytes(postgres_server: PostgresServer) -> None:
    first, second = postgres_server.create_database(), postgres_server.create_database()
    with psycopg.connect(libpq(first.owner_url)) as connection:
        connection.execute("CREATE TABLE leaf (data text)")
    assert value(second.owner_url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    ordered = value(second.runtime_url, "SELECT string_agg(t, '' ORDER BY t) FROM unnest(ARRAY['a','B','ä','_']) t")
    assert ordered == "B_aä"
    for database in (first, second):
        postgres_server.drop_database(database)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE own (x int)",
        "CREATE TEMPORARY TABLE own (x int)",
        "CREATE SCHEMA own",
        "CREATE FUNCTION own() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "SELECT * FROM leaf",
        "TRUNCATE leaf",
        "DROP TABLE leaf",
        "ALTER TABLE leaf DISABLE TRIGGER ALL",
        "SET session_replication_role = replica",
        "SET ROLE trailseal_owner",
        "ALTER ROLE trailseal_runtime SUPERUSER",
        "COPY (SELECT 1) TO '/dev/null'",
    ],
)
def test_the_runtime_role_owns_nothing_and_has_only_what_a_migration_grants(
    postgres: PgDatabase, statement: str
) -> None:
    with psycopg.connect(libpq(postgres.owner_url)) as owner:
        owner.execute("CREATE TABLE leaf (data text)")
    with (
        psycopg.connect(libpq(postgres.runtime_url)) as runtime,
        pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.InvalidParameterValue)),
    ):
        runtime.execute(statement.encode())


def test_granted_insert_and_select_do_not_bring_update_delete_or_truncate(postgres: PgDatabase) -> None:
    with psycopg.connect(libpq(postgres.owner_url)) as owner:
        owner.execute("CREATE TABLE leaf (data text)")
        owner.execute("GRANT SELECT, INSERT ON leaf TO trailseal_runtime")
    with psycopg.connect(libpq(postgres.runtime_url), autocommit=True) as runtime:
        runtime.execute("INSERT INTO leaf VALUES ('x')")
        for statement in ("UPDATE leaf SET data = 'y'", "DELETE FROM leaf", "TRUNCATE leaf"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                runtime.execute(statement.encode())
        assert runtime.execute("SELECT data FROM leaf").fetchall() == [("x",)]


def test_the_roles_script_refuses_to_run_without_passwords(postgres_server: PostgresServer) -> None:
    environment = {name: text for name, text in os.environ.items() if not name.startswith("TRAILSEAL_")}
    ran = subprocess.run(
        [str(binaries() / "psql"), "-X", "-f", str(ROLES_SQL), postgres_server.admin_dsn()],
        env=environment | {"TRAILSEAL_DATABASE": "never_made"},
        capture_output=True,
        text=True,
    )
    assert ran.returncode != 0
    assert "Set TRAILSEAL_OWNER_PASSWORD" in ran.stderr
    assert value(postgres_server.admin_dsn(), "SELECT count(*) FROM pg_database WHERE datname = 'never_made'") == 0


def test_committed_rows_survive_a_killed_server_and_an_open_transaction_does_not() -> None:
    with temporary_postgres() as server:
        database = server.create_database()
        with psycopg.connect(libpq(database.owner_url)) as connection:
            connection.execute("CREATE TABLE leaf (data text)")
            connection.execute("INSERT INTO leaf VALUES ('committed')")
        unfinished = psycopg.connect(libpq(database.owner_url))
        unfinished.execute("INSERT INTO leaf VALUES ('open')")
        server.kill()
        with pytest.raises(psycopg.OperationalError):
            unfinished.commit()
        unfinished.close()
        server.start()
        assert value(database.owner_url, "SELECT string_agg(data, ',') FROM leaf") == "committed"
        assert "was not properly shut down" in (server.directory / "server.log").read_text()


def test_a_server_runs_with_the_settings_that_are_deployed() -> None:
    with temporary_postgres(SERVER_CONF) as server:
        lines = [line.partition("=") for line in SERVER_CONF.read_text().splitlines() if "=" in line and line[0] != "#"]
        assert lines
        for name, _, wanted in lines:
            assert value(server.admin_dsn(), f"SELECT current_setting('{name.strip()}')") == wanted.strip()


def test_a_kept_folder_is_started_again_with_its_databases() -> None:
    folder = Path(tempfile.mkdtemp(prefix="trailseal-kept-"))
    try:
        with PostgresServer(folder) as server:
            name = server.create_database().name
        with PostgresServer(folder) as server:
            assert value(server.admin_dsn(name), "SELECT current_database()") == name
    finally:
        shutil.rmtree(folder)


def test_a_killed_test_process_leaves_no_server_and_the_next_one_removes_its_folder() -> None:
    program = (
        "import time\n"
        "from tests.support.postgres import temporary_postgres\n"
        "with temporary_postgres() as server:\n"
        "    print(server.pid, server.directory, flush=True)\n"
        "    time.sleep(60)\n"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )
    assert owner.stdout is not None
    postmaster, folder = owner.stdout.readline().split()
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    deadline = time.monotonic() + 15
    while Path(f"/proc/{postmaster}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{postmaster}").exists()
    assert Path(folder).exists()
    with temporary_postgres():
        assert not Path(folder).exists()
