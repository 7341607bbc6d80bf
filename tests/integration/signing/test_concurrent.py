"""Two processes decide at once, on either database: the head lock lets one of them, and the log stays in order."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from ledger.core.errors import LedgerError
from ledger.core.workflow import RequestState, Step
from ledger.signing.workflows import Workflows
from tests.support.postgres import PostgresServer
from tests.support.signing import Plant

PAIR = Step(step="review", role="reviewer", meaning="reviewed", needed=2)
APPROVE = Step(step="approve", role="approver", meaning="approved")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def plant(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    database = None
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        database = server.create_database(request.getfixturevalue("postgres_template"))
    made = Plant(tmp_path_factory.mktemp("plant") / "ledger", database)
    made.route("two", (PAIR,), (APPROVE,))
    yield made
    made.close()


@pytest.fixture(scope="module")
def elsewhere(plant: Plant) -> Workflows:
    """The workflows of another process."""
    return Workflows(plant.ledger.open().store)


def tried(flows: Workflows, plant: Plant, request: str, step: str, account: str) -> bool:
    try:
        flows.decisions.sign(request, step, plant.signature(request, step, account), "looked at in full")
    except LedgerError:
        return False
    return True


def test_one_person_who_signs_in_two_processes_at_once_signs_once(plant: Plant, elsewhere: Workflows) -> None:
    request = plant.open("two", plant.collect()).request
    with ThreadPoolExecutor(6) as threads:
        both = [
            threads.submit(tried, flows, plant, request, "review", "anna") for flows in (plant.flows, elsewhere) * 3
        ]
        assert sum(one.result() for one in both) == 1
    assert plant.running(request).progress.people == {"anna"}
    assert plant.fault() is None


def test_of_three_who_take_two_places_at_once_two_sign_and_one_may_approve(plant: Plant, elsewhere: Workflows) -> None:
    request = plant.open("two", plant.collect()).request
    with ThreadPoolExecutor(3) as threads:
        done = [
            threads.submit(tried, flows, plant, request, "review", account)
            for flows, account in ((plant.flows, "anna"), (elsewhere, "ben"), (elsewhere, "carla"))
        ]
        assert sum(one.result() for one in done) == 2
    with ThreadPoolExecutor(2) as threads:
        last = [threads.submit(tried, flows, plant, request, "approve", "dora") for flows in (plant.flows, elsewhere)]
        assert sum(one.result() for one in last) == 1
    assert plant.running(request).progress.state is RequestState.COMPLETED
    assert plant.fault() is None


def test_a_change_is_superseded_once_and_asked_for_again_once(plant: Plant, elsewhere: Workflows) -> None:
    (record,) = plant.collect()
    request = plant.open("two", [record]).request
    plant.change(record)
    with ThreadPoolExecutor(2) as threads:
        found = [one.result() for one in [threads.submit(flows.renew) for flows in (plant.flows, elsewhere)]]
    assert sum(done.count(request) for done in found) == 1
    renewed = [one for one in plant.flows.requests.all() if one.request.renews == request]
    assert len(renewed) == 1
    assert plant.fault() is None
    for log in plant.service.logs.values():
        report = plant.service.verifier.run(log, levels=(1, 2))
        assert report.holds, report.summary
