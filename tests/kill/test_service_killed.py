"""The service is killed under load: no acknowledged record is lost, none doubled, and the ledger verifies each time.

`make soak` does the same many more times (`tests/soak`).
"""

import pytest

from tests.kill.campaign import Kill, run
from tests.support.postgres import PostgresServer

KILLS = 3
SEED = 20261125


def test_no_acknowledged_record_is_lost_or_doubled_when_the_service_is_killed_on_sqlite() -> None:
    tally = run(KILLS, SEED)
    assert tally.kills[Kill.LOADED] == KILLS
    assert tally.acknowledged > KILLS
    assert tally.repeated


@pytest.mark.postgres
def test_no_acknowledged_record_is_lost_or_doubled_when_service_or_database_is_killed_on_postgresql(
    postgres_server: PostgresServer,
) -> None:
    tally = run(KILLS, SEED, postgres_server)
    assert tally.kills[Kill.LOADED] == KILLS
    assert tally.kills[Kill.SERVER] == tally.kills[Kill.BACKEND] == 1
    assert tally.acknowledged > KILLS
    assert tally.repeated
