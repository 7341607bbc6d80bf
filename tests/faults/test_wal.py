"""The disk of PostgreSQL's write-ahead log is full: it stops itself, and the service goes on once there is room."""

import contextlib
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.faults.plant import Plant
from tests.support.disks import fill, make_room, mounted
from tests.support.postgres import PostgresServer, temporary_postgres

RUNS = 50
GOES_ON_S = 60.0


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A cluster of the test's own, whose write-ahead log has a small disk."""
    with temporary_postgres() as server:
        server.stop()
        log = server.directory / "data" / "pg_wal"
        kept = server.directory / "wal"
        shutil.copytree(log, kept)
        with mounted(log, "96m"):
            shutil.copytree(kept, log, dirs_exist_ok=True)
            for path in (log, *log.rglob("*")):
                server.give(path)
            log.chmod(0o700)
            server.start()
            try:
                yield server
            finally:
                server.stop()


def panics(server: PostgresServer) -> int:
    return (server.directory / "server.log").read_text(errors="replace").count("PANIC")


def test_a_full_disk_of_the_write_ahead_log_loses_nothing_and_the_service_goes_on(
    server: PostgresServer, tmp_path: Path
) -> None:
    disk = server.directory / "data" / "pg_wal"
    database = server.create_database()
    with Plant(tmp_path / "ledger", 20261129, database) as plant:
        assert plant.send() is None
        fill(disk)
        error = None
        for _ in range(RUNS):
            # Each turn takes another segment of 16 MB, for which there is no room.
            with contextlib.suppress(psycopg.Error), psycopg.connect(server.admin_dsn(), autocommit=True) as admin:
                admin.execute("SELECT pg_switch_wal()")
            error = plant.send()
            if error is not None:
                break
        assert error is not None, "there was room all the same"
        assert plant.serving.command.exit_code is None, "the service ended with its database"
        stopped = "database does not answer" in str(error)
        # It may have had room enough left to refuse by itself.
        assert stopped or "disk of the ledger's database is full" in str(error), error
        make_room(disk)
        until = time.monotonic() + GOES_ON_S
        while (again := plant.send()) is not None:
            assert time.monotonic() < until, f"{again}: {plant.serving.command.tail()}"
            if not server.running:
                server.start()  # as whatever watches over it does
            time.sleep(0.1)
        assert panics(server) > 0 or not stopped
        last = max(plant.producer.runs)
        while plant.checkpoint() <= last:
            assert time.monotonic() < until, plant.serving.command.tail()
            time.sleep(0.05)
        plant.serving.stop()
    plant.inspect()
