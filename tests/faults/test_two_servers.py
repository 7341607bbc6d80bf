"""Two servers on one database: both take records, one of them signs, and the other goes on when that one dies."""

import shutil
import time
from pathlib import Path

import pytest

from tests.faults.plant import Plant
from tests.support.postgres import PgDatabase
from tests.support.serving import Serving

SIGNED_S = 60.0


def sent_by(plant: Plant, serving: Serving) -> int:
    """The entry of a run that this server acknowledged."""
    error = plant.send(serving)
    assert error is None, f"{error}\n{serving.command.tail()}"
    return max(plant.producer.runs)


def require_signed(plant: Plant, serving: Serving, entry: int) -> None:
    """The server shows a checkpoint over the entry, whoever signed it."""
    late = time.monotonic() + SIGNED_S
    while plant.checkpoint(serving) <= entry:
        assert time.monotonic() < late, f"entry {entry} is not signed:\n{serving.command.tail()}"
        time.sleep(0.05)


def one_dies(plant: Plant, second: Path) -> None:
    with plant, Serving(second) as other:
        other.start()
        for server in (plant.serving, other, plant.serving, other):
            sent_by(plant, server)
        last = sent_by(plant, other)
        for server in (plant.serving, other):
            require_signed(plant, server, last)
        plant.serving.kill()
        require_signed(plant, other, sent_by(plant, other))
        plant.serving.start()
        for server in (plant.serving, other):
            require_signed(plant, other, sent_by(plant, server))
        other.stop()
        require_signed(plant, plant.serving, sent_by(plant, plant.serving))
        plant.serving.stop()
    plant.inspect()


@pytest.mark.timeout(400)
def test_the_second_server_of_a_folder_goes_on_when_the_first_dies(tmp_path: Path) -> None:
    plant = Plant(tmp_path / "ledger", 20261129)
    one_dies(plant, plant.folder)


@pytest.mark.postgres
@pytest.mark.timeout(400)
def test_the_second_server_of_a_database_goes_on_when_the_first_dies(
    tmp_path: Path, migrated_postgres: PgDatabase
) -> None:
    plant = Plant(tmp_path / "first", 20261129, migrated_postgres)
    shutil.copytree(plant.folder, tmp_path / "second")
    one_dies(plant, tmp_path / "second")
