"""Two processes decide at once, on either database: the head lock lets one of them, and the log stays in order."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from ledger.core.errors import LedgerError
from ledger.core.workflow import RequestState, Step
from ledger.signing.workflows import Workflows
from ledger.store.append import Batch, Placed
from ledger.store.store import Store
from tests.support.postgres import chosen_database
from tests.support.signing import Plant

pytestmark = pytest.mark.sampled

PAIR = Step(step="review", role="reviewer", meaning="reviewed", needed=2)
APPROVE = Step(step="approve", role="approver", meaning="approved")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def plant(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    database = chosen_database(request)
    made = Plant(tmp_path_factory.mktemp("plant") / "ledger", database)
    made.route("two", (PAIR,), (APPROVE,))
    for account in ("anna", "ben", "carla", "dora"):
        made.caller(account)  # everybody has signed in before anything happens at once
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


class OneTransaction:
    """Puts the first batches that arrive into one group commit, as the sequencer does with those that wait."""

    def __init__(self, store: Store, count: int) -> None:
        self._store, self._usual = store, store.append
        self._barrier = threading.Barrier(count)
        self._lock = threading.Lock()
        self._batches: list[Batch] = []
        self._answers: list[list[Placed] | LedgerError] = []
        self._count = count

    def __call__(self, log: int, batch: Batch) -> list[Placed]:
        with self._lock:
            at = len(self._batches)
            self._batches.append(batch)
        if at >= self._count:
            return self._usual(log, batch)
        self._barrier.wait()
        with self._lock:
            if not self._answers:
                appender = self._store._sequencer(log)._appender
                self._answers = appender.commit(self._batches[: self._count])
        answer = self._answers[at]
        if isinstance(answer, LedgerError):
            raise answer
        return answer


def test_of_decisions_in_one_group_commit_each_sees_those_before_it(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = plant.open("two", plant.collect()).request
    with monkeypatch.context() as patched, ThreadPoolExecutor(4) as threads:
        patched.setattr(plant.service.store, "append", OneTransaction(plant.service.store, 4))
        who = ("anna", "anna", "ben", "ben")
        done = [threads.submit(tried, plant.flows, plant, request, "review", account) for account in who]
        assert sum(one.result() for one in done) == 2
    assert plant.running(request).progress.people == {"anna", "ben"}
    assert plant.fault() is None


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
