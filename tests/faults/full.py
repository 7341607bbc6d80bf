"""A service on a disk that becomes full again and again while records come in."""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from tests.faults.plant import Plant
from tests.support.disks import fill, make_room, mounted
from tests.support.postgres import PgDatabase, PostgresServer

MOST_LEFT = 200_000
"""Bytes of room that are left at most when the disk fills up."""
ENOUGH = 200
"""Runs within which so little room is used up."""
SIGNED_S = 60.0


def run(
    times: int,
    seed: int,
    folder: Path,
    server: PostgresServer | None = None,
    template: PgDatabase | None = None,
) -> str:
    """Fills the disk of a ledger's database so often; on SQLite it is that of keys and signer's memory too.
    `template`: a database that has the schema already.

    Raises AssertionError where anything that was acknowledged is lost, where the answer does not name the full disk,
    and where the service does not go on by itself once there is room.
    """
    dice = random.Random(seed)
    disk = (folder if server is None else server.directory) / "disk"
    disk.mkdir()
    with mounted(disk, "96m"), _database(disk, server, template) as database:
        place = folder / "ledger" if server is not None else disk / "ledger"
        with Plant(place, seed, database) as plant:
            for _ in range(times):
                assert plant.send() is None, "there is room"
                _once(plant, disk, dice)
            plant.serving.stop()
        plant.inspect()
        records = len(plant.producer.acknowledged)
    return f"the disk was full {times} times, {records} records acknowledged and kept"


def _once(plant: Plant, disk: Path, dice: random.Random) -> None:
    fill(disk, dice.randrange(MOST_LEFT))
    error = None
    for _ in range(ENOUGH):
        error = plant.send()
        if error is not None:
            break
    assert error is not None, f"{ENOUGH} runs found room on a full disk"
    assert "the disk of the ledger's database is full" in str(error), str(error)
    assert "Make room" in error.advice, error.advice
    assert plant.checkpoint() > 0, "nobody is answered any more"
    make_room(disk)
    # The very same service, and the very same run.
    waiting = plant.producer.pending
    again = plant.send()
    assert again is None, f"there is room again, and the answer is: {again}"
    assert waiting is not None
    last = max(plant.producer.runs)
    late = time.monotonic() + SIGNED_S
    while plant.checkpoint() <= last:
        assert time.monotonic() < late, f"nothing is signed any more:\n{plant.serving.command.tail()}"
        time.sleep(0.05)


@contextmanager
def _database(disk: Path, server: PostgresServer | None, template: PgDatabase | None) -> Iterator[PgDatabase | None]:
    """On PostgreSQL a database whose tables are on that disk."""
    if server is None:
        yield None
        return
    place = disk / "tables"
    place.mkdir()
    server.give(place)
    database = server.create_database(template)
    names = {"space": sql.Identifier("small"), "database": sql.Identifier(database.name), "place": str(place)}
    with psycopg.connect(server.admin_dsn(), autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE TABLESPACE {space} LOCATION {place}").format(**names))
        admin.execute(sql.SQL("ALTER DATABASE {database} SET TABLESPACE {space}").format(**names))
    try:
        yield database
    finally:
        server.drop_database(database)
        with psycopg.connect(server.admin_dsn(), autocommit=True) as admin:
            admin.execute(sql.SQL("DROP TABLESPACE {space}").format(**names))
