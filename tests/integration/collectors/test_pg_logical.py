"""Logical decoding on a real PostgreSQL, by pgoutput and wal2json: what a record holds, and what a slot never loses."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import msgspec
import psycopg
import pytest

from collectors.base import MAX_SUBMISSIONS, Check
from collectors.it.pg_logical import PgLogical
from collectors.it.pg_wal import lsn_number
from collectors.mapping.templates import template
from collectors.runner import Runner
from collectors.sample import sample
from ledger.core.clock import SystemClock
from ledger.core.errors import AccessDenied, FatalSource, RetriableSource
from ledger.core.record import Action, Record
from ledger.core.run import RunBatch
from ledger.core.source import SourceConfig
from tests.support.memory_sink import MemorySink
from tests.support.postgres import PostgresServer
from tests.support.postgres_wal import PASSWORD, logical_postgres

TABLE = """
DROP TABLE IF EXISTS result, remark CASCADE;
CREATE TABLE result (id int, part text, value numeric, note text, raw bytea, PRIMARY KEY (id, part));
ALTER TABLE result REPLICA IDENTITY FULL;
ALTER TABLE result ALTER note SET STORAGE EXTERNAL;
CREATE TABLE remark (id int, note text);
ALTER TABLE remark REPLICA IDENTITY FULL;
DROP PUBLICATION IF EXISTS trailseal;
CREATE PUBLICATION trailseal FOR TABLE result, remark;
"""
LONG = "x" * 9000


class Lims:
    """A database with a slot of one plugin, worked on by its owner and collected."""

    def __init__(self, server: PostgresServer, plugin: str) -> None:
        self.server = server
        self.plugin = plugin
        self.options: dict[str, str] = {}
        self.run(TABLE)
        self.drop_slot()
        self.make_slot()

    def run(self, *statements: str) -> list[tuple[Any, ...]]:
        """Each statement by itself, or those between BEGIN and COMMIT together; the answer of the last one."""
        with psycopg.connect(self.server.admin_dsn(), autocommit=True) as owner, owner.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def make_slot(self) -> None:
        self.run(f"SELECT pg_create_logical_replication_slot('trailseal', '{self.plugin}')")

    def drop_slot(self) -> None:
        self.run("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active")

    def confirmed(self) -> int:
        return lsn_number(self.run("SELECT confirmed_flush_lsn::text FROM pg_replication_slots")[0][0])

    def collector(self, **options: str) -> PgLogical:
        url = f"postgresql://collector@127.0.0.1:{self.server.port}/postgres"
        config = SourceConfig(
            id="lims",
            type="pg-logical",
            title="LIMS",
            options={"url": url, **self.options, **options},
            mapping=template("postgresql-rows").text,
        )
        return PgLogical(config, {"password": PASSWORD}, SystemClock())

    def pull(self, sink: MemorySink, **options: str) -> list[Record]:
        before = len(sink.records)
        Runner(self.collector(**options), sink, SystemClock()).pull()
        assert not sink.rejected
        return sink.records[before:]

    def checks(self, **options: str) -> dict[str, Check]:
        return {check.name: check for check in self.collector(**options).check().checks}


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with logical_postgres() as running:
        yield running


@pytest.fixture(params=["pgoutput", "wal2json"])
def lims(server: PostgresServer, request: pytest.FixtureRequest) -> Lims:
    return Lims(server, request.param)


@pytest.fixture
def output(server: PostgresServer) -> Lims:
    """The same, by pgoutput alone."""
    return Lims(server, "pgoutput")


def changes(record: Record) -> dict[str, tuple[object, object]]:
    return {change.attribute: (change.old, change.new) for change in record.changes}


def test_every_change_has_its_old_and_new_values_its_key_and_its_transaction(lims: Lims) -> None:
    lims.run(
        f"INSERT INTO result VALUES (1, 'a/b', 98.10, '{LONG}', '\\x00ff')",
        "BEGIN",
        "SELECT pg_logical_emit_message(true, 'trailseal.user', 'analyst1')",
        "UPDATE result SET value = 99.40",
        'SELECT pg_logical_emit_message(true, \'trailseal.user\', \'{"user": "analyst2", "why": "typo"}\')',
        "UPDATE result SET note = NULL, raw = NULL",
        "COMMIT",
        "BEGIN",
        "UPDATE result SET value = 0",
        "ROLLBACK",
        "DELETE FROM result",
        "INSERT INTO remark VALUES (7, 'no key')",
        "TRUNCATE result, remark",
    )
    created, corrected, emptied, deleted, remark, gone, gone_too = lims.pull(MemorySink("lims"))
    unset = msgspec.UNSET
    assert changes(created) == {
        "id": (unset, 1),
        "part": (unset, "a/b"),
        "value": (unset, "98.10"),
        "note": (unset, LONG),
        "raw": (unset, "00ff"),
    }
    assert (created.action, created.object.type, created.object.id) == (Action.CREATE, "public.result", "1/a/b")
    assert (created.actor.account, corrected.actor.account, emptied.actor.account) == (None, "analyst1", "analyst2")
    assert changes(corrected) == {"value": ("98.10", "99.40")}, "the long note was not written again and did not change"
    assert changes(emptied) == {"note": (LONG, None), "raw": ("00ff", None)}
    assert corrected.actor.session == emptied.actor.session
    assert (deleted.action, changes(deleted)["value"]) == (Action.DELETE, ("99.40", unset))
    assert (remark.object.id, gone.action, gone.object.type) == ("(no primary key)", Action.DELETE, "public.result")
    assert (gone_too.object.type, gone.changes, deleted.actor.account) == ("public.remark", (), None)
    assert corrected.occurred_at.offset == "+00:00"
    assert corrected.source_record_id.endswith("/1")
    assert emptied.source_record_id == corrected.source_record_id[:-1] + "2"


def test_what_was_read_and_not_handed_over_stays_in_the_slot(lims: Lims) -> None:
    sink, start = MemorySink("lims"), lims.confirmed()
    lims.run("INSERT INTO remark SELECT g, 'n' FROM generate_series(1, 5) g")
    assert len(sample(lims.collector()).submissions) == 5
    assert len(sample(lims.collector()).submissions) == 5, "a look takes nothing"
    assert lims.confirmed() == start
    lims.pull(sink)
    assert lims.confirmed() == start, "the ledger has it, but it did not say so yet"
    where = lsn_number(msgspec.json.decode(sink.state("lims").cursor or "")["lsn"])
    assert lims.pull(sink) == []
    assert lims.confirmed() == where > start
    assert (sink.duplicates, len(sink.records)) == (0, 5)


@pytest.mark.parametrize("hook", ["on_submit", "on_taken"])
def test_a_process_that_is_killed_within_a_long_transaction_loses_and_doubles_nothing(lims: Lims, hook: str) -> None:
    sink = MemorySink("lims")
    lims.run("INSERT INTO remark VALUES (0, 'before')")
    lims.run("INSERT INTO remark SELECT g, 'n' FROM generate_series(1, 1300) g")
    lims.run("INSERT INTO remark VALUES (1301, 'after')")

    def die(_: RunBatch) -> None:
        raise AccessDenied("the process is killed")

    setattr(sink, hook, die)
    for times in range(5):
        with contextlib.suppress(AccessDenied):
            Runner(lims.collector(), sink, SystemClock()).pull()
        if times == 3:
            setattr(sink, hook, lambda _: None)
    assert [changes(record)["id"][1] for record in sink.records] == list(range(1302))
    assert sink.duplicates == 0


def test_a_run_is_bounded_and_the_next_one_goes_on(lims: Lims) -> None:
    sink = MemorySink("lims")
    for step in range(6):
        lims.run(f"INSERT INTO remark SELECT g + {100 * step}, 'n' FROM generate_series(0, 99) g")
    sizes = [len(lims.pull(sink, max_changes="150")) for _ in range(5)]
    assert sizes == [200, 200, 200, 0, 0]
    assert [changes(record)["id"][1] for record in sink.records] == list(range(600))


def test_stopping_within_a_transaction_keeps_what_was_handed_over(lims: Lims) -> None:
    sink, stop = MemorySink("lims"), threading.Event()
    lims.run("INSERT INTO remark SELECT g, 'n' FROM generate_series(1, 1200) g")
    sink.on_taken = lambda _: stop.set()
    Runner(lims.collector(), sink, SystemClock(), stop=stop).pull()
    assert len(sink.records) == MAX_SUBMISSIONS - 1
    lims.pull(sink)
    assert [changes(record)["id"][1] for record in sink.records] == list(range(1, 1201))
    assert sink.duplicates == 0


def test_transactions_that_run_beside_each_other_come_whole_and_in_the_order_of_their_commits(lims: Lims) -> None:
    sink, ended = MemorySink("lims"), threading.Event()

    def work(number: int) -> None:
        with psycopg.connect(lims.server.admin_dsn()) as session:
            for step in range(25):
                session.execute("INSERT INTO remark VALUES (%s, %s)", (number, f"{step} a"))
                session.execute("INSERT INTO remark VALUES (%s, %s)", (number, f"{step} b"))
                session.commit()

    workers = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for worker in workers:
        worker.start()
    while not ended.is_set():
        if not any(worker.is_alive() for worker in workers):
            ended.set()
        lims.pull(sink)
    for worker in workers:
        worker.join()
    lims.pull(sink)
    rows = [(changes(record)["id"][1], str(changes(record)["note"][1])) for record in sink.records]
    assert len(rows) == 200
    for number in range(4):
        assert [note for who, note in rows if who == number] == [
            f"{step} {half}" for step in range(25) for half in "ab"
        ]
    assert all(rows[at][0] == rows[at + 1][0] for at in range(0, 200, 2)), "no transaction comes between another's rows"
    assert (sink.duplicates, sink.gaps) == (0, [])


def test_a_server_that_crashed_gives_again_what_it_forgot_was_confirmed_and_it_comes_once(lims: Lims) -> None:
    sink = MemorySink("lims")
    lims.run("INSERT INTO remark SELECT g, 'n' FROM generate_series(1, 10) g")
    lims.pull(sink)
    lims.pull(sink)
    lims.server.kill()
    lims.server.start()
    lims.run("INSERT INTO remark VALUES (11, 'n')")
    lims.pull(sink)
    assert [changes(record)["id"][1] for record in sink.records] == list(range(1, 12))
    assert (sink.duplicates, sink.gaps) == (0, [])


def test_a_log_that_says_nothing_of_the_tables_is_not_kept_for_the_slot(lims: Lims) -> None:
    sink = MemorySink("lims")
    lims.run("CREATE TABLE IF NOT EXISTS other (note text)", "CREATE PUBLICATION others FOR TABLE other")
    lims.options = {"tables": "public.remark"}
    lims.pull(sink)
    before = lims.confirmed()
    lims.run("INSERT INTO other SELECT repeat('x', 100) FROM generate_series(1, 2000)")
    assert lims.pull(sink) == []
    assert lims.pull(sink) == []
    assert lims.confirmed() - before > 200_000
    lims.run("DROP TABLE other", "DROP PUBLICATION others")


def test_a_slot_that_somebody_else_read_or_that_was_made_anew_is_a_gap_and_then_goes_on(lims: Lims) -> None:
    sink = MemorySink("lims")
    lims.pull(sink)
    lims.run("INSERT INTO remark VALUES (1, 'lost')")
    lims.run("SELECT pg_replication_slot_advance('trailseal', pg_current_wal_flush_lsn())")
    lims.run("INSERT INTO remark VALUES (2, 'there')")
    lims.pull(sink)
    lims.drop_slot()
    lims.run("INSERT INTO remark VALUES (3, 'lost')")
    with pytest.raises(FatalSource, match="no replication slot"):
        lims.pull(sink)
    lims.make_slot()
    lims.run("INSERT INTO remark VALUES (4, 'there')")
    lims.pull(sink)
    lims.pull(sink)
    assert [changes(record)["note"][1] for record in sink.records] == ["there", "there"]
    assert ["moved or made anew" in gap.reason for gap in sink.gaps] == [True, True]


def test_a_slot_that_is_read_by_somebody_else_just_now_is_tried_again(output: Lims) -> None:
    sink = MemorySink("lims")
    output.pull(sink)
    output.run("INSERT INTO remark VALUES (1, 'n')")
    with _occupied(output.server.admin_dsn()):
        with pytest.raises(RetriableSource, match="somebody else"):
            next(output.collector().collect(sink.state("lims"), threading.Event()))
        assert "reads it just now" in output.checks()["retained log"].says
    assert len(output.pull(sink)) == 1


@contextlib.contextmanager
def _occupied(dsn: str) -> Iterator[None]:
    """Another client streams from the slot, as a replica does."""
    replica = psycopg.pq.PGconn.connect(f"{dsn}?replication=database".encode())
    options = b"(proto_version '1', publication_names 'trailseal')"
    replica.exec_(b"START_REPLICATION SLOT trailseal LOGICAL 0/0 " + options)
    try:
        yield
    finally:
        replica.finish()


def test_another_cluster_and_one_that_was_set_back_need_a_person(output: Lims) -> None:
    sink = MemorySink("lims")
    output.pull(sink)
    cursor = msgspec.json.decode(sink.state("lims").cursor or "")
    for changed, named in (({"system": "1"}, "another cluster"), ({"lsn": "FFFFFF/0"}, "set back")):
        text = msgspec.json.encode({**cursor, **changed}).decode()
        state = msgspec.structs.replace(sink.state("lims"), cursor=text)
        with pytest.raises(FatalSource, match=named):
            next(output.collector().collect(state, threading.Event()))
    text = msgspec.json.encode({**cursor, "timeline": 9}).decode()
    state = msgspec.structs.replace(sink.state("lims"), cursor=text)
    (batch,) = output.collector().collect(state, threading.Event())
    assert ["timeline 1 instead of 9" in gap.reason for gap in batch.gaps] == [True]


def test_every_value_is_what_the_server_writes(output: Lims) -> None:
    output.run(
        "DROP TABLE IF EXISTS kinds",
        """CREATE TABLE kinds (id bigint PRIMARY KEY, price numeric, nan numeric, small real, big double precision,
            yes boolean, raw bytea, at timestamptz, never timestamptz, day date, span interval, doc jsonb,
            many numeric[], mood text)""",
        "ALTER PUBLICATION trailseal ADD TABLE kinds",
        """INSERT INTO kinds VALUES (9223372036854775807, 1.500, 'NaN', 0.1, 1e16, true, '\\x00ff',
            '2026-03-01 08:15:00.123456+01', 'infinity', '0044-03-15 BC', '1 year 2 months', '{"a": 1.10}',
            '{1.50,NULL}', 'e\u0301')""",
    )
    (record,) = output.pull(MemorySink("lims"))
    assert {name: new for name, (_, new) in changes(record).items()} == {
        "id": "9223372036854775807",
        "price": "1.500",
        "nan": "NaN",
        "small": "0.1",
        "big": "1e+16",
        "yes": True,
        "raw": "00ff",
        "at": "2026-03-01 07:15:00.123456+00",
        "never": "infinity",
        "day": "0044-03-15 BC",
        "span": "P1Y2M",
        "doc": '{"a": 1.10}',
        "many": "{1.50,NULL}",
        "mood": "e\u0301",
    }
    output.run("DROP TABLE kinds")


def test_a_table_whose_columns_change_is_read_as_it_was_at_each_time(lims: Lims) -> None:
    lims.run(
        "INSERT INTO remark VALUES (1, 'old')",
        "ALTER TABLE remark ADD COLUMN extra int DEFAULT 5",
        "UPDATE remark SET extra = 6",
        "ALTER TABLE remark DROP COLUMN note",
        "UPDATE remark SET extra = 7",
    )
    first, second, third = (changes(record) for record in lims.pull(MemorySink("lims")))
    assert set(first) == {"id", "note"}
    assert second == {"extra": (5, 6)}
    assert third == {"extra": (6, 7)}


def test_trying_says_what_holds_and_what_to_do(lims: Lims) -> None:
    found = lims.checks()
    assert all(check.ok for check in found.values()), found
    assert ("wal2json writes NaN" in found["slot"].says) == (lims.plugin == "wal2json")
    lims.run("ALTER TABLE remark REPLICA IDENTITY DEFAULT")
    partial = lims.checks()["replica identity"]
    assert (partial.ok, "public.remark" in partial.says, "REPLICA IDENTITY FULL" in partial.advice) == (
        False,
        True,
        True,
    )
    lims.run("INSERT INTO result SELECT g, 'p', g, repeat('x', 500) FROM generate_series(1, 5000) g")
    kept = lims.checks(warn_mebibytes="1")["retained log"]
    assert (kept.ok, "the limit is 1 MiB" in kept.says) == (False, True)
    assert not lims.checks(slot="nothing")["slot"].ok
    if lims.plugin == "pgoutput":
        lims.run("ALTER PUBLICATION trailseal SET (publish = 'insert')")
        assert "leaves out update, delete, truncate" in lims.checks()["publication"].says
        assert not lims.checks(publication="nothing")["publication"].ok
        with pytest.raises(FatalSource, match="nothing"):
            lims.pull(MemorySink("lims"), publication="nothing")


def test_each_run_says_the_version_the_columns_and_how_whole_the_log_is(lims: Lims) -> None:
    sink = MemorySink("lims")
    lims.pull(sink)
    lims.run("ALTER TABLE remark ADD COLUMN extra int", "ALTER TABLE remark REPLICA IDENTITY DEFAULT")
    lims.pull(sink)
    before, after = (run.facts for run in sink.runs)
    assert before is not None
    assert after is not None
    assert before.version == after.version
    assert "PostgreSQL 15." in str(before.version)
    assert before.schema != after.schema
    assert "old rows logged whole" in str(before.audit_trail)
    assert "old rows not logged for public.remark" in str(after.audit_trail)


def test_a_slot_of_another_plugin_or_kind_is_refused_in_words(output: Lims) -> None:
    output.drop_slot()
    output.run("SELECT pg_create_logical_replication_slot('trailseal', 'test_decoding')")
    assert "test_decoding" in output.checks()["slot"].says
    with pytest.raises(FatalSource, match="test_decoding"):
        output.pull(MemorySink("lims"))
    output.drop_slot()
    output.run("SELECT pg_create_physical_replication_slot('trailseal')")
    assert "physical" in output.checks()["slot"].says
    output.drop_slot()


def test_an_account_without_the_right_and_a_server_that_logs_too_little_are_said(output: Lims) -> None:
    output.run("ALTER ROLE collector NOREPLICATION")
    try:
        assert not output.checks()["right"].ok
        with pytest.raises(FatalSource, match="collector"):
            output.pull(MemorySink("lims"))
    finally:
        output.run("ALTER ROLE collector REPLICATION")
    output.drop_slot()
    output.run("ALTER SYSTEM SET wal_level = 'replica'")
    output.server.stop()
    output.server.start()
    try:
        assert not output.checks()["wal_level"].ok
    finally:
        output.run("ALTER SYSTEM SET wal_level = 'logical'")
        output.server.stop()
        output.server.start()
