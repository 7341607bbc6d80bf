"""A verification run holds on an untouched ledger, is an entry, goes on from an earlier one, and can be resumed."""

import msgspec
import pytest
from sqlalchemy import update

from ledger.core.errors import NotFound
from ledger.core.job import JobState
from ledger.integrity.kinds import Verdict
from ledger.integrity.run import Stand
from ledger.jobs.frame import Cancelled
from ledger.jobs.tables import job as job_table
from tests.support.ledgers import RECORDS, Ledger, submission

pytestmark = pytest.mark.sampled


def fill(ledger: Ledger, first: int, count: int) -> None:
    ledger.submit([submission(number, data=b"row %d" % number) for number in range(first, first + count)])


def test_a_new_ledger_verifies_in_every_log(ledger: Ledger) -> None:
    for log in ledger.service.logs.values():
        report = ledger.service.verifier.run(log)
        assert report.holds, report.summary


def test_a_run_states_what_was_verified_and_names_the_level_that_cannot_be_judged(ledger: Ledger) -> None:
    fill(ledger, 0, 600)
    ledger.service.publisher.publish_all()
    log = ledger.service.log()
    with ledger.store.reader(RECORDS) as reader:
        size, root = reader.head().size, reader.head().root()
    report = ledger.service.verifier.run(log)
    assert report.holds, report.summary
    assert (report.result.low, report.result.size) == (0, size)
    verdicts = {level.level: level.verdict for level in report.result.levels}
    assert verdicts == dict.fromkeys((1, 2, 3, 4), Verdict.HOLDS) | {5: Verdict.NOT_ASSESSABLE}
    assert report.result.root is not None
    assert msgspec.json.decode(f'"{report.result.root}"', type=bytes) == root
    assert report.index == ledger.service.verifier.last(log) == size
    assert ledger.service.verifier.history(log) == [report]


def test_a_level_that_was_not_asked_for_is_named_as_not_run(ledger: Ledger) -> None:
    report = ledger.service.verifier.run(ledger.service.log(), levels=(1,), columns=True)
    assert report.holds
    assert {level.level for level in report.result.levels if level.verdict is Verdict.NOT_RUN} == {2, 3, 4, 5}


def test_a_run_that_verified_no_entries_does_not_hold(ledger: Ledger) -> None:
    assert not ledger.service.verifier.run(ledger.service.log(), levels=(3,)).holds


def test_an_incremental_run_goes_on_from_the_last_one_that_held(ledger: Ledger) -> None:
    log = ledger.service.log()
    fill(ledger, 0, 300)
    first = ledger.service.verifier.run(log)
    fill(ledger, 300, 400)
    second = ledger.service.verifier.run(log, full=False)
    assert second.holds, second.summary
    assert second.result.low == first.result.size
    assert second.result.size > first.result.size + 400


def test_an_incremental_run_fails_where_the_part_before_it_has_another_root(ledger: Ledger) -> None:
    log = ledger.service.log()
    fill(ledger, 0, 300)
    ledger.service.verifier.run(log)
    fill(ledger, 300, 10)
    with ledger.administrator() as connection:
        connection.exec_driver_sql(f"UPDATE tile SET hashes = (SELECT data FROM leaf LIMIT 1) WHERE log = {RECORDS}")
    report = ledger.service.verifier.run(log, full=False)
    assert not report.holds


def test_a_stopped_job_goes_on_where_it_stood(ledger: Ledger) -> None:
    fill(ledger, 0, 700)
    jobs = ledger.service.jobs
    queued = jobs.enqueue("verify")
    claimed = jobs.claim(queued.id)
    assert claimed is not None
    cursors: list[str] = []

    def watch(job: object) -> None:
        cursor = jobs.get(queued.id).cursor
        if cursor != "{}":
            cursors.append(cursor)
            jobs.cancel(queued.id)

    stopped = jobs.work(claimed, watch)
    assert (stopped.state, stopped.cursor) == (JobState.CANCELLED, cursors[-1])
    with ledger.store.writing() as connection:
        connection.execute(update(job_table).values(state=JobState.QUEUED.value, cancel=False))
    again = jobs.claim(queued.id)
    assert again is not None
    done = jobs.work(again)
    assert done.state is JobState.DONE, done.error
    assert msgspec.json.decode(done.result)["holds"]


def test_a_forged_cursor_skips_nothing(ledger: Ledger) -> None:
    fill(ledger, 0, 300)
    with ledger.administrator() as connection:
        connection.exec_driver_sql("UPDATE original SET data = salt WHERE pos = (SELECT min(pos) FROM original)")
    with ledger.store.reader(RECORDS) as reader:
        head = reader.head()
    jobs = ledger.service.jobs
    queued = jobs.enqueue("verify")
    state = msgspec.json.encode(
        {"stand": Stand(level=2, size=head.size, root=msgspec.json.encode(head.root())[1:-1].decode())}
    )
    cursor = msgspec.json.encode({"state": state, "mac": bytes(32)}).decode()
    with ledger.store.writing() as connection:
        connection.execute(update(job_table).values(cursor=cursor))
    claimed = jobs.claim(queued.id)
    assert claimed is not None
    assert not msgspec.json.decode(jobs.work(claimed).result)["holds"]


def test_a_cancelled_run_enters_nothing(sqlite_ledger: Ledger) -> None:
    fill(sqlite_ledger, 0, 300)

    def stop(level: int, done: int, total: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        sqlite_ledger.service.verifier.run(sqlite_ledger.service.log(), progress=stop)
    assert sqlite_ledger.service.verifier.last(sqlite_ledger.service.log()) is None


def test_a_plan_for_a_log_that_is_not_there_says_so(sqlite_ledger: Ledger) -> None:
    job = sqlite_ledger.service.jobs.run_now("verify", '{"log":"nothing"}')
    assert job.state is JobState.FAILED
    assert NotFound.code in job.error
