"""Dumps of an audit table, made by the databases' own programs, are read as the databases hold it."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Final

import psycopg
import pytest

from collectors.archive.archive import Archive
from collectors.archive.pieces import Unreadable
from collectors.text import render
from ledger.core.clock import SystemClock
from ledger.core.source import ARCHIVE, SourceConfig
from tests.support.mariadb import MariaDb, temporary_mariadb
from tests.support.postgres import PgDatabase, binaries

MAPPING: Final = """
name = "old-trail"
version = 1
title = "Old trail"
[record]
id = "entry.id"
action = { text = "update" }
occurred_at = "entry.changed_at"
actor.account = "entry.changed_by"
object = { type = { text = "sample" }, id = "entry.id" }
[[record.changes]]
attribute = { text = "value" }
old = "entry.old"
new = "entry.new"
"""
TEXTS: Final = (
    "plain",
    'it\'s "quoted" \\ `back`',
    "'); DROP TABLE audit_trail; --",
    "/* no comment */ -- none; # none\n; INSERT INTO audit_trail VALUES (9);",
    "line1\nline2\r\nline3\ttab\\n",
    "\\N",
    "\\.",
    "$tag$ \u202e e\u0301 \U0001f9ea",
    "",
    "a\x01b\x1a",
    "x" * 70_000,
    "E'\\'' , ( ) VALUES (",
)
ROWS: Final = [
    (number, f"2011-03-{number + 1:02} 10:00:00", "ann" if number % 2 else "bob", None if number % 3 else text, text)
    for number, text in enumerate(TEXTS)
]
AMOUNTS: Final = ["1.50", "-12345678901234567890.1234567890", None]


@pytest.fixture(scope="module")
def maria() -> Iterator[MariaDb]:
    with temporary_mariadb() as server:
        yield server


def run(command: list[str], into: Path) -> Path:
    """The program's standard output as a file."""
    with into.open("wb") as file:
        done = subprocess.run(
            command, stdout=file, stderr=subprocess.PIPE, check=False, env={**os.environ, "TZ": "UTC"}
        )
    assert done.returncode == 0, done.stderr.decode()
    return into


def read(path: Path, **options: str) -> tuple[list[tuple[object, ...]], Archive]:
    """The rows of the audit table, as a mapping would have them."""
    config = SourceConfig(
        id="old",
        type=ARCHIVE,
        title="Old",
        options={"format": "sql", "table": "audit_trail", **options},
        mapping=MAPPING,
        zone="UTC",
    )
    archive = Archive(config, {}, SystemClock(), path)
    data, found = path.read_bytes(), []
    for number, piece in enumerate(archive.pieces(), start=1):
        assert not piece.problem
        assert data[piece.offset : piece.offset + len(piece.data)] == piece.data
        found.append(tuple(archive.form.fields(piece).values()))
        record = archive.derive(archive.submission(piece, number))
        assert record.source_record_id == str(found[-1][0])
        assert record.changes[0].new == render(found[-1][4])
    return found, archive


def columns(row: tuple[object, ...]) -> tuple[object, ...]:
    return tuple(value if value is None or isinstance(value, bytes) else str(value) for value in row[:5])


@pytest.mark.parametrize("how", [[], ["--inserts"], ["--column-inserts", "--rows-per-insert=5"]], ids=" ".join)
def test_what_pg_dump_writes(how: list[str], postgres: PgDatabase, tmp_path: Path) -> None:
    with psycopg.connect(postgres.owner_url.replace("+psycopg", "")) as connection:
        connection.execute(
            "CREATE TABLE audit_trail (id int PRIMARY KEY, changed_at timestamp, changed_by text, old text, new text,"
            " amount numeric, flag boolean, raw bytea)"
        )
        connection.execute("CREATE TABLE other (id int, note text)")
        connection.execute("INSERT INTO other VALUES (1, 'none of it')")
        connection.execute(
            "CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS"
            " $body$ BEGIN INSERT INTO audit_trail VALUES (1); -- it's\n RETURN NEW; END $body$"
        )
        for number, row in enumerate(ROWS):
            connection.execute(
                "INSERT INTO audit_trail VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
                (*row, AMOUNTS[number % 3], bool(number % 2), b"\x00\xff" * number),
            )
    program = [str(binaries() / "pg_dump"), *how, postgres.owner_url.replace("+psycopg", "")]
    found, archive = read(run(program, tmp_path / "pg.sql"))
    assert [columns(row) for row in found] == [columns(row) for row in ROWS]
    assert [None if row[5] is None else str(row[5]) for row in found] == [AMOUNTS[at % 3] for at in range(len(ROWS))]
    assert {str(row[6]) for row in found} <= ({"True", "False"} if how else {"t", "f"})
    assert found[2][7] == "\\x00ff00ff"
    assert archive.form.tables == {"public.audit_trail": len(ROWS), "public.other": 1}


@pytest.mark.parametrize(
    "how",
    [[], ["--skip-extended-insert", "--complete-insert"], ["--hex-blob", "--skip-quote-names"]],
    ids=["usual", "a row an insert", "hexadecimal"],
)
def test_what_mysqldump_of_mariadb_writes(how: list[str], maria: MariaDb, tmp_path: Path) -> None:
    with maria.root() as connection, connection.cursor() as cursor:
        cursor.execute("DROP DATABASE IF EXISTS lims")
        cursor.execute("CREATE DATABASE lims CHARACTER SET utf8mb4")
        cursor.execute("USE lims")
        cursor.execute(
            "CREATE TABLE audit_trail (id int NOT NULL AUTO_INCREMENT, changed_at datetime, changed_by varchar(20)"
            " COLLATE utf8mb4_bin DEFAULT 'a;b''c', old mediumtext, new mediumtext, amount decimal(40,10), raw blob,"
            " PRIMARY KEY (id), KEY who (changed_by)) COMMENT='values (1)'"
        )
        cursor.execute("SET SESSION sql_mode='NO_AUTO_VALUE_ON_ZERO'")
        cursor.execute("CREATE TRIGGER noted BEFORE DELETE ON audit_trail FOR EACH ROW SET @x = 'it''s; \\'(1)'")
        for number, row in enumerate(ROWS):
            cursor.execute(
                "INSERT INTO audit_trail VALUES (%s, %s, %s, %s, %s, %s, %s)",
                (*row, Decimal("-12345678901234567890.1234567890"), b"\x00'\xff\\\x1a" * number),
            )
    program = [shutil.which("mariadb-dump") or "mysqldump", "--no-defaults", f"--socket={maria.socket}", "--user=root"]
    found, _ = read(run([*program, "--triggers", "--routines", *how, "lims"], tmp_path / "maria.sql"))
    assert [columns(row) for row in found] == [columns(row) for row in ROWS]
    assert {str(row[5]) for row in found} == {"-12345678901234567890.1234567890"}
    if "--hex-blob" in how:
        assert [row[6] for row in found] == [b"\x00'\xff\\\x1a" * at or "" for at in range(len(ROWS))]


def test_what_sqlite_dumps(tmp_path: Path) -> None:
    file = tmp_path / "old.db"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(
            "CREATE TABLE audit_trail (id INTEGER PRIMARY KEY, changed_at TEXT, changed_by, old, new, x)"
        )
        connection.execute("CREATE TABLE \"other 'one'\" (id)")
        connection.executemany("INSERT INTO audit_trail VALUES (?, ?, ?, ?, ?, ?)", [(*row, 0.1) for row in ROWS])
        connection.execute("INSERT INTO \"other 'one'\" VALUES ('x')")
        connection.execute("CREATE TRIGGER noted AFTER DELETE ON audit_trail BEGIN SELECT 'it''s;'; END")
    found, archive = read(run(["sqlite3", str(file), ".dump"], tmp_path / "sqlite.sql"))
    assert [columns(row) for row in found] == [columns(row) for row in ROWS]
    assert {row[5] for row in found} == {0.1}
    assert archive.form.tables == {"audit_trail": len(ROWS), "other 'one'": 1}


def test_a_dump_that_was_cut_off_gives_the_rows_before_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "cut.sql"
    path.write_text("-- PostgreSQL database dump\nCOPY public.audit_trail (id, new) FROM stdin;\n1\ta\n2\tb")
    config = SourceConfig(
        id="old", type=ARCHIVE, title="Old", options={"format": "sql", "table": "audit_trail"}, mapping=MAPPING
    )
    rows = Archive(config, {}, SystemClock(), path).pieces()
    assert next(rows).data == b"1\ta"
    with pytest.raises(Unreadable, match="ends within"):
        next(rows)
