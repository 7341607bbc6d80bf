"""Jobs on either database: worked once, by one process at a time, resumable, cancellable, never lost in silence."""

import json
import threading

import pytest

from ledger.core.errors import NotFound
from ledger.core.job import Job, JobState
from ledger.jobs.frame import LEASE_US, Context, Handler, Jobs
from tests.support.ledgers import Ledger, MovableClock


def jobs(ledger: Ledger, handler: Handler) -> Jobs:
    """The jobs of one process more."""
    return Jobs(ledger.store, {"count": handler})


def count(context: Context) -> str:
    """Counts to ten from its cursor on."""
    at = json.loads(context.job.cursor).get("at", 0)
    begun = at
    while at < 10:
        at += 1
        context.progress(at, 10, "steps", json.dumps({"at": at}))
    return json.dumps({"from": begun, "to": at})


def test_a_job_is_worked_with_its_parameters_and_keeps_its_result(ledger: Ledger) -> None:
    seen: list[str] = []

    def handler(context: Context) -> str:
        seen.append(context.job.parameters)
        return '{"answer":42}'

    done = jobs(ledger, handler).run_now("count", '{"question":1}')
    assert (done.state, done.result, done.error) == (JobState.DONE, '{"answer":42}', "")
    assert seen == ['{"question":1}']
    assert jobs(ledger, handler).get(done.id) == done


def test_a_scheduled_instant_is_put_in_once(ledger: Ledger) -> None:
    one, other = jobs(ledger, count), jobs(ledger, count)
    assert one.enqueue_at("count", 1_000) is not None
    assert other.enqueue_at("count", 1_000) is None
    assert len(one.list("count")) == 1


def test_jobs_put_in_at_once_are_all_there(ledger: Ledger, clock: MovableClock) -> None:
    one = jobs(ledger, count)

    def put_in() -> None:
        for _ in range(5):
            one.enqueue("count")
            clock.at_us += 1

    threads = [threading.Thread(target=put_in) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(one.list("count")) == 10


def test_two_processes_never_claim_the_same_job(ledger: Ledger) -> None:
    one, other = jobs(ledger, count), jobs(ledger, count)
    for at in range(20):
        one.enqueue_at("count", at)
    taken: list[list[int]] = [[], []]

    def take(of: Jobs, into: list[int]) -> None:
        while (job := of.claim()) is not None:
            into.append(job.id)

    threads = [threading.Thread(target=take, args=pair) for pair in zip((one, other), taken, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken[0] + taken[1]) == len(set(taken[0] + taken[1])) == 20


def test_a_job_whose_process_died_is_taken_over_and_goes_on_from_its_cursor(
    ledger: Ledger, clock: MovableClock
) -> None:
    dead, alive = jobs(ledger, count), jobs(ledger, count)
    queued = dead.enqueue("count")
    claimed = dead.claim()
    assert claimed is not None
    dead.touch(claimed, {"cursor": '{"at":6}'})
    assert alive.claim() is None
    clock.at_us += LEASE_US + 1
    taken = alive.claim()
    assert taken is not None
    assert json.loads(alive.work(taken).result) == {"from": 6, "to": 10}
    late = dead.work(claimed)
    assert (late.id, late.state, late.owner) == (queued.id, JobState.DONE, taken.owner)
    assert json.loads(late.result) == {"from": 6, "to": 10}


def test_a_running_job_stops_at_its_next_report_when_it_is_cancelled(ledger: Ledger) -> None:
    one = jobs(ledger, count)

    def watch(job: Job) -> None:
        if job.done == 3:
            one.cancel(job.id)

    ended = one.run_now("count", watch=watch)
    assert (ended.state, ended.done) == (JobState.CANCELLED, 4)


def test_a_queued_job_that_is_cancelled_is_never_begun(ledger: Ledger) -> None:
    one = jobs(ledger, count)
    queued = one.enqueue("count")
    assert one.cancel(queued.id).state is JobState.CANCELLED
    assert one.claim() is None


def test_a_job_that_fails_says_why(ledger: Ledger) -> None:
    def handler(context: Context) -> str:
        raise NotFound("there is nothing to count")

    ended = jobs(ledger, handler).run_now("count")
    assert (ended.state, ended.error) == (JobState.FAILED, "not_found: there is nothing to count")


def test_progress_is_not_written_with_every_step(sqlite_ledger: Ledger) -> None:
    written: list[int] = []

    def handler(context: Context) -> str:
        for at in range(10_000):
            context.progress(at, 10_000, "steps")
        return "{}"

    jobs(sqlite_ledger, handler).run_now("count", watch=lambda job: written.append(job.done))
    assert 1 <= len(written) < 50


def test_a_sort_without_handler_is_refused_and_named(sqlite_ledger: Ledger) -> None:
    with pytest.raises(NotFound, match="paint"):
        jobs(sqlite_ledger, count).enqueue("paint")
