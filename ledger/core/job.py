"""The row of a long-running job, as every surface shows it. Operational: no evidential answer reads it."""

from enum import StrEnum

import msgspec


class JobState(StrEnum):
    """Where a job is in its life."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One job. `cursor` is where a resumed run goes on, `done` of `total` its progress in `unit`.

    `scheduled_us` with `sort` is unique: two schedulers can't start the same run twice.
    """

    id: int
    sort: str
    state: JobState
    scheduled_us: int
    parameters: str = "{}"
    cursor: str = "{}"
    done: int = 0
    total: int = 0
    unit: str = ""
    result: str = "{}"
    error: str = ""
    owner: str = ""
    lease_until_us: int = 0
    cancel: bool = False
