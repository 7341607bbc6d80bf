"""Jobs as they are answered: under way, or how they ended."""

from typing import Any

import msgspec

from ledger.core.errors import NotFound
from ledger.core.job import Job, JobState


class RunningJob(msgspec.Struct, frozen=True, kw_only=True):
    """A run under way or past: `done` of `total` in `unit`. What it found stands in entries of the logs."""

    id: int
    state: JobState
    done: int
    total: int
    unit: str
    cancel: bool
    error: str
    result: dict[str, Any] | None


class _OfLog(msgspec.Struct, frozen=True):
    """Which log a job's parameters name; None: every one."""

    log: str | None = None


def of_log(one: Job, sort: str, log: str) -> RunningJob:
    """A job of that sort over that log, or over all; raises NotFound for another."""
    if one.sort != sort or msgspec.json.decode(one.parameters, type=_OfLog).log not in (None, log):
        raise NotFound(f"job {one.id} is of another sort, or of another log than {log}")
    return shown(one)


def shown(one: Job) -> RunningJob:
    """The job without what is for the service's log alone."""
    # An error of ours starts with its code, in lower case; what a defect says of itself is for the service's log.
    code = one.error.partition(":")[0]
    return RunningJob(
        id=one.id,
        state=one.state,
        done=one.done,
        total=one.total,
        unit=one.unit,
        cancel=one.cancel,
        error=one.error if code == code.lower() else "internal: the run failed; see the service's log",
        result=msgspec.json.decode(one.result) or None,
    )
