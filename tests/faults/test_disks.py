"""Disks that are full or can only be read: nothing is signed or half done there, and the answer says what to do."""

import json
import mmap
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, InternalError

from ledger.core.errors import ConfigError, StorageDamaged, StorageFull, StorageReadOnly
from ledger.signer import SignerChild
from ledger.store import checkpoints
from ledger.store.trouble import trouble_of
from ledger.trust.signer_process import RemoteSigner, SignerServer
from tests.cli.terminal import trailseal
from tests.support.disks import fill, make_room, mounted, read_only
from tests.support.ledgers import AUTHORITY, RECORDS, Ledger, MovableClock, batch, submission
from tests.support.postgres import PostgresServer
from tests.support.witness import Trust, two_witnesses

pytestmark = pytest.mark.sampled


def published(ledger: Ledger) -> int:
    with ledger.store.reading() as connection:
        return checkpoints.latest(connection, RECORDS).size


def test_a_signer_without_room_for_its_memory_signs_nothing_and_goes_on_when_there_is(ledger: Ledger) -> None:
    ledger.service.publisher.publish_all()
    before = published(ledger)
    log = ledger.store.logs()[RECORDS]
    place = ledger.folder / "signed"
    kept = {path.name: path.read_bytes() for path in place.iterdir() if path.is_file()}
    with mounted(place, "256k"):
        for name, data in kept.items():
            (place / name).write_bytes(data)
        fill(place)
        ledger.submit([submission(1)])
        with SignerServer(place, ledger.service.own_signer()):
            for _ in range(2):
                with pytest.raises(StorageFull, match="the signer stopped") as refused:
                    RemoteSigner(place).publish(log)
                assert "Make room" in refused.value.advice
                assert published(ledger) == before
            make_room(place)
            assert RemoteSigner(place).publish(log).size > before
        report = ledger.service.verifier.run(log)
        assert report.holds, report.summary


def test_what_witnesses_said_is_entered_once_there_is_room_to_keep_it(ledger: Ledger, clock: MovableClock) -> None:
    trust = Trust(ledger, *two_witnesses(ledger))
    trust.policy()
    trust.publisher.publish_all()
    place, log = ledger.folder / "kept" / "cosigned" / "records", ledger.store.logs()[RECORDS]
    kept = {path.name: path.read_bytes() for path in place.iterdir()}
    (lines,) = [name for name in kept if name.endswith(".jsonl")]
    with mounted(place, "64k"):
        for name, data in kept.items():
            (place / name).write_bytes(data)
        # Less than a line.
        with (place / lines).open("ab") as file:
            file.write(b"\n" * (-file.tell() % mmap.PAGESIZE - 100))
        fill(place)
        ledger.submit([submission(1)])
        with pytest.raises(OSError, match="No space left"):
            trust.publisher.publish(log)
        assert (place / "latest").read_bytes() == kept["latest"]
        make_room(place)
        trust.publisher.publish_all()
        assert trust.verify(RECORDS, 1, 2, 3, 5).holds
        assert (place / "latest").read_bytes() != kept["latest"]
        whole = [json.loads(line)["note"] for line in (place / lines).read_bytes().split(b"\n")[-2:] if line]
        assert whole == [(place / "latest").read_text()]


def test_a_service_does_not_start_in_a_folder_that_can_only_be_read(ledger: Ledger) -> None:
    ledger.close()
    where = ["--ledger", str(ledger.folder)]
    commands = [["serve", *where, "--port", "0"], ["signer", *where]]
    if ledger.is_sqlite:  # which writes beside its file even to read
        commands.append(["verify", *where])
    before = {path: path.read_bytes() for path in ledger.folder.rglob("*") if path.is_file()}
    with read_only(ledger.folder):
        for command in commands:
            told = trailseal(*command)
            assert (told.code, told.out) == (1, "")
            assert f"{ledger.folder} can be read, but not written to" in told.err
            assert "copy its folder" in told.err
    assert {path: path.read_bytes() for path in ledger.folder.rglob("*") if path.is_file()} == before


def test_a_signers_memory_that_can_only_be_read_is_named_before_anything_starts(sqlite_ledger: Ledger) -> None:
    sqlite_ledger.service.publisher.publish_all()
    memory = sqlite_ledger.folder / "signed"
    with read_only(memory):
        told = trailseal("serve", "--ledger", sqlite_ledger.folder, "--port", "0")
        assert told.code == 1
        assert f"{memory} can be read, but not written to" in told.err
        with SignerChild() as child, pytest.raises(ConfigError, match=r"signer\.sock can be read"):
            child.begin(sqlite_ledger.folder)


def test_a_database_that_can_only_be_read_takes_no_record_and_says_so(
    postgres_ledger: Ledger, postgres_server: PostgresServer
) -> None:
    name = str(postgres_ledger.settings.database_url(postgres_ledger.folder).database)
    size = len(postgres_ledger.query("SELECT pos FROM leaf"))
    statement = sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = {}")
    with psycopg.connect(postgres_server.admin_dsn(), autocommit=True) as admin:
        admin.execute(statement.format(sql.Identifier(name), "on"))
        with pytest.raises(InternalError) as failed:
            postgres_ledger.open().ingest.submit(batch([submission(1)]), AUTHORITY)
        assert isinstance(trouble_of(failed.value), StorageReadOnly)
        assert "operator1" not in str(failed.value), "what is logged holds a record"
        admin.execute(statement.format(sql.Identifier(name), "off"))
    assert len(postgres_ledger.query("SELECT pos FROM leaf")) == size
    assert postgres_ledger.open().ingest.submit(batch([submission(1)]), AUTHORITY).outcomes


def test_a_database_that_is_damaged_is_no_defect_of_the_service(sqlite_ledger: Ledger) -> None:
    sqlite_ledger.close()
    file = Path(str(sqlite_ledger.settings.database_url(sqlite_ledger.folder).database))
    data = bytearray(file.read_bytes())
    data[:16] = bytes(16)
    file.write_bytes(data)
    with pytest.raises(DBAPIError) as failed:
        sqlite_ledger.open()
    assert isinstance(trouble_of(failed.value), StorageDamaged)


def test_what_is_logged_of_a_failed_statement_holds_nothing_of_a_record(ledger: Ledger) -> None:
    with pytest.raises(DBAPIError) as failed, ledger.store.writing() as connection:
        connection.execute(text("INSERT INTO nowhere VALUES (:body)"), {"body": "operator1"})
    assert "operator1" not in str(failed.value)
