"""The ways back from a damage, on the database that it happened to: nothing is repaired, and nothing new is hidden."""

import contextlib
import sqlite3
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import update

from ledger.core.authority import Authority
from ledger.core.card import Card
from ledger.core.errors import AccessDenied, Conflict, IntegrityError, NotFound, RolledBack, SelfApproval
from ledger.core.members import Members
from ledger.core.outside import FromOutside
from ledger.core.tables import TableClass
from ledger.findings.incident_kinds import CaseEvent, Cause, Comparison
from ledger.integrity.incidents.cases import Case
from ledger.integrity.incidents.comparing import compare
from ledger.integrity.kinds import Verdict
from ledger.people.roles import Role
from ledger.service import Service
from ledger.store.schema import head, metadata
from ledger.trust.export import export_published
from tests.integration.integrity.test_incidents import (
    MARKS,
    at,
    batches,
    fill,
    opened,
    other_body,
    record_of,
    signed_for,
)
from tests.support.ledgers import AUTHORITY, RECORDS, Ledger
from tests.support.postgres import PgDatabase, PostgresServer
from tests.support.staff import Staff

pytestmark = pytest.mark.sampled


def quality(ledger: Ledger) -> Authority:
    return quality_of(ledger.service)


def quality_of(service: Service) -> Authority:
    """Somebody of quality assurance, who signed in."""
    staff = Staff(service)
    staff.person("qa1", Role.APPROVER)
    return staff.acting("qa1")


def damaged(ledger: Ledger) -> tuple[Case, int]:
    """The case of a body that was edited, and its index."""
    signed_for(ledger)
    index = record_of(ledger, 7)
    with ledger.administrator() as connection:
        other_body(connection, index)
    return opened(ledger), index


def backup(ledger: Ledger, folder: Path) -> Path:
    """A copy of a ledger's SQLite database, as it is now."""
    file = folder / "backup.db"
    with (
        contextlib.closing(sqlite3.connect(ledger.folder / "ledger.sqlite")) as source,
        contextlib.closing(sqlite3.connect(file)) as target,
    ):
        source.backup(target)
    return file


def compared(case: Case) -> Comparison:
    assert case.last.comparison is not None
    return case.last.comparison


def test_a_log_goes_on_in_an_epoch_that_names_its_damage_and_a_new_fault_is_still_found(ledger: Ledger) -> None:
    case, index = damaged(ledger)
    service, log = ledger.service, ledger.service.log()
    qa = quality(ledger)
    with pytest.raises(Conflict):
        service.ways_back.closing(case.case, "DEV-1", "no way back yet", AUTHORITY)
    service.ways_back.propose(case.case, "no backup has it", AUTHORITY)
    with pytest.raises(AccessDenied):
        service.ways_back.proceed(case.case, "agreed", AUTHORITY)
    assert service.ways_back.proceed(case.case, "agreed", qa).state is CaseEvent.CONTINUED
    report = service.verifier.run(log)
    assert report.holds, report.summary
    for level in report.result.levels[:2]:
        assert (level.verdict, f"entries {index} (" in level.open or f"entries {index}" in level.open) == (
            Verdict.HOLDS,
            True,
        )
    # The epoch forgives the damage that it names, and not another past than somebody has on paper.
    card = Card(origin=log.origin, size=2, root=bytes(32))
    another = service.verifier.run(log, levels=(3,), outside=FromOutside(cards=(card,))).fault
    assert another is not None
    assert "than its checkpoint card says" in another.what
    assert service.verifier.run(log, levels=(3,)).fault is None
    # It goes on: appended, signed, verified from there on.
    fill(ledger, 300, 5)
    service.publisher.publish_all()
    assert service.verifier.run(log, full=False).holds
    # The damaged entry with other bytes, another damaged entry, and a row of another one are each found.
    for statement, named in (
        (f"UPDATE record SET actor = 'nobody' WHERE pos = {at(index + 9)}", index + 9),
        (f"DELETE FROM body WHERE pos = {at(index + 4)}", index + 4),
        (f"UPDATE body SET salt = (SELECT salt FROM body WHERE pos = {at(1)}) WHERE pos = {at(index)}", index),
    ):
        with ledger.administrator() as connection:
            connection.exec_driver_sql(statement)
        found = service.verifier.run(log)
        assert found.fault is not None
        assert (found.holds, found.fault.index) == (False, named)
        with ledger.store.reading() as connection:
            assert service.standings.now(connection).of_entry(RECORDS, named) is not None
    service.verifier.run(service.system)
    assert service.verifier.run(service.system).holds  # two people, in order: level 2 agrees


def test_an_epoch_takes_two_people_and_begins_only_where_everything_else_holds(sqlite_ledger: Ledger) -> None:
    case, index = damaged(sqlite_ledger)
    service = sqlite_ledger.service
    staff = Staff(service)
    staff.person("qa1", Role.APPROVER)
    qa = staff.acting("qa1")
    service.ways_back.propose(case.case, "no backup has it", qa)
    with pytest.raises(SelfApproval):
        service.ways_back.proceed(case.case, "agreed", qa)
    with sqlite_ledger.administrator() as connection:
        connection.exec_driver_sql(f"UPDATE record SET actor = 'nobody' WHERE pos = {at(index + 9)}")
    staff.person("qa2", Role.APPROVER)
    with pytest.raises(IntegrityError, match="no epoch can name this"):
        service.ways_back.proceed(case.case, "agreed", staff.acting("qa2"))
    assert service.cases.get(case.case).state is CaseEvent.PROPOSED


def test_a_damage_of_the_system_log_cannot_be_named_by_an_epoch(sqlite_ledger: Ledger) -> None:
    signed_for(sqlite_ledger)
    service = sqlite_ledger.service
    with sqlite_ledger.administrator() as connection:
        connection.exec_driver_sql("UPDATE body SET body = (SELECT body FROM body WHERE pos = 2) WHERE pos = 1")
    assert not service.verifier.run(service.system).holds
    (case,) = service.cases.all()
    with pytest.raises(IntegrityError, match="no epoch can name this"):
        service.ways_back.propose(case.case, "no backup", AUTHORITY)


def test_a_restore_that_verifies_is_a_way_back_though_the_backup_does_not_know_the_case(
    sqlite_ledger: Ledger, tmp_path: Path
) -> None:
    signed_for(sqlite_ledger)
    sqlite_ledger.service.publisher.publish_all()
    copy = backup(sqlite_ledger, tmp_path)
    index = record_of(sqlite_ledger, 7)
    with sqlite_ledger.administrator() as connection:
        other_body(connection, index)
    case = opened(sqlite_ledger)
    with pytest.raises(IntegrityError, match="does not verify"):
        sqlite_ledger.service.ways_back.restored(case.case, "backup 1", "restored", AUTHORITY)
    sqlite_ledger.service.close()
    for suffix in ("-wal", "-shm"):
        Path(f"{sqlite_ledger.folder / 'ledger.sqlite'}{suffix}").unlink(missing_ok=True)
    (sqlite_ledger.folder / "ledger.sqlite").write_bytes(copy.read_bytes())
    again = sqlite_ledger.open()
    with pytest.raises(NotFound):
        again.cases.get(case.case)
    back = again.ways_back.restored(case.case, "backup 1", "restored", AUTHORITY)
    assert (back.state, back.last.backup) == (CaseEvent.RESTORED, "backup 1")
    assert back.opened.first_opened is not None
    assert len(back.last.verifications) == 2
    assert back.opened.affected == case.opened.affected
    with again.store.reading() as connection:
        assert again.standings.now(connection).of_entry(RECORDS, index) == case.case  # until it is closed


def test_a_restore_on_postgresql_that_verifies_is_a_way_back(
    postgres_ledger: Ledger, postgres_server: PostgresServer
) -> None:
    """Everything but the database stays as it is: the signer's memory, what is kept, the case's folder."""
    ledger = postgres_ledger
    signed_for(ledger)
    ledger.service.publisher.publish_all()
    name = str(ledger.settings.database_url(ledger.folder).database)
    ledger.close()
    copy = postgres_server.create_database(PgDatabase(name=name, owner_url="", runtime_url=""))
    service = ledger.open()
    index = record_of(ledger, 7)
    with ledger.administrator() as connection:
        other_body(connection, index)
    assert not service.verifier.run(service.log()).holds
    (case,) = service.cases.all()
    with pytest.raises(IntegrityError, match="does not verify"):
        service.ways_back.restored(case.case, "the dump of Monday", "restored", AUTHORITY)
    ledger.close()
    with psycopg.connect(postgres_server.admin_dsn(), autocommit=True) as admin:
        for statement in ("DROP DATABASE {} WITH (FORCE)", "ALTER DATABASE {} RENAME TO {}"):
            of = (name,) if "DROP" in statement else (copy.name, name)
            admin.execute(sql.SQL(statement).format(*map(sql.Identifier, of)))
    again = ledger.open()
    with pytest.raises(NotFound):
        again.cases.get(case.case)
    back = again.ways_back.restored(case.case, "the dump of Monday", "restored", AUTHORITY)
    assert (back.state, back.last.backup) == (CaseEvent.RESTORED, "the dump of Monday")
    assert (len(back.last.verifications), back.opened.affected) == (2, case.opened.affected)
    again.publisher.publish_all()
    put = again.ways_back.closing(case.case, "DEV-1", "restored", quality_of(again))
    with again.store.reading() as connection:
        assert again.standings.now(connection).of_entry(RECORDS, index) == case.case  # until that is signed
    assert put.state is CaseEvent.CLOSING
    assert again.verifier.run(again.system).holds


def test_a_backup_says_which_doubted_entries_it_has_and_which_are_others(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    signed_for(sqlite_ledger)
    copy = backup(sqlite_ledger, tmp_path)
    one, two = record_of(sqlite_ledger, 7), record_of(sqlite_ledger, 90)
    with sqlite_ledger.administrator() as connection:
        other_body(connection, one)
        connection.exec_driver_sql(f"UPDATE record SET actor = 'nobody' WHERE pos = {at(two)}")
    case = opened(sqlite_ledger)
    said = compared(compare(sqlite_ledger.service.cases, case.case, str(copy), "looked", AUTHORITY))
    assert Members.read(said.differ or "").text == f"{one}"
    assert two in Members.read(said.confirmed or "")  # its entry is what it was: a table beside it was altered
    tiles = tmp_path / "tiles"
    sqlite_ledger.service.publisher.publish_all()
    export_published(sqlite_ledger.store, tiles)
    (folder,) = (one.parent for one in tiles.rglob("checkpoint") if "records" in str(one))
    said = compared(compare(sqlite_ledger.service.cases, case.case, str(folder), "looked", AUTHORITY))
    assert {one, two} <= set(Members.read(said.confirmed or ""))


def test_a_log_that_was_rolled_back_unseen_goes_on_in_an_epoch_that_names_what_is_lost(ledger: Ledger) -> None:
    signed_for(ledger)
    service, log = ledger.service, ledger.service.log()
    qa = quality(ledger)
    service.publisher.publish_all()
    size, leaf, logged, frontier = ledger.query(
        f"SELECT size, leaf_hash, logged_us, frontier FROM head WHERE log = {RECORDS}"
    )[0]
    fill(ledger, 300, 20)
    service.publisher.publish_all()
    gone = f"WHERE pos >= {at(size)} AND pos < {at(2**39)}"
    with ledger.administrator() as connection:
        rewound = {"size": size, "leaf_hash": leaf, "logged_us": logged, "frontier": frontier}
        connection.execute(update(head).where(head.c.log == RECORDS).values(rewound))
        for table in MARKS:
            connection.exec_driver_sql(f"DELETE FROM {table} WHERE log = {RECORDS} AND size > {size}")
        for one in metadata.sorted_tables:
            if "pos" in one.columns and one.info["class"] is not TableClass.OPERATIONAL:
                connection.exec_driver_sql(f"DELETE FROM {one.name} {gone}")
        if ledger.is_sqlite:
            connection.exec_driver_sql("INSERT INTO record_fts(record_fts) VALUES ('rebuild')")
    with pytest.raises(RolledBack):
        service.publish_all()
    (case,) = service.cases.all()
    assert case.opened.cause is Cause.PUBLISHER
    assert list(Members.read(case.opened.affected[0].runs)) == list(range(size, size + 21))
    assert case.opened.every_link  # nothing tells which batches the lost entries were of
    with pytest.raises(RolledBack):
        service.publish_all()
    assert len(service.cases.all()) == 1
    service.ways_back.propose(case.case, "no backup has them", AUTHORITY)
    assert service.ways_back.proceed(case.case, "agreed", qa).state is CaseEvent.CONTINUED
    fill(ledger, 400, 3)
    service.publish_all()
    for each in service.logs.values():
        report = service.verifier.run(each)
        assert report.holds, report.summary
    assert "signed for" in service.verifier.run(log).result.levels[2].open


def test_what_came_from_a_source_since_a_moment_is_a_case_of_two_people(sqlite_ledger: Ledger) -> None:
    signed_for(sqlite_ledger)
    service = sqlite_ledger.service
    qa = quality(sqlite_ledger)
    moment = "2026-01-01T00:00:00.000000Z"
    with pytest.raises(NotFound):
        service.compromises.report(Cause.SOURCE, "nowhere", moment, "the password was found", AUTHORITY)
    case = service.compromises.report(Cause.SOURCE, "erp", moment, "the password was found", AUTHORITY)
    with sqlite_ledger.store.reading() as connection:
        assert service.standings.now(connection).of_entry(RECORDS, record_of(sqlite_ledger, 7)) is None
    with pytest.raises(AccessDenied):
        service.compromises.open(case.case, "agreed", AUTHORITY)
    case = service.compromises.open(case.case, "agreed", qa)
    assert batches(case) == {f"B-{number}" for number in range(300)}
    with sqlite_ledger.store.reading() as connection:
        assert service.standings.now(connection).of_link(RECORDS, "batch", "B-7") == case.case
    with pytest.raises(Conflict):
        service.compromises.open(case.case, "agreed", qa)
    # What two people said is not entered again on nobody's word.
    (service.cases.folder / case.case).rename(service.cases.folder / "2026-01-01-00000000")
    with pytest.raises(NotFound):
        service.ways_back.known("2026-01-01-00000000")
    assert service.verifier.run(service.system).holds
