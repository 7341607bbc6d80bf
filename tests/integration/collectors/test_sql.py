"""Audit tables on a real SQLite, PostgreSQL and MariaDB: what holds on each, and what only one of them can do wrong."""

import contextlib
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from collectors.base import MAX_SUBMISSIONS, Check
from collectors.it.sql import Sql
from collectors.it.sql_database import Database
from collectors.it.sql_window import read_memory
from collectors.mapping.templates import template
from collectors.runner import Runner
from ledger.core.clock import SystemClock
from ledger.core.errors import AccessDenied, CollectorError, FatalSource
from ledger.core.run import RunBatch
from ledger.core.source import SourceConfig
from tests.support.audited import DATABASES, Audited, audited
from tests.support.memory_sink import MemorySink
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.sampled("plant")
MINUTE = 60_000_000
TRAIL = """CREATE TABLE audit_trail (id bigint PRIMARY KEY, changed_at {time} NOT NULL, changed_by varchar(50) NOT NULL,
    action varchar(10) NOT NULL, table_name varchar(50) NOT NULL, record_id varchar(50) NOT NULL,
    field_name varchar(50), old_value {value}, new_value {value}, reason varchar(500))"""
ROW = "INSERT INTO audit_trail VALUES (?, ?, 'analyst1', 'UPDATE', 'sample', 'S-1', 'result', ?, ?, NULL)"
MOMENT = "2026-03-01 08:15:00"
DECIMALS = """
name = "any-row"
version = 1
title = "Every column of a row"
drivers = ["sql"]
[record]
id = "row.id"
action = { text = "update" }
occurred_at = { at = { text = "2026-03-01T08:15:00Z" } }
object = { type = { text = "row" }, id = "row.id" }
[[record.changes]]
between = ["none", "row"]
"""


class Hands:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.ahead_us = 0

    def now_us(self) -> int:
        return SystemClock().now_us() + self.ahead_us


@pytest.fixture(scope="module", params=DATABASES)
def plant(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer
) -> Iterator[Audited]:
    with audited(request.param, tmp_path_factory.mktemp("plant"), postgres_server) as database:
        yield database


@pytest.fixture
def trail(plant: Audited) -> Audited:
    time = {"sqlite": "text", "postgresql": "timestamp", "mariadb": "datetime"}[plant.kind]
    plant.run("DROP TABLE IF EXISTS audit_trail", TRAIL.format(time=time, value="varchar(500)"))
    return plant


def only(*kinds: str) -> pytest.MarkDecorator:
    """For a test of what only some of them can do."""
    return pytest.mark.parametrize("plant", kinds, indirect=True, scope="module")


def config(plant: Audited, mapping: str | None = None, **options: str) -> SourceConfig:
    return SourceConfig(
        id="lims",
        type="sql",
        title="LIMS",
        options={"url": plant.url, **options},
        zone="Europe/Berlin",
        mapping=mapping or template("audit-table").text,
    )


def pull(plant: Audited, sink: MemorySink, clock: Any = None, mapping: str | None = None, **options: str) -> None:
    clock = clock or SystemClock()
    Runner(Sql(config(plant, mapping, **options), plant.secrets, clock), sink, clock).pull()


def said(sink: MemorySink) -> list[object]:
    return [record.changes[0].new for record in sink.records]


def rows(*numbers: int) -> list[tuple[int, str, str, str]]:
    return [(number, MOMENT, f"old {number}", f"new {number}") for number in numbers]


def checks(plant: Audited, **options: str) -> dict[str, Check]:
    report = Sql(config(plant, **options), plant.secrets, SystemClock()).check()
    return {check.name: check for check in report.checks}


def test_rows_come_once_over_runs_and_over_a_killed_process(trail: Audited) -> None:
    sink = MemorySink("lims")
    trail.fill(ROW, rows(*range(1, 8)))
    pull(trail, sink)
    trail.fill(ROW, rows(8, 9))

    def die(_: RunBatch) -> None:
        raise AccessDenied("the process is killed")

    sink.on_taken = die
    with pytest.raises(AccessDenied):
        pull(trail, sink)
    sink.on_taken = lambda _: None
    trail.fill(ROW, rows(10))
    pull(trail, sink)
    pull(trail, sink)
    assert said(sink) == [f"new {number}" for number in range(1, 11)]
    assert (sink.duplicates, sink.changed, sink.gaps, sink.rejected) == (0, [], [], [])


def test_a_row_that_is_committed_late_is_not_passed_over(trail: Audited) -> None:
    sink = MemorySink("lims")
    if trail.kind == "sqlite":
        trail.fill(ROW, rows(1, 5))  # one writer at a time: the late one comes after
        pull(trail, sink)
        trail.fill(ROW, rows(3))
    else:
        with contextlib.closing(trail.connect()) as slow:
            slow.cursor().execute(ROW.replace("?", "%s"), rows(3)[0])
            trail.fill(ROW, rows(1, 5))
            pull(trail, sink)
            assert said(sink) == ["new 1", "new 5"]
            slow.commit()
    pull(trail, sink)
    pull(trail, sink)
    assert said(sink) == ["new 1", "new 5", "new 3"]
    assert sink.duplicates == 0


def test_what_lies_before_the_window_is_not_read_again_and_what_lies_in_it_is(trail: Audited) -> None:
    sink, clock = MemorySink("lims"), Hands()
    trail.fill(ROW, rows(1, 2, 3))
    pull(trail, sink, clock)
    clock.ahead_us = 6 * MINUTE
    trail.fill(ROW, rows(5, 6))
    pull(trail, sink, clock)
    clock.ahead_us = 11 * MINUTE
    pull(trail, sink, clock)
    assert len(read_memory(sink.state("lims"))) == 3, "3, the last that is settled, to 6"
    trail.fill(ROW, rows(4))
    pull(trail, sink, clock)
    trail.run("UPDATE audit_trail SET new_value = 'amended' WHERE id IN (1, 5)")
    pull(trail, sink, clock)
    assert said(sink)[5:] == ["new 4", "amended"], "row 1 was amended after its window"
    assert sink.changed == ["5"]


def test_rows_that_vanish_from_the_window_are_a_gap_once(trail: Audited) -> None:
    sink = MemorySink("lims")
    trail.fill(ROW, rows(1, 2, 3))
    pull(trail, sink)
    trail.run("DELETE FROM audit_trail WHERE id IN (1, 3)")
    pull(trail, sink)
    pull(trail, sink)
    (gap,) = sink.gaps
    assert gap.reason == "rows that were collected are no longer there: 1, 3"
    assert len(sink.records) == 3


def test_rows_of_the_same_time_come_all_however_many_there_are(trail: Audited) -> None:
    sink = MemorySink("lims")
    trail.fill(ROW, rows(*range(1, 1102)))
    trail.run("UPDATE audit_trail SET changed_at = '2026-03-01 08:16:00' WHERE id IN (1100, 1101)")
    pull(trail, sink, order="changed_at")
    trail.fill(ROW, [(5000, "2026-03-01 08:16:00", "", "tie")])
    pull(trail, sink, order="changed_at")
    assert sorted(said(sink), key=str) == sorted([f"new {number}" for number in range(1, 1102)] + ["tie"], key=str)
    assert sink.duplicates == 0
    assert all(len(run.submissions) <= MAX_SUBMISSIONS for run in sink.runs)


def test_rows_that_are_the_same_in_every_cell_are_told_apart_by_their_number(trail: Audited) -> None:
    trail.run("DROP TABLE IF EXISTS twin", "CREATE TABLE twin (place varchar(9), door varchar(9))")
    trail.fill("INSERT INTO twin VALUES (?, ?)", [("a", "x"), ("a", "x"), ("a", "y")])
    mapping = DECIMALS.replace(
        'id = "row.id"\naction', 'id = { join = ["row.place", "row.door", "twin"], by = "/" }\naction'
    )
    mapping = mapping.replace('id = "row.id" }', 'id = "row.door" }')
    sink = MemorySink("lims")
    pull(trail, sink, mapping=mapping, table="twin", order="place")
    trail.fill("INSERT INTO twin VALUES (?, ?)", [("a", "x")])
    pull(trail, sink, mapping=mapping, table="twin", order="place")
    assert sorted(record.source_record_id for record in sink.records) == ["a/x/0", "a/x/1", "a/x/2", "a/y/0"]


@only("postgresql")
def test_a_long_table_is_read_in_bounded_parts_and_goes_on_where_it_was_stopped(trail: Audited) -> None:
    trail.fill(ROW, rows(*range(1, 7001)))
    sink, stop = MemorySink("lims"), threading.Event()
    sink.on_taken = lambda _: stop.set() if len(sink.records) > 3500 else None
    clock = SystemClock()
    options = {"window_rows": "2500"}
    Runner(Sql(config(trail, **options), trail.secrets, clock), sink, clock, stop=stop).pull()
    assert len(sink.records) < 4500
    sizes = [len(run.snapshot) for run in sink.runs if run.snapshot is not None]
    assert max(sizes) < 100_000
    assert sum(sizes) < 400_000, "a large memory does not go along with every batch"
    sink.on_taken = lambda _: None
    pull(trail, sink, **options)
    assert len(sink.records) == 7000
    assert sink.duplicates == 0


@only("sqlite")
def test_a_process_that_is_killed_within_a_long_reading_loses_nothing(trail: Audited) -> None:
    trail.fill(ROW, rows(*range(1, 4001)))
    sink = MemorySink("lims")

    def die(_: RunBatch) -> None:
        if len(sink.runs) % 7 == 0:
            raise AccessDenied("the process is killed")

    sink.on_taken = die
    for _ in range(5):
        with contextlib.suppress(AccessDenied):
            pull(trail, sink)
    assert len(sink.records) == 4000
    assert sink.changed == []


def test_a_session_cannot_write_even_where_the_account_may(trail: Audited) -> None:
    collector = Sql(config(trail, query="SELECT * FROM audit_trail"), trail.secrets, SystemClock())
    database = Database("lims", trail.url, trail.secrets.get("password", ""))
    with pytest.raises(CollectorError, match=r"(?i)read.?only"), database.session(SystemClock()) as session:
        session.connection.exec_driver_sql("INSERT INTO audit_trail (id) VALUES (1)")
    assert collector.check().checks[0].ok


def test_the_columns_are_known_by_a_fingerprint_and_others_end_it(trail: Audited) -> None:
    found = checks(trail)["columns"]
    assert "new_value VARCHAR(500)" in found.says
    mark = found.says.partition("fingerprint ")[2][:32]
    assert checks(trail, fingerprint=mark)["columns"].ok
    trail.run("ALTER TABLE audit_trail ADD COLUMN remark varchar(20)")
    changed = checks(trail, fingerprint=mark)["columns"]
    assert not changed.ok
    assert "remark" in changed.says
    with pytest.raises(FatalSource, match="remark"):
        pull(trail, MemorySink("lims"), fingerprint=mark)


def test_trying_a_table_says_what_is_wrong_with_its_order(trail: Audited) -> None:
    trail.run("DROP TABLE IF EXISTS loose", "CREATE TABLE loose (n integer, t integer)")
    trail.fill("INSERT INTO loose VALUES (?, ?)", [(1, 1), (None, 2)])
    assert checks(trail)["index"].advice == ""
    loose = checks(trail, table="loose", order="n")
    assert (loose["order"].ok, loose["index"].ok) == (False, True)
    assert "never collected" in loose["order"].says
    assert "whole of it" in loose["index"].says
    trail.fill(ROW, rows(1))
    by_time = checks(trail, order="changed_at")["order"]
    assert by_time.ok == (trail.kind == "sqlite"), by_time
    assert checks(trail, order="changed_at", window_minutes="90")["order"].ok
    with_clock = checks(trail)["clock"]
    assert with_clock.ok == (trail.kind != "sqlite")


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"table": "nowhere"}, "nowhere"),
        ({"order": "nothing"}, "nothing"),
        ({"query": "SELECT nothing FROM audit_trail"}, "nothing"),
        ({"query": "SELECT 1 AS id WHERE"}, "cannot do what is asked"),
    ],
)
def test_a_table_or_column_that_is_not_there_needs_a_person(
    trail: Audited, options: dict[str, str], named: str
) -> None:
    with pytest.raises(FatalSource) as caught:
        pull(trail, MemorySink("lims"), **options)
    assert named in caught.value.message
    report = Sql(config(trail, **options), trail.secrets, SystemClock()).check()
    assert not report.ok


def test_a_query_chooses_columns_and_its_colons_and_percents_are_its_own(trail: Audited) -> None:
    trail.fill(ROW, rows(1, 2))
    query = (
        "SELECT id, '10:30 %s :x' AS new_value, changed_at, action, table_name, record_id FROM audit_trail WHERE id > 1"
    )
    sink = MemorySink("lims")
    pull(trail, sink, query=query)
    pull(trail, sink, query=query)
    assert said(sink) == ["10:30 %s :x"]
    assert sink.records[0].actor.account is None


def values(plant: Audited, create: str, insert: str, order: str = "id") -> dict[str, object]:
    plant.run("DROP TABLE IF EXISTS kinds", create, insert)
    sink = MemorySink("lims")
    pull(plant, sink, mapping=DECIMALS, table="kinds", order=order)
    pull(plant, sink, mapping=DECIMALS, table="kinds", order=order)
    assert not sink.rejected
    assert len(sink.records) == 1
    return {change.attribute: change.new for change in sink.records[0].changes}


@only("postgresql")
def test_every_digit_and_type_of_postgresql_is_kept(plant: Audited) -> None:
    found = values(
        plant,
        """CREATE TABLE kinds (id bigint, price numeric, nan numeric, small real, big double precision, yes boolean,
            raw bytea, none text, at timestamptz, local timestamp, never timestamptz, early date, day date, clock time,
            midnight time, span interval, key uuid, doc jsonb, doc2 json, many numeric[], net inet, mood text,
            during tstzrange, xml xml, money money, bits bit(3))""",
        """INSERT INTO kinds VALUES (9223372036854775807, 1.500, 'NaN', 0.1, 0.1, true, '\\x00ff', NULL,
            '2026-03-01 08:15:00.123456+01', '2026-03-01 08:15:00', 'infinity', '0044-03-15 BC', '2026-03-01',
            '08:15:00.5', '24:00:00', '1 year 2 months 3 days', '12345678-1234-5678-1234-567812345678', '{"a": 1.10}',
            '{"a":1.10, "a":2}', '{1.50,NULL}', '10.0.0.1/8', 'e\u0301', '[2026-03-01 00:00+00,)',
            '<a/>', '1.5', '101')""",
    )
    assert found == {
        "id": "9223372036854775807",
        "price": "1.500",
        "nan": "NaN",
        "small": "0.1",
        "big": "0.1",
        "yes": True,
        "raw": "00ff",
        "none": None,
        "at": "2026-03-01T07:15:00.123456+00:00",
        "local": "2026-03-01T08:15:00",
        "never": "infinity",
        "early": "0044-03-15 BC",
        "day": "2026-03-01",
        "clock": "08:15:00.500000",
        "midnight": "24:00:00",
        "span": "P1Y2M3D",
        "key": "12345678-1234-5678-1234-567812345678",
        "doc": '{"a": 1.10}',
        "doc2": '{"a":1.10, "a":2}',
        "many": '["1.50",null]',
        "net": "10.0.0.1/8",
        "mood": "e\u0301",
        "during": '["2026-03-01 00:00:00+00",)',
        "xml": "<a/>",
        "money": "$1.50",
        "bits": "101",
    }


@only("mariadb")
def test_every_digit_and_type_of_mariadb_is_kept(plant: Audited) -> None:
    found = values(
        plant,
        """CREATE TABLE kinds (id bigint unsigned, price decimal(30,10), small float, big double, yes boolean, raw blob,
            none text, at timestamp(6), local datetime(3), never datetime, day date, span time, mood enum('ok','bad'),
            doc json, bits bit(3), year year)""",
        """INSERT INTO kinds VALUES (18446744073709551615, 12345678901234567890.1000000000, 0.1, 0.1, true,
            x'00ff', NULL, '2026-03-01 08:15:00.123456', '2026-03-01 08:15:00.5', '0000-00-00', '2026-03-01',
            '-100:00:01', 'bad', '{"a": 1.10}', b'101', 2026)""".replace("INSERT", "INSERT IGNORE"),
    )
    assert isinstance(found.pop("at"), str)
    assert found == {
        "id": "18446744073709551615",
        "price": "12345678901234567890.1000000000",
        "small": "0.1",
        "big": "0.1",
        "yes": 1,
        "raw": "00ff",
        "none": None,
        "local": "2026-03-01T08:15:00.500000",
        "never": "0000-00-00 00:00:00",
        "day": "2026-03-01",
        "span": "PT-360001.0S",
        "mood": "bad",
        "doc": '{"a": 1.10}',
        "bits": "05",
        "year": 2026,
    }


@only("mariadb")
def test_a_timestamp_of_mariadb_is_utc_and_can_be_the_order(plant: Audited) -> None:
    plant.run(
        "DROP TABLE IF EXISTS stamped",
        "CREATE TABLE stamped (id int, at timestamp(6) NOT NULL)",
        "SET time_zone = '+02:00'",
        "INSERT INTO stamped VALUES (1, '2026-03-01 08:15:00.123456'), (2, '2026-03-01 08:15:00.123457')",
    )
    sink = MemorySink("lims")
    for _ in range(2):
        pull(plant, sink, mapping=DECIMALS, table="stamped", order="at", window_minutes="0")
    plant.run("SET time_zone = '+02:00'", "INSERT INTO stamped VALUES (3, '2026-03-01 08:15:01')")
    pull(plant, sink, mapping=DECIMALS, table="stamped", order="at", window_minutes="0")
    assert [record.changes[0].new for record in sink.records] == [
        "2026-03-01T06:15:00.123456+00:00",
        "2026-03-01T06:15:00.123457+00:00",
        "2026-03-01T06:15:01+00:00",
    ]
    assert sink.duplicates == 0


@only("sqlite")
def test_every_digit_and_type_of_sqlite_is_kept_and_what_is_no_text_is_bytes(plant: Audited) -> None:
    found = values(
        plant,
        "CREATE TABLE kinds (id integer, price numeric, big real, raw blob, none, bad text, nul text)",
        "INSERT INTO kinds "
        "VALUES (9223372036854775807, '1.50', 0.1, x'00ff', NULL, CAST(x'ff61' AS TEXT), 'a' || char(0))",
    )
    assert found == {
        "id": "9223372036854775807",
        "price": "1.5",
        "big": "0.1",
        "raw": "00ff",
        "none": None,
        "bad": "ff61",
        "nul": "a\ufffd",
    }


def test_decimal_numbers_order_as_the_database_orders_them(plant: Audited) -> None:
    kind = "numeric" if plant.kind != "mariadb" else "decimal(30,5)"
    plant.run("DROP TABLE IF EXISTS counted", f"CREATE TABLE counted (id {kind})")
    plant.fill("INSERT INTO counted VALUES (?)", [(str(Decimal(number) / 8),) for number in range(100)])
    sink = MemorySink("lims")
    for extra in ("12.37501", "12.5"):
        pull(plant, sink, mapping=DECIMALS, table="counted", order="id", window_minutes="0")
        plant.fill("INSERT INTO counted VALUES (?)", [(extra,)])
    pull(plant, sink, mapping=DECIMALS, table="counted", order="id", window_minutes="0")
    assert len(sink.records) == 102
    assert sink.duplicates == 0


@only("postgresql", "mariadb")
def test_a_table_that_the_account_may_not_read_is_said_with_its_name(trail: Audited) -> None:
    if trail.kind == "postgresql":
        trail.run("REVOKE ALL ON audit_trail FROM collector")
    else:
        trail.run("REVOKE ALL ON plant.* FROM collector@'127.0.0.1'", "CREATE DATABASE IF NOT EXISTS other")
        trail.run("GRANT SELECT ON other.* TO collector@'127.0.0.1'")
    try:
        with pytest.raises(FatalSource, match="collector"):
            pull(trail, MemorySink("lims"))
        assert not checks(trail)["read" if trail.kind == "postgresql" else "connection"].ok
    finally:
        if trail.kind == "mariadb":
            trail.run("GRANT SELECT, INSERT ON plant.* TO collector@'127.0.0.1'")


def test_a_file_that_is_not_there_may_come_and_one_that_is_no_database_never_does(tmp_path: Path) -> None:
    plant = Audited("sqlite", f"sqlite:///{tmp_path}/none.db", {}, None)
    missing = Sql(config(plant), {}, SystemClock()).check()
    assert not missing.ok
    assert "none.db" in missing.checks[0].says
    (tmp_path / "none.db").write_bytes(b"no database" * 1000)
    with pytest.raises(FatalSource, match=r"none\.db"):
        pull(plant, MemorySink("lims"))
