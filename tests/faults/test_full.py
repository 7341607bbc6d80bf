"""The disk of a running service is full: nothing acknowledged is lost, who sends is told, and it goes on by itself.

`make soak` fills it many more times.
"""

from pathlib import Path

import pytest

from tests.faults.full import run
from tests.support.postgres import PgDatabase, PostgresServer

TIMES, SEED = 1, 20261129


def test_a_full_disk_loses_nothing_and_the_service_goes_on_when_there_is_room_on_sqlite(tmp_path: Path) -> None:
    assert run(TIMES, SEED, tmp_path)


@pytest.mark.postgres
@pytest.mark.timeout(400)
def test_a_full_disk_loses_nothing_and_the_service_goes_on_when_there_is_room_on_postgresql(
    tmp_path: Path, postgres_server: PostgresServer, postgres_template: PgDatabase
) -> None:
    assert run(TIMES, SEED, tmp_path, postgres_server, postgres_template)
