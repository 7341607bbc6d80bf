"""Rebuild: projections from the log alone, and a projector's new version while appends go on."""

import threading
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, inspect, select, text

from ledger.core.entry import Entry
from ledger.core.errors import ConfigError, Conflict, IntegrityError, NotFound
from ledger.core.projector import Row
from ledger.core.record import Target
from ledger.core.tables import TableClass
from ledger.sources.ingest import Ingest
from ledger.sources.inventory import Inventory
from ledger.store import rebuild as rebuilding
from ledger.store import schema, search, shadow
from ledger.store.projections import read_versions
from ledger.store.question import Query
from ledger.store.rebuild import HeadCorrected, Rebuilt, rebuild
from ledger.store.records import RecordProjector
from ledger.store.store import Store
from tests.support.declared import ONLY_POSTGRES
from tests.support.keys import forget
from tests.support.ledgers import AUTHORITY, RECORDS, Ledger, batch, submission

pytestmark = pytest.mark.sampled

PROJECTIONS = sorted(
    table.name for table in schema.metadata.tables.values() if table.info["class"] is TableClass.PROJECTION
)

NEWEST = 6
"""The newest version of the projector of records."""


def fill(ledger: Ledger, count: int = 12) -> None:
    """Entries of many kinds: two configurations, runs with quarantine, duplicates and a changed record."""
    ledger.register("dcs")
    ledger.register("erp", zone="Europe/Berlin")
    ledger.submit([submission(n, data=b"{}") for n in range(count)], cursor_to="1")
    ledger.submit([submission(1), submission(2, reason="another reason"), submission(3, source="lims")], cursor_to="2")
    ledger.service.publisher.publish_all()


def contents(connection: Connection, tables: Iterable[str] = PROJECTIONS) -> dict[str, list[Any]]:
    found = {name: [tuple(row) for row in connection.execute(select(schema.metadata.tables[name]))] for name in tables}
    return {name: sorted(rows, key=repr) for name, rows in found.items()}


def read(ledger: Ledger) -> dict[str, list[Any]]:
    with ledger.store.reading() as connection:
        return contents(connection)


def schema_of(ledger: Ledger) -> set[tuple[str, ...]]:
    """Every table, index, trigger and right there is, by name."""
    if ledger.is_sqlite:
        return set(ledger.query("SELECT type, name, tbl_name FROM sqlite_schema"))
    return set(
        ledger.query("SELECT tablename, indexname, replace(indexdef, 'public.', '') FROM pg_indexes")
        + ledger.query("SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger")
        + ledger.query("SELECT relname, relowner::regrole::text, relacl::text FROM pg_class WHERE relkind = 'r'")
        + ledger.query("SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint")
    )


def full_text_holds(ledger: Ledger) -> bool:
    """SQLite: the index equals the table it indexes."""
    if ledger.is_sqlite:
        with ledger.administrator() as connection:
            connection.exec_driver_sql("INSERT INTO record_fts(record_fts, rank) VALUES ('integrity-check', 1)")
    return True


def test_rebuilt_projections_equal_those_that_appends_wrote(ledger: Ledger) -> None:
    fill(ledger)
    before, structure = read(ledger), schema_of(ledger)
    told: list[tuple[int, int]] = []
    done = rebuild(ledger.store, ledger.owner_url, progress=lambda *numbers: told.append(numbers))
    assert read(ledger) == before
    assert schema_of(ledger) == structure
    assert full_text_holds(ledger)
    assert told[-1][0] == told[-1][1] == done.entries
    assert done.heads_corrected == ()
    rows = {table: count for one in done.projections for table, count in one.rows.items()}
    assert rows == {name: len(before[name]) for name in PROJECTIONS if name in rows}
    assert rows["record"] == 13
    assert rows["source_key"] == (0 if ledger.is_sqlite else 13)


def test_appends_reads_and_a_second_rebuild_go_on_after_one(ledger: Ledger) -> None:
    fill(ledger)
    for n in (100, 200):
        rebuild(ledger.store, ledger.owner_url, ["record"])
        ledger.submit([submission(n), submission(3)], cursor_to=str(n))
    with ledger.store.reader(RECORDS) as reader:
        found = search.search(reader.connection, RECORDS, reader.head().size, Query(text="tic101.sp"))
    assert len(found.indices) == 15
    assert full_text_holds(ledger)
    after = read(ledger)
    rebuild(ledger.store, ledger.owner_url, ["record"])
    assert read(ledger) == after


def test_what_erasures_name_is_still_asked_before_a_row_of_the_vault_goes(ledger: Ledger) -> None:
    rebuild(ledger.store, ledger.owner_url, ["erased-row"])
    with ledger.store.reading() as connection:
        if ledger.is_sqlite:
            sql = "SELECT sql FROM sqlite_schema WHERE name = 'sealed_value_no_delete'"
            assert "FROM erased_row WHERE" in connection.exec_driver_sql(sql).scalar_one()
        else:
            sql = "SELECT has_table_privilege('trailseal_eraser', 'erased_row', 'SELECT')"
            assert connection.exec_driver_sql(sql).scalar_one()


def test_tables_emptied_and_forged_are_as_they_were_after_a_rebuild(ledger: Ledger) -> None:
    fill(ledger)
    before = read(ledger)
    with ledger.administrator() as connection:
        connection.exec_driver_sql("UPDATE record SET actor = 'mallory', object_id = 'forged'")
        connection.exec_driver_sql("DELETE FROM record WHERE (pos & 1) = 0")
        connection.exec_driver_sql("UPDATE ledger_log SET origin = origin || 'x'")
        connection.exec_driver_sql("UPDATE source SET to_index = from_index")
        for name in PROJECTIONS:
            if name not in ("record", "ledger_log", "source", "head"):
                connection.exec_driver_sql(f"DELETE FROM {name}")
    rebuild(ledger.store, ledger.owner_url)
    assert read(ledger) == before
    assert full_text_holds(ledger)


def test_only_the_projections_named_are_rebuilt(ledger: Ledger) -> None:
    fill(ledger)
    before = read(ledger)
    with ledger.administrator() as connection:
        connection.exec_driver_sql("UPDATE record SET actor = 'mallory'")
        connection.exec_driver_sql("UPDATE quarantine SET reason = 'forged'")
    done = rebuild(ledger.store, ledger.owner_url, ["record"])
    assert [one.name for one in done.projections] == ["record"]
    after = read(ledger)
    assert after["record"] == before["record"]
    assert after["quarantine"] != before["quarantine"]


def test_an_unknown_projection_is_refused_by_name(sqlite_ledger: Ledger) -> None:
    with pytest.raises(NotFound, match="'recrod'"):
        rebuild(sqlite_ledger.store, sqlite_ledger.owner_url, ["recrod"])


def test_a_head_is_recomputed_from_the_leaves_and_what_differed_is_said(ledger: Ledger) -> None:
    fill(ledger)
    before = read(ledger)["head"]
    with ledger.administrator() as connection:
        connection.exec_driver_sql(f"UPDATE head SET size = size - 3, logged_us = 7 WHERE log = {RECORDS}")
        connection.exec_driver_sql("DELETE FROM head WHERE log = 0")
    done = rebuild(ledger.store, ledger.owner_url, ["head"])
    assert done.heads_corrected == (
        HeadCorrected(log=0, columns=("size", "leaf_hash", "logged_us", "frontier")),
        HeadCorrected(log=RECORDS, columns=("size", "logged_us")),
    )
    assert read(ledger)["head"] == before
    ledger.submit([submission(500)], cursor_to="3")


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE body SET salt = body WHERE pos = (SELECT max(pos) - 2 FROM body)",
        "DELETE FROM body WHERE pos = (SELECT max(pos) - 2 FROM body)",
        "DELETE FROM leaf WHERE pos = (SELECT max(pos) - 2 FROM leaf)",
    ],
)
def test_a_log_that_does_not_hold_is_named_and_nothing_is_changed(ledger: Ledger, damage: str) -> None:
    fill(ledger)
    with ledger.administrator() as connection:
        connection.exec_driver_sql(damage)
        connection.exec_driver_sql("UPDATE record SET actor = 'mallory'")
    before, structure = read(ledger), schema_of(ledger)
    with ledger.store.reader(RECORDS) as reader:
        wrong = reader.head().size - 3
    with pytest.raises(IntegrityError, match=rf"entry {wrong}\b"):
        rebuild(ledger.store, ledger.owner_url)
    assert read(ledger) == before
    assert schema_of(ledger) == structure


def test_a_record_that_the_log_holds_twice_is_told_and_nothing_is_changed(ledger: Ledger) -> None:
    """Someone deletes its idempotency row; collected again, the record becomes a second entry."""
    fill(ledger)
    forget(ledger, "3")
    ledger.submit([submission(3, data=b"{}")], cursor_to="3")
    before, structure = read(ledger), schema_of(ledger)
    with pytest.raises(IntegrityError, match="are the same record" if ledger.is_sqlite else "source_key"):
        rebuild(ledger.store, ledger.owner_url)
    assert (read(ledger), schema_of(ledger)) == (before, structure)


def test_what_an_ended_rebuild_left_behind_does_not_stop_the_next(ledger: Ledger) -> None:
    fill(ledger)
    before, structure = read(ledger), schema_of(ledger)
    with ledger.administrator() as connection:
        shadow.create(connection, [schema.record, schema.record_link])
    rebuild(ledger.store, ledger.owner_url, ["record"])
    assert (read(ledger), schema_of(ledger)) == (before, structure)


def test_two_rebuilds_do_not_run_at_once(ledger: Ledger) -> None:
    fill(ledger)
    refused: list[Exception] = []

    def again(_done: int, _all: int) -> None:
        try:
            rebuild(ledger.store, ledger.owner_url, ["record"])
        except Conflict as error:
            refused.append(error)

    rebuild(ledger.store, ledger.owner_url, ["record"], progress=again)
    assert refused


class NextProjector(RecordProjector):
    """The next version: accounts are told apart by source."""

    def __init__(self, dialect: str) -> None:
        super().__init__(dialect, NEWEST + 1)

    def rows(self, entry: Entry) -> Iterator[Row]:
        for table, values in super().rows(entry):
            if table == "record":
                values = (*values[:7], f"{values[1]}:{values[7]}", *values[8:])
            yield table, values


def newer(ledger: Ledger) -> Store:
    """The same ledger in a program that has the new version too."""
    live = ledger.store.projections.newest().projectors
    url = ledger.settings.database_url(ledger.folder)
    return Store(url, ledger.store.kinds, [*live, NextProjector(ledger.dialect)], ledger.clock)


def test_a_new_version_takes_over_while_appends_go_on(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(ledger)
    monkeypatch.setattr(rebuilding, "RANGE", 40)
    store = newer(ledger)
    stop, failures, done = threading.Event(), list[BaseException](), list[Rebuilt]()
    appended = [0, 0, 0]

    def append(at: int) -> None:
        source = f"source{at}"
        ingest = Ingest(store, ledger.service.log(), Inventory(store, RECORDS), ledger.service.keys.digests)
        cursor = None
        try:
            while not stop.is_set() or appended[at] < 20:
                first = appended[at]
                new = [submission(n, source=source) for n in range(first, first + 5)]
                ingest.submit(batch(new, source, cursor_from=cursor, cursor_to=str(first)), AUTHORITY)
                cursor, appended[at] = str(first), first + 5
        except BaseException as error:
            failures.append(error)

    for at in range(3):
        ledger.register(f"source{at}")
    threads = [threading.Thread(target=append, args=(at,)) for at in range(3)]
    for thread in threads:
        thread.start()
    try:
        done.append(rebuild(store, ledger.owner_url))
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    assert not failures
    (record,) = [one for one in done[0].projections if one.name == "record"]
    assert (record.version_before, record.version) == (NEWEST, NEWEST + 1)
    with store.reading() as connection:
        live = contents(connection)
    assert len(live["record"]) == 13 + sum(appended)
    assert {row[7] for row in live["record"]} == {f"{row[1]}:operator1" for row in live["record"]}
    assert len(live["record"]) > record.rows["record"]  # some came after the swap
    rebuild(store, ledger.owner_url, ["record"])
    with store.reading() as connection:
        assert contents(connection) == live
    assert full_text_holds(ledger)
    store.close()


def test_a_process_without_the_new_version_refuses_to_append_and_to_rebuild(ledger: Ledger) -> None:
    fill(ledger)
    store = newer(ledger)
    rebuild(store, ledger.owner_url, ["record"])
    with store.reading() as connection:
        before = contents(connection)
    with pytest.raises(ConfigError, match=f"record/{NEWEST + 1}"):
        ledger.submit([submission(77)], cursor_to="3")
    with pytest.raises(ConfigError, match=f"record/{NEWEST + 1}"):
        rebuild(ledger.store, ledger.owner_url)
    with store.reading() as connection:
        assert contents(connection) == before
    store.close()


def test_a_snapshot_from_before_the_swap_never_sees_an_emptied_table(ledger: Ledger) -> None:
    fill(ledger)
    swapped = threading.Event()

    def swap() -> None:
        rebuild(ledger.store, ledger.owner_url, ["record"])
        swapped.set()

    with ledger.store.reading() as connection:
        assert connection.execute(select(schema.head)).all()  # the snapshot is of now
        thread = threading.Thread(target=swap)
        thread.start()
        swapped.wait(0.5)
        assert len(contents(connection, ["record"])["record"]) == 13
    thread.join(30)
    assert swapped.is_set()


def test_indexes_of_a_rebuilt_table_are_those_that_are_declared(ledger: Ledger) -> None:
    rebuild(ledger.store, ledger.owner_url, ["record"])
    with ledger.store.reading() as connection:
        found = {index["name"] for index in inspect(connection).get_indexes("record")}
    wanted = {str(index.name) for index in schema.record.indexes}
    assert found == (wanted - ONLY_POSTGRES if ledger.is_sqlite else wanted)


@pytest.mark.parametrize("before", range(1, NEWEST))
def test_a_ledger_of_an_earlier_version_finds_the_same_and_so_once_it_is_rebuilt(ledger: Ledger, before: int) -> None:
    with ledger.administrator() as connection:
        connection.execute(text(f"UPDATE projection_version SET version = {before} WHERE name = 'record'"))
    ledger.submit([submission(number, object=Target(type="tag", id=f"T{number % 3}")) for number in range(9)])
    wanted = Query(object_id="T1", actor=submission(1).record.actor.account)

    def found() -> tuple[int, ...]:
        with ledger.store.reading() as connection:
            return search.search(connection, RECORDS, 1_000, wanted).indices

    first = found()
    assert len(first) == 3
    assert ledger.service.verifier.run(ledger.service.log(), levels=(1, 2)).fault is None
    rebuild(ledger.store, ledger.owner_url)
    assert found() == first
    with ledger.store.reading() as connection:
        assert read_versions(connection)["record"] == NEWEST
    assert ledger.service.verifier.run(ledger.service.log(), levels=(1, 2)).fault is None
