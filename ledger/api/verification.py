"""Verification on demand: started as a job, followed, cancelled; and its history, which stands in the logs."""

from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from ledger.api.context import Context
from ledger.api.fields import LogName
from ledger.api.problems import declared
from ledger.core.address import Address, LogId
from ledger.core.errors import NotFound
from ledger.core.job import Job, JobState
from ledger.integrity.kinds import Verification, Verification2
from ledger.integrity.levels import BUILT
from ledger.integrity.verifier import Plan
from ledger.people.access import Scope, allow
from ledger.service import VERIFY
from ledger.store.position import MAX_INDEX

MAX_HISTORY = 200

JobId = Annotated[int, PathParameter(description="Id of a job.", ge=0, le=2**53 - 1)]
Limit = Annotated[int, QueryParameter(ge=1, le=MAX_HISTORY)]
Before = Annotated[int | None, QueryParameter(description="Runs entered before this index.", ge=0, le=MAX_INDEX)]
LevelNumber = Annotated[int, msgspec.Meta(ge=1, le=5)]


class NewVerification(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to verify: one log or all, everything or only what was appended since the last run that held."""

    log: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    full: bool = True
    levels: Annotated[tuple[LevelNumber, ...], msgspec.Meta(min_length=1, max_length=5)] = BUILT


class VerificationJob(msgspec.Struct, frozen=True, kw_only=True):
    """A run under way or past: `done` of `total` in `unit`. The result itself is an entry: see the log's history."""

    id: int
    state: JobState
    done: int
    total: int
    unit: str
    cancel: bool
    error: str
    result: dict[str, Any] | None


class VerificationAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A finished run as its entry states it; `holds`: every level that was run holds. Levels name what is open."""

    address: str
    index: int
    holds: bool
    result: Verification2 | Verification


@post("/verifications", opt=allow(Scope.VERIFY), responses=declared(), status_code=HTTPStatus.ACCEPTED)
async def start(context: NamedDependency[Context], data: JSONBody[NewVerification]) -> VerificationJob:
    """Starts a verification as a job and returns at once."""
    if data.log is not None:
        context.log(data.log)
    plan = Plan(log=data.log, full=data.full, levels=data.levels)
    parameters = msgspec.json.encode(plan).decode()
    return _shown(await context.lanes.append(context.service.jobs.enqueue, VERIFY, parameters))


@get("/verifications/jobs", opt=allow(Scope.READ), responses=declared())
async def jobs(context: NamedDependency[Context], limit: Limit = 50) -> list[VerificationJob]:
    """The newest verification jobs first."""
    return await context.lanes.read(_jobs, context, limit)


@get("/verifications/jobs/{job:int}", opt=allow(Scope.READ), responses=declared())
async def job(context: NamedDependency[Context], job: JobId) -> VerificationJob:
    """One job and its progress."""
    return _shown(await context.lanes.read(_job, context, job))


@post("/verifications/jobs/{job:int}/cancellation", opt=allow(Scope.VERIFY), responses=declared(), status_code=200)
async def cancel(context: NamedDependency[Context], job: JobId) -> VerificationJob:
    """Asks a job to stop; it does at its next report, and enters no result. A job that ended stays as it is."""
    await context.lanes.read(_job, context, job)
    return _shown(await context.lanes.append(context.service.jobs.cancel, job))


@get("/logs/{log:str}/verifications", opt=allow(Scope.READ), responses=declared())
async def history(
    context: NamedDependency[Context], log: LogName, before: Before = None, limit: Limit = 50
) -> list[VerificationAnswer]:
    """The finished runs over a log, newest first; for the next page give the last `index` as `before`."""
    return await context.lanes.read(_history, context, context.log(log), before, limit)


def _jobs(context: Context, limit: int) -> list[VerificationJob]:
    return [_shown(one) for one in context.service.jobs.list(VERIFY, limit)]


def _job(context: Context, ident: int) -> Job:
    found = context.service.jobs.get(ident)
    if found.sort != VERIFY:
        raise NotFound(f"job {ident} is no verification")
    return found


def _history(context: Context, log: LogId, before: int | None, limit: int) -> list[VerificationAnswer]:
    return [
        VerificationAnswer(
            address=str(Address(log.origin, one.index)), index=one.index, holds=one.holds, result=one.result
        )
        for one in context.service.verifier.history(log, before, limit)
    ]


def _shown(one: Job) -> VerificationJob:
    # An error of ours starts with its code, in lower case; what a defect says of itself is for the service's log.
    code = one.error.partition(":")[0]
    return VerificationJob(
        id=one.id,
        state=one.state,
        done=one.done,
        total=one.total,
        unit=one.unit,
        cancel=one.cancel,
        error=one.error if code == code.lower() else "internal: the run failed; see the service's log",
        result=msgspec.json.decode(one.result) or None,
    )


router = Router("/", route_handlers=[start, jobs, job, cancel, history], tags=["verification"])
