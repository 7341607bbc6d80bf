"""Verification on demand: started as a job, followed, cancelled; and its history, which stands in the logs."""

from http import HTTPStatus
from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from ledger.api.context import Context
from ledger.api.fields import LogName
from ledger.api.problems import declared
from ledger.api.running import RunningJob, shown
from ledger.core.address import Address, LogId
from ledger.core.errors import NotFound
from ledger.core.job import Job
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


class VerificationAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A finished run as its entry states it; `holds`: every level that was run holds. Levels name what is open."""

    address: str
    index: int
    holds: bool
    result: Verification2 | Verification


@post("/verifications", opt=allow(Scope.VERIFY), responses=declared(), status_code=HTTPStatus.ACCEPTED)
async def start(context: NamedDependency[Context], data: JSONBody[NewVerification]) -> RunningJob:
    """Starts a verification as a job and returns at once."""
    if data.log is not None:
        context.log(data.log)
    plan = Plan(log=data.log, full=data.full, levels=data.levels)
    parameters = msgspec.json.encode(plan).decode()
    return shown(await context.lanes.append(context.service.jobs.enqueue, VERIFY, parameters))


@get("/verifications/jobs", opt=allow(Scope.READ), responses=declared())
async def jobs(context: NamedDependency[Context], limit: Limit = 50) -> list[RunningJob]:
    """The newest verification jobs first."""
    return await context.lanes.read(_jobs, context, limit)


@get("/verifications/jobs/{job:int}", opt=allow(Scope.READ), responses=declared())
async def job(context: NamedDependency[Context], job: JobId) -> RunningJob:
    """One job and its progress."""
    return shown(await context.lanes.read(_job, context, job))


@post("/verifications/jobs/{job:int}/cancellation", opt=allow(Scope.VERIFY), responses=declared(), status_code=200)
async def cancel(context: NamedDependency[Context], job: JobId) -> RunningJob:
    """Asks a job to stop; it does at its next report, and enters no result. A job that ended stays as it is."""
    await context.lanes.read(_job, context, job)
    return shown(await context.lanes.append(context.service.jobs.cancel, job))


@get("/logs/{log:str}/verifications", opt=allow(Scope.READ), responses=declared())
async def history(
    context: NamedDependency[Context], log: LogName, before: Before = None, limit: Limit = 50
) -> list[VerificationAnswer]:
    """The finished runs over a log, newest first; for the next page give the last `index` as `before`."""
    return await context.lanes.read(_history, context, context.log(log), before, limit)


def _jobs(context: Context, limit: int) -> list[RunningJob]:
    return [shown(one) for one in context.service.jobs.list(VERIFY, limit)]


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


router = Router("/", route_handlers=[start, jobs, job, cancel, history], tags=["verification"])
