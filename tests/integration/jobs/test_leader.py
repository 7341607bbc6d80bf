"""At most one process leads, a dead one does not, and only the leader runs the schedules."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from ledger.core.clock import SystemClock
from ledger.core.job import JobState
from ledger.jobs.frame import Context, Jobs
from ledger.jobs.leader import FileLock, LeaderLock, leader_lock
from ledger.jobs.scheduler import Duty, Schedule, Scheduler
from tests.support.ledgers import Ledger
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.sampled

ROOT = Path(__file__).parents[3]


def lock_of(ledger: Ledger) -> LeaderLock:
    return leader_lock(ledger.settings.database_url(ledger.folder), ledger.folder)


def eventually(true: Callable[[], bool], seconds: float = 15) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if true():
            return True
        time.sleep(0.05)
    return False


def test_one_of_two_holds_the_lock_until_it_gives_it_back(ledger: Ledger) -> None:
    one, other = lock_of(ledger), lock_of(ledger)
    assert one.acquire()
    assert one.acquire()
    assert not other.acquire()
    assert (one.held(), other.held()) == (True, False)
    one.release()
    assert other.acquire()
    other.release()


def test_a_killed_process_loses_the_lock(ledger: Ledger) -> None:
    url = ledger.settings.database_url(ledger.folder).render_as_string(hide_password=False)
    program = (
        "import sys, time; from pathlib import Path; from ledger.jobs.leader import leader_lock\n"
        "assert leader_lock(sys.argv[1], Path(sys.argv[2])).acquire(); print('held', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, url, str(ledger.folder)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    mine = lock_of(ledger)
    assert not mine.acquire()
    process.kill()
    process.wait()
    process.stdout.close()
    assert eventually(mine.acquire)
    mine.release()


def test_a_lock_whose_file_was_replaced_is_lost(tmp_path: Path) -> None:
    one, other = FileLock(tmp_path / "leader.lock"), FileLock(tmp_path / "leader.lock")
    assert one.acquire()
    (tmp_path / "leader.lock").unlink()
    assert other.acquire()
    assert (one.held(), other.held()) == (False, True)
    other.release()


def test_a_lock_whose_session_was_ended_is_lost(postgres_ledger: Ledger, postgres_server: PostgresServer) -> None:
    lock = lock_of(postgres_ledger)
    assert lock.acquire()
    with psycopg.connect(postgres_server.admin_dsn(), autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
    assert not lock.held()
    assert eventually(lock.acquire)
    lock.release()


def nothing(context: Context) -> str:
    return "{}"


def scheduler(ledger: Ledger, beats: list[str], name: str) -> Scheduler:
    jobs = Jobs(ledger.store, {"tick": nothing})
    duty = Duty(name="beat", every_s=0.1, run=lambda: beats.append(name))
    return Scheduler(jobs, lock_of(ledger), SystemClock(), [Schedule(sort="tick", every_s=1)], [duty])


def test_only_the_leader_runs_and_each_instant_is_worked_once(ledger: Ledger) -> None:
    beats: list[str] = []
    one, other = scheduler(ledger, beats, "one"), scheduler(ledger, beats, "other")
    one.start()
    try:
        assert eventually(lambda: one.leads)
        other.start()
        jobs = Jobs(ledger.store, {"tick": nothing})
        assert eventually(lambda: sum(job.state is JobState.DONE for job in jobs.list("tick")) >= 2)
        assert set(beats) == {"one"}
        assert not other.leads
        one.stop()
        assert not one.leads
        assert eventually(lambda: other.leads and "other" in beats)
        instants = [scheduled for (scheduled,) in ledger.query("SELECT scheduled_us FROM job")]
        assert len(instants) == len(set(instants))
    finally:
        other.stop()


def test_a_leader_that_loses_the_lock_stops_leading(sqlite_ledger: Ledger) -> None:
    beats: list[str] = []
    one = scheduler(sqlite_ledger, beats, "one")
    one.start()
    try:
        assert eventually(lambda: one.leads and bool(beats))
        (sqlite_ledger.folder / "leader.lock").unlink()
        taken = lock_of(sqlite_ledger)
        assert taken.acquire()
        assert eventually(lambda: not one.leads)
        time.sleep(0.3)
        before = len(beats)
        time.sleep(0.5)
        assert len(beats) == before
        taken.release()
    finally:
        one.stop()


def test_a_duty_that_fails_is_tried_again_and_stops_no_other(sqlite_ledger: Ledger) -> None:
    tries, good = [], threading.Event()

    def fail() -> None:
        tries.append(1)
        raise RuntimeError("not today")

    duties = [Duty(name="bad", every_s=0.1, run=fail), Duty(name="good", every_s=0.1, run=good.set)]
    jobs = Jobs(sqlite_ledger.store, {"tick": nothing})
    one = Scheduler(jobs, lock_of(sqlite_ledger), SystemClock(), [], duties)
    one.start()
    try:
        assert good.wait(15)
        assert eventually(lambda: len(tries) >= 3)
    finally:
        one.stop()
