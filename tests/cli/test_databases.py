"""Ledgers on either database by commands alone; a database that is not the ledger's is named and never touched."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.command import upgrade
from alembic.config import Config
from sqlalchemy import create_engine, inspect

from ledger.settings import FILE_NAME
from ledger.store.database import SCRIPTS
from ledger.store.database import wanted_version as newest
from ledger.store.position import MAX_INDEX
from tests.cli.conftest import GOOD, SOURCE, Site, filled, lines_of
from tests.cli.terminal import Answer, trailseal
from tests.support.postgres import PgDatabase


def _init(folder: Path, postgres: PgDatabase, origin: str = "plant.example/pg") -> Answer:
    return trailseal(
        *("init", folder, "--origin", origin, "--json"),
        *("--database", postgres.runtime_url, "--owner-database", postgres.owner_url),
    )


def test_a_ledger_on_postgresql_goes_the_whole_way(
    postgres: PgDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEDGER_DATABASE", postgres.runtime_url)
    monkeypatch.setenv("LEDGER_OWNER", postgres.owner_url)
    folder = tmp_path / "ledger"
    made = trailseal(
        *("init", folder, "--origin", "plant.example/pg", "--json"),
        *("--database", "${LEDGER_DATABASE}", "--owner-database", "${LEDGER_OWNER}"),
    )
    assert made.code == 0, made.err
    assert postgres.runtime_url not in (folder / FILE_NAME).read_text()
    site = Site(folder, made.json(), tmp_path / "good.jsonl")
    assert site("source", "add", SOURCE, "--type", "push").code == 0
    site.file.write_bytes(lines_of(*range(GOOD)))
    assert site("append", site.file, "--source", SOURCE).code == 0
    assert site("search", "TIC101.SP", "--json").json()["total"] == GOOD
    for command in (("verify",), ("rebuild",), ("doctor",), ("upgrade",)):
        answer = site(*command)
        assert answer.code == 0, answer.out + answer.err
    monkeypatch.delenv("LEDGER_DATABASE")
    assert "LEDGER_DATABASE" in site("search").err


def test_the_service_role_must_be_another_than_the_owner(postgres: PgDatabase, tmp_path: Path) -> None:
    answer = trailseal("init", tmp_path / "ledger", "--origin", "plant.example/pg", "--database", postgres.runtime_url)
    assert answer.code == 1
    assert "--owner-database" in answer.err
    assert not (tmp_path / "ledger").exists()


def test_a_database_that_holds_a_ledger_takes_no_second_one(postgres: PgDatabase, tmp_path: Path) -> None:
    assert _init(tmp_path / "first", postgres).code == 0
    again = _init(tmp_path / "second", postgres, "plant.example/other")
    assert again.code == 1
    assert "holds a ledger already" in again.err
    assert not (tmp_path / "second" / "keys").exists(), "no key is made for it"
    assert trailseal("verify", "--ledger", tmp_path / "first").code == 0


def test_a_server_that_is_away_is_told_in_two_lines_without_the_password(postgres: PgDatabase, tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    assert _init(folder, postgres).code == 0
    text = (folder / FILE_NAME).read_text()
    (folder / FILE_NAME).write_text(text.replace(str(create_engine(postgres.runtime_url).url.port), "1"))
    for command in ("search", "verify", "doctor", "upgrade"):
        answer = trailseal(command, "--ledger", folder)
        told = answer.out + answer.err
        assert answer.code == 1, command
        assert "database" in told
        assert "Traceback" not in told
        assert str(create_engine(postgres.runtime_url).url.password) not in told


def test_a_missing_database_is_never_replaced_by_an_empty_one(tmp_path: Path) -> None:
    site = filled(tmp_path)
    database = site.folder / "ledger.sqlite"
    moved = database.rename(tmp_path / "moved.sqlite")
    for command in (("search",), ("append", site.file, "--source", SOURCE), ("upgrade",), ("verify",)):
        answer = site(*command)
        assert answer.code == 1, command
        assert "is not there" in answer.err
        assert not database.exists()
    moved.rename(database)
    assert site("verify").code == 0


def test_upgrade_takes_no_empty_and_no_newer_database_for_a_ledger(tmp_path: Path) -> None:
    site = filled(tmp_path)
    database = site.folder / "ledger.sqlite"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    assert f"needs {newest()}" in site("search").err
    newer = site("upgrade")
    assert (newer.code, "at least as new" in newer.err) == (1, True)
    database.unlink()
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("CREATE TABLE other (id INTEGER)")
    empty = site("upgrade")
    assert (empty.code, "holds no ledger" in empty.err) == (1, True)


def _first_schema() -> tuple[set[str], set[str]]:
    """The tables of the first schema, and the projectors that later ones announce to a ledger from before."""
    with create_engine("sqlite://").begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(SCRIPTS))
        config.attributes["connection"] = connection
        upgrade(config, "0001")
        tables = set(inspect(connection).get_table_names())
        connection.exec_driver_sql("INSERT INTO projection_version (name, version) VALUES ('first', 1)")
        upgrade(config, "head")
        names = connection.exec_driver_sql("SELECT name FROM projection_version WHERE name <> 'first'").scalars()
        return tables, set(names)


def test_upgrade_brings_a_ledger_of_the_first_schema_to_this_one_and_it_goes_on(tmp_path: Path) -> None:
    site = filled(tmp_path)
    first, announced = _first_schema()
    with closing(sqlite3.connect(site.folder / "ledger.sqlite")) as connection, connection:
        connection.execute("DROP TRIGGER projection_version_no_delete")
        for (table,) in connection.execute(
            "SELECT tbl_name FROM sqlite_schema WHERE type = 'trigger' AND name = tbl_name || '_no_delete'"
            " AND (sql LIKE '%erased_row%' OR sql LIKE '%disposed_entry%')"
        ).fetchall():
            connection.execute(f"DROP TRIGGER {table}_no_delete")
            connection.execute(
                f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table}"
                " BEGIN SELECT RAISE(ABORT, 'append-only'); END"
            )
        for (table,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
            if table in first or table.startswith("sqlite_"):
                continue
            connection.execute(f"DROP TABLE {table}")
        connection.execute("DROP INDEX browser_session_account")
        for name in ("facets", "recorded", "received", "thing", "sequence"):
            connection.execute(f"DROP INDEX record_{name}")
        for name in ("workstation", "role", "reason", "reasoned", "at_us", "hour", "series", "sequence", "combination"):
            connection.execute(f"ALTER TABLE record DROP COLUMN {name}")
        connection.execute("DROP INDEX record_link_at")
        connection.execute("ALTER TABLE record_link DROP COLUMN at_us")
        connection.execute("CREATE INDEX record_source ON record (source, pos)")
        connection.execute("CREATE INDEX record_actor ON record (actor, pos)")
        connection.execute("CREATE INDEX record_object ON record (object_type, object_id, pos)")
        connection.execute("UPDATE projection_version SET version = 1 WHERE name = 'record'")
        for column in ("role", "sites", "from_us"):
            connection.execute(f"ALTER TABLE access_grant DROP COLUMN {column}")
        for name in announced:
            connection.execute("DELETE FROM projection_version WHERE name = ?", (name,))
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    assert "trailseal upgrade" in site("search").err
    done = site("upgrade", "--json")
    assert done.json() == {"before": "0001", "now": newest(), "rebuilt": ["record"]}
    assert site("source", "add", "other", "--type", "push").code == 0
    assert site("verify").code == 0


@pytest.mark.parametrize("index", [MAX_INDEX + 1, 1 << 63, 1 << 200])
def test_an_index_beyond_any_log_is_not_found_and_reads_no_other_log(tmp_path: Path, index: int) -> None:
    site = filled(tmp_path)
    answer = site("show", str(index), "--log", "system")
    assert (answer.code, answer.out) == (1, "")
    assert str(index) in answer.err


def test_doctor_says_what_is_wrong_with_a_ledger_that_does_not_open(tmp_path: Path) -> None:
    nowhere = trailseal("doctor", "--ledger", tmp_path / "no" / "where", "--json")
    assert nowhere.code == 1
    assert [one["name"] for one in nowhere.json() if not one["ok"]] == ["ledger"]


def test_doctor_finds_the_key_of_another_log(tmp_path: Path) -> None:
    site, other = filled(tmp_path / "a"), filled(tmp_path / "b")
    key = site.folder / "keys" / "records.log.key"
    ours = key.read_bytes()
    key.write_bytes((other.folder / "keys" / "records.log.key").read_bytes())
    looked = site("doctor", "--json")
    assert (looked.code, [one["name"] for one in looked.json() if not one["ok"]]) == (1, ["key, log records"])
    key.unlink()
    assert site("doctor").code == 1
    key.write_bytes(ours)
    key.chmod(0o600)
    assert site("doctor").code == 0
