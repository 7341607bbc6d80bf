"""Jobs: rows that any process may put in, and one process at a time works on, under a lease.

A job whose process died is taken over when its lease runs out, and goes on from the cursor it saved last. Progress is
written at most twice a second, so that it does not compete with appends.
"""

import os
import secrets
import socket
import time
from collections.abc import Callable, Mapping
from typing import Final

from sqlalchemy import Connection, RowMapping, and_, or_, select, update
from sqlalchemy.exc import IntegrityError as Duplicate

from ledger.core.errors import Conflict, LedgerError, NotFound
from ledger.core.job import Job, JobState
from ledger.jobs.tables import job as table
from ledger.store.store import Store

LEASE_US: Final = 120_000_000
"""How long a job without a sign of life still belongs to its process."""

PROGRESS_EVERY_S: Final = 0.5
"""Seconds between two writes of one job's progress, at least; each prolongs the lease."""

LIVE: Final = frozenset({JobState.QUEUED, JobState.RUNNING})
"""States of a job that has not ended."""

Progress = Callable[[Job], None]


class Cancelled(Exception):
    """Raised inside a handler that asks whether it should go on, when someone cancelled its job."""


class Context:
    """What a handler is given: its job, and the means to report, to save where it stands, and to notice a cancel."""

    def __init__(self, jobs: "Jobs", job: Job, watch: Progress | None) -> None:
        self.job = job
        self._jobs = jobs
        self._watch = watch
        self._written = -PROGRESS_EVERY_S

    def progress(self, done: int, total: int, unit: str, cursor: str | None = None) -> None:
        """Reports progress, and with `cursor` (JSON) where a resumed run goes on.

        Raises Cancelled when the job was cancelled, Conflict when another process has taken it over.
        """
        changes: dict[str, object] = {"done": done, "total": total, "unit": unit}
        if cursor is not None:
            changes["cursor"] = cursor
        now = time.monotonic()
        if cursor is not None or now - self._written >= PROGRESS_EVERY_S or done >= total:
            self._written = now
            self.job = self._jobs.touch(self.job, changes)
            if self._watch is not None:
                self._watch(self.job)
            if self.job.cancel:
                raise Cancelled


Handler = Callable[[Context], str]
"""Does the work and returns its result as JSON."""


class Jobs:
    """All jobs of a ledger, and the handlers that this process has for them, by sort. Safe to use from any thread."""

    def __init__(self, store: Store, handlers: Mapping[str, Handler]) -> None:
        self._store = store
        self._handlers = dict(handlers)
        self._owner = f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(4)}"

    def enqueue(self, sort: str, parameters: str = "{}") -> Job:
        """Puts a job in, to be worked as soon as a process has time; raises NotFound for a sort without a handler."""
        while True:
            job = self.enqueue_at(sort, self._store.clock.now_us(), parameters)
            if job is not None:
                return job

    def enqueue_at(self, sort: str, scheduled_us: int, parameters: str = "{}") -> Job | None:
        """Puts in the job of one scheduled instant; None when it is there already, whoever put it in."""
        self._require(sort)
        row = {
            "sort": sort,
            "state": JobState.QUEUED.value,
            "scheduled_us": scheduled_us,
            "parameters": parameters,
            "cursor": "{}",
            "done": 0,
            "total": 0,
            "unit": "",
            "result": "{}",
            "error": "",
            "owner": "",
            "lease_until_us": 0,
            "cancel": False,
        }
        try:
            with self._store.writing() as connection:
                inserted = connection.execute(table.insert().values(row).returning(*table.c)).mappings().one()
        except Duplicate:
            return None
        return _job(inserted)

    def get(self, ident: int) -> Job:
        """One job; raises NotFound."""
        with self._store.reading() as connection:
            row = connection.execute(select(table).where(table.c.id == ident)).mappings().one_or_none()
        if row is None:
            raise NotFound(f"there is no job {ident}")
        return _job(row)

    def live(self, ident: int) -> bool:
        """Whether a job of that number waits, or is worked on."""
        try:
            return self.get(ident).state in LIVE
        except NotFound:
            return False

    def list(self, sort: str | None = None, limit: int = 50) -> list[Job]:
        """The newest jobs first, of one sort if it is given."""
        query = select(table).order_by(table.c.id.desc()).limit(limit)
        if sort is not None:
            query = query.where(table.c.sort == sort)
        with self._store.reading() as connection:
            return [_job(row) for row in connection.execute(query).mappings()]

    def cancel(self, ident: int) -> Job:
        """Asks for a job to stop: at once if nobody works on it yet, else at its next report. Raises NotFound."""
        with self._store.writing() as connection:
            connection.execute(update(table).where(table.c.id == ident).values(cancel=True))
            connection.execute(
                update(table)
                .where(table.c.id == ident, table.c.state == JobState.QUEUED.value)
                .values(state=JobState.CANCELLED.value)
            )
        return self.get(ident)

    def claim(self, ident: int | None = None) -> Job | None:
        """Takes the oldest job that nobody works on and this process has a handler for (or the one named)."""
        now = self._store.clock.now_us()
        free = or_(
            table.c.state == JobState.QUEUED.value,
            and_(table.c.state == JobState.RUNNING.value, table.c.lease_until_us < now),
        )
        query = select(table.c.id).where(free, table.c.sort.in_(list(self._handlers)))
        if ident is not None:
            query = query.where(table.c.id == ident)
        query = query.order_by(table.c.scheduled_us, table.c.id).limit(1).with_for_update(skip_locked=True)
        with self._store.writing() as connection:
            found = connection.scalar(query)
            if found is None:
                return None
            taken = {"state": JobState.RUNNING.value, "owner": self._owner, "lease_until_us": now + LEASE_US}
            return _change(connection, found, taken)

    def work(self, job: Job, watch: Progress | None = None) -> Job:
        """Works on a claimed job to its end and returns it as it is then; a handler's failure ends its job only."""
        context = Context(self, job, watch)
        changes: dict[str, object]
        try:
            changes = {"result": self._handlers[job.sort](context), "state": JobState.DONE.value}
        except Cancelled:
            changes = {"state": JobState.CANCELLED.value}
        except Exception as error:  # whatever a handler does, its job must not stay "running"
            changes = {"error": _describe(error), "state": JobState.FAILED.value}
        try:
            return self._write(job, {**changes, "lease_until_us": 0})
        except Conflict:
            return self.get(job.id)

    def run_now(self, sort: str, parameters: str = "{}", watch: Progress | None = None) -> Job:
        """Puts a job in and works on it here and now; returns it as it ended."""
        job = self.enqueue(sort, parameters)
        claimed = self.claim(job.id)
        return self.get(job.id) if claimed is None else self.work(claimed, watch)

    def work_next(self) -> Job | None:
        """Claims the next job and works on it; None when there is nothing to do."""
        job = self.claim()
        return None if job is None else self.work(job)

    def touch(self, job: Job, changes: Mapping[str, object]) -> Job:
        """Writes a running job's progress and prolongs its lease; raises Conflict if it is no longer ours."""
        lease = self._store.clock.now_us() + LEASE_US
        return self._write(job, {**changes, "lease_until_us": lease})

    def _write(self, job: Job, changes: Mapping[str, object]) -> Job:
        with self._store.writing() as connection:
            owner = connection.scalar(
                select(table.c.owner).where(table.c.id == job.id, table.c.state == JobState.RUNNING.value)
            )
            if owner != self._owner:
                raise Conflict(f"job {job.id} is no longer worked on by this process")
            return _change(connection, job.id, changes)

    def _require(self, sort: str) -> None:
        if sort not in self._handlers:
            raise NotFound(
                f"there is no job of sort {sort!r}", advice=f"Known are: {', '.join(sorted(self._handlers))}."
            )


def _change(connection: Connection, ident: int, changes: Mapping[str, object]) -> Job:
    query = update(table).where(table.c.id == ident).values(dict(changes)).returning(*table.c)
    return _job(connection.execute(query).mappings().one())


def _job(row: RowMapping) -> Job:
    values = dict(row)
    values["state"] = JobState(values["state"])
    return Job(**values)


def _describe(error: Exception) -> str:
    if isinstance(error, LedgerError):
        return f"{error.code}: {error.message}"
    return f"{type(error).__name__}: {error}"
