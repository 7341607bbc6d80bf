"""Schedules, declared in code, that run in exactly one process: the one that holds the leader lock.

A firing puts in the job row of its instant; that row is unique, so not even two leaders in a row start one run twice.
APScheduler's own job store is never shared: it lives in memory and only while the lock is held.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import structlog
from apscheduler.executors.pool import ThreadPoolExecutor as FiringExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from ledger.core.clock import MICROSECONDS, WallClock
from ledger.jobs.frame import Jobs
from ledger.jobs.leader import LeaderLock

LOOK_S: Final = 1.0
"""Seconds between two looks at the lock, and for jobs that somebody put in."""


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """A job of `sort` every `every_s` seconds, `offset_s` after midnight UTC; its instants are multiples of that."""

    sort: str
    every_s: int
    offset_s: int = 0
    parameters: str = "{}"

    def instant_us(self, now_us: int) -> int:
        """The schedule's latest instant that is not after now."""
        period, offset = self.every_s * MICROSECONDS, self.offset_s * MICROSECONDS
        return (now_us - offset) // period * period + offset


class Duty(msgspec.Struct, frozen=True, kw_only=True):
    """What the leader does every `every_s` seconds without a job row, such as publishing checkpoints."""

    name: str
    every_s: float
    run: Callable[[], object]


class Scheduler:
    """Follows the lock in a thread of its own: leads while it is held, and stops leading when it is lost."""

    def __init__(
        self,
        jobs: Jobs,
        lock: LeaderLock,
        clock: WallClock,
        schedules: Sequence[Schedule],
        duties: Sequence[Duty] = (),
    ) -> None:
        self._jobs = jobs
        self._lock = lock
        self._clock = clock
        self._schedules = tuple(schedules)
        self._duties = tuple(duties)
        self._stop = threading.Event()
        self._leading = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="leader", daemon=True)
        self._log = structlog.get_logger("jobs")

    def start(self) -> None:
        """Begins to try for the lock; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Stops leading, lets running work come to its next report, and gives the lock back."""
        self._stop.set()
        self._thread.join()

    @property
    def leads(self) -> bool:
        """Whether this process is the leader now."""
        return self._leading.is_set()

    def _follow(self) -> None:
        while not self._stop.is_set():
            if self._lock.acquire():
                self._lead()
            self._stop.wait(LOOK_S)
        self._lock.release()

    def _lead(self) -> None:
        firing = BackgroundScheduler(
            timezone=UTC,
            executors={"default": FiringExecutor(max_workers=len(self._duties) + 2)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="job")
        for schedule in self._schedules:
            first = datetime.fromtimestamp(schedule.offset_s, UTC)
            firing.add_job(
                self._guarded(schedule.sort, self._fire), IntervalTrigger(seconds=schedule.every_s, start_date=first),
                args=[schedule],
            )  # fmt: skip
        for duty in self._duties:
            firing.add_job(self._guarded(duty.name, duty.run), IntervalTrigger(seconds=duty.every_s))
        self._leading.set()
        self._log.info("leading")
        firing.start()
        try:
            running = worker.submit(self._guarded("job", self._jobs.work_next))
            while not self._stop.wait(LOOK_S) and self._lock.held():
                if running.done():
                    running = worker.submit(self._guarded("job", self._jobs.work_next))
        finally:
            self._leading.clear()
            firing.shutdown(wait=False)
            worker.shutdown(wait=self._stop.is_set(), cancel_futures=True)
            self._log.info("no longer leading")

    def _fire(self, schedule: Schedule) -> None:
        self._jobs.enqueue_at(schedule.sort, schedule.instant_us(self._clock.now_us()), schedule.parameters)

    def _guarded(self, name: str, run: Callable[..., object]) -> Callable[..., None]:
        """A duty that fails is told of and tried again at its next turn; it never ends the schedule."""

        def guarded(*arguments: Any) -> None:
            try:
                run(*arguments)
            except Exception as error:  # whatever a duty does, the others go on
                self._log.error("duty failed", duty=name, error=str(error), kind=type(error).__name__)

        return guarded
