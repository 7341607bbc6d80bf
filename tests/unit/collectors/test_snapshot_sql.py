"""A table without a trail: rows are told apart by their key, every digit is kept, and only what differs is told."""

import sqlite3
from pathlib import Path

import msgspec
import pytest

from collectors.it.snapshot_sql import SnapshotSql
from collectors.runner import Patience, Runner
from ledger.core.clock import SystemClock
from ledger.core.errors import ConfigError, FatalSource, RetriableSource
from ledger.core.record import Action, Record
from ledger.core.source import SourceConfig
from tests.support.memory_sink import MemorySink

TABLE = """
CREATE TABLE limits (
    analyte TEXT, product TEXT, low NUMERIC, high REAL, note BLOB, active BOOLEAN, changed TEXT, version INTEGER
);
INSERT INTO limits VALUES ('pH', 'A', '6.50', 7.5, NULL, 1, '2026-01-01T08:00:00Z', 1);
INSERT INTO limits VALUES ('pH', 'B', '6.00', 8.0, x'00ff', 1, '2026-01-01T08:00:00Z', 1);
"""


class World:
    """A database file, a sink, and what a look adds."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "lims.sqlite"
        self.run(TABLE)
        self.sink = MemorySink("lims")
        self.options = {
            "url": f"sqlite:///{self.file}",
            "table": "limits",
            "key": "analyte, product",
            "baseline": "each",
            "modified": "changed",
            "count": "version",
        }

    def run(self, statements: str) -> None:
        with sqlite3.connect(self.file) as database:
            database.executescript(statements)
        database.close()

    def collector(self) -> SnapshotSql:
        options = {name: value for name, value in self.options.items() if value}
        return SnapshotSql(
            SourceConfig(id="lims", type="snapshot-sql", title="LIMS", options=options), {}, SystemClock()
        )

    def look(self) -> list[Record]:
        before = len(self.sink.records)
        patience = Patience(attempts=1, first=0, longest=0)
        Runner(self.collector(), self.sink, SystemClock(), patience=patience).pull()
        assert self.sink.changed == []
        return self.sink.records[before:]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def said(record: Record) -> dict[str, tuple[object, object]]:
    return {change.attribute: (change.old, change.new) for change in record.changes}


def test_rows_that_come_change_and_go_are_told_with_old_and_new_values(world: World) -> None:
    first, second = world.look()
    assert (first.object.type, first.object.id, second.object.id) == ("limits", "pH/A", "pH/B")
    assert said(second)["note"] == (msgspec.UNSET, "00ff")
    world.run(
        "UPDATE limits SET high = 7.25, changed = '2026-02-01T09:30:00Z', version = 2 WHERE product = 'A';"
        "DELETE FROM limits WHERE product = 'B';"
        "INSERT INTO limits VALUES ('pH', 'C', '1.10', 2, NULL, 0, '2026-02-02T00:00:00Z', 1);"
    )
    gone, changed, new = world.look()
    assert (gone.action, gone.object.id, said(gone)["low"]) == (Action.DELETE, "pH/B", (6, msgspec.UNSET))
    assert said(changed) == {
        "high": ("7.5", "7.25"),
        "changed": ("2026-01-01T08:00:00Z", "2026-02-01T09:30:00Z"),
        "version": (1, 2),
    }
    assert changed.occurred_at.text == "2026-02-01T09:30:00Z"
    assert not any(change.gap for change in changed.changes)
    assert (new.action, new.object.id) == (Action.CREATE, "pH/C")
    assert world.look() == []


def test_a_row_s_version_says_that_there_were_more_changes(world: World) -> None:
    world.look()
    world.run("UPDATE limits SET high = 9, version = 4 WHERE product = 'A'")
    (record,) = world.look()
    assert all(change.gap for change in record.changes)


def test_a_value_that_a_record_shows_the_same_is_no_change(world: World) -> None:
    world.look()
    world.run("UPDATE limits SET note = '00ff' WHERE product = 'B'")
    assert world.look() == [], "bytes before, text now, and the same in a record"
    world.run("UPDATE limits SET note = 'other' WHERE product = 'B'")
    (record,) = world.look()
    assert said(record)["note"] == ("00ff", "other")


def test_ignored_columns_are_neither_compared_nor_kept(world: World) -> None:
    world.options |= {"ignore": "note"}
    records = world.look()
    assert all("note" not in said(record) for record in records)
    world.run("UPDATE limits SET note = 'x'")
    assert world.look() == []
    assert b"00ff" not in (world.sink.runs[0].snapshot or b"")


def test_a_query_chooses_and_names_what_is_compared(world: World) -> None:
    world.options |= {
        "table": "",
        "query": "SELECT product || ':' || analyte AS what, high FROM limits WHERE product <> 'B'",
        "key": "what",
        "object": "limit",
        "modified": "",
        "count": "",
    }
    (record,) = world.look()
    assert (record.object.type, record.object.id, list(said(record))) == ("limit", "A:pH", ["what", "high"])


def test_keys_of_several_columns_stay_apart_whatever_they_hold(world: World) -> None:
    world.run(
        "INSERT INTO limits (analyte, product) VALUES ('a/b', 'c'), ('a', 'b/c'), ('a%2Fb', 'c'), ('ä', ''), ('', 'ä');"
    )
    assert {record.object.id for record in world.look()[2:]} == {"a%2Fb/c", "a/b%2Fc", "a%252Fb/c", "ä/", "/ä"}


def test_a_key_that_names_two_rows_needs_a_person(world: World) -> None:
    world.options |= {"key": "analyte"}
    with pytest.raises(FatalSource, match="'pH' comes twice"):
        world.look()
    assert not world.collector().check().ok


def test_a_row_that_nothing_names_is_rejected_once(world: World) -> None:
    world.run("INSERT INTO limits (product) VALUES ('Z')")
    world.look()
    world.look()
    (rejected,) = world.sink.rejected
    assert "null" in rejected.reason
    report = {check.name: check for check in world.collector().check().checks}
    assert not report["rows"].ok


def test_a_column_that_there_is_not_is_named(world: World) -> None:
    world.options |= {"key": "analyte, lot"}
    with pytest.raises(FatalSource, match="'lot'") as caught:
        world.look()
    assert "product" in caught.value.advice


def test_another_table_is_a_new_baseline_and_no_deletions(world: World) -> None:
    world.options |= {"baseline": "one"}
    world.look()
    world.run("CREATE TABLE other AS SELECT * FROM limits WHERE product = 'A'")
    world.options |= {"table": "other"}
    (record,) = world.look()
    assert record.object.type == "baseline"
    assert [gap.subject for gap in world.sink.gaps] == ["scope"]


def test_a_database_that_is_away_is_no_empty_table(world: World) -> None:
    world.look()
    away = world.file.with_name("away")
    world.file.rename(away)
    with pytest.raises((RetriableSource, FatalSource), match=r"lims\.sqlite"):
        world.look()
    away.rename(world.file)
    assert world.look() == []


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"table": ""}, "table or a query"),
        ({"query": "SELECT 1"}, "not both"),
        ({"table": "", "query": "SELECT 1; DROP TABLE x"}, "without"),
        ({"key": ""}, "key"),
        ({"ignore": "analyte"}, "analyte"),
        ({"url": "sqlite3:nowhere"}, "url"),
    ],
)
def test_a_wrong_option_is_named(world: World, options: dict[str, str], named: str) -> None:
    world.options |= options
    with pytest.raises(ConfigError, match=named):
        world.collector()
