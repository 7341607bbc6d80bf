"""Back-tests of rules over HTTP: started as jobs, followed, cancelled. Nothing of them is entered."""

from http import HTTPStatus
from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from ledger.api.context import Context
from ledger.api.fields import LogName, no_nul_in, without_nul
from ledger.api.problems import declared
from ledger.api.rule_life import RuleName
from ledger.api.running import RunningJob, of_log, shown
from ledger.api.verification import JobId
from ledger.people.access import Scope, allow
from ledger.review.known.days import Period
from ledger.review.trials.back_testing import BackTest
from ledger.review.trials.supposing import Supposition
from ledger.service import BACK_TEST

Day = Annotated[str, msgspec.Meta(max_length=40, examples=["2026-11-25"])]


class NewBackTest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The days (UTC) from `since` to `until`, both included (null: without end), counted by `period`; `supposed`:
    parameters in place of those that are set.
    """

    since: Day | None = None
    until: Day | None = None
    period: Period = Period.MONTH
    supposed: Annotated[tuple[Supposition, ...], msgspec.Meta(max_length=100)] = ()


@post("/{rule:str}/back-tests", opt=allow(Scope.VERIFY), responses=declared(), status_code=HTTPStatus.ACCEPTED)
async def start(
    context: NamedDependency[Context], log: LogName, rule: RuleName, data: JSONBody[NewBackTest]
) -> RunningJob:
    """Has a rule look at the past, as a job, and returns at once. Its `result` is the difference to what stands:
    findings that would be opened and closed, by key and period, and how many stay the same.
    """
    without_nul(rule=rule)
    no_nul_in(data)
    plan = BackTest(
        log=context.record_log(log).log.name,
        rule=rule,
        since=data.since,
        until=data.until,
        period=data.period,
        supposed=data.supposed,
    )
    context.service.quality.back_tests.checked(plan)
    parameters = msgspec.json.encode(plan).decode()
    return shown(await context.lanes.append(context.service.jobs.enqueue, BACK_TEST, parameters))


@get("/back-tests/jobs/{job:int}", opt=allow(Scope.READ), responses=declared())
async def job(context: NamedDependency[Context], log: LogName, job: JobId) -> RunningJob:
    """A back-test under way, or what it came to; 404 for a job of another sort or log."""
    return await context.lanes.read(_job, context, log, job)


@post("/back-tests/jobs/{job:int}/cancellation", opt=allow(Scope.VERIFY), responses=declared(), status_code=200)
async def cancel(context: NamedDependency[Context], log: LogName, job: JobId) -> RunningJob:
    """Asks a back-test to stop; it does at its next report. One that ended stays as it is."""
    await context.lanes.read(_job, context, log, job)
    return shown(await context.lanes.append(context.service.jobs.cancel, job))


def _job(context: Context, log: str, job: int) -> RunningJob:
    return of_log(context.service.jobs.get(job), BACK_TEST, context.record_log(log).log.name)


router = Router("/logs/{log:str}/rules", route_handlers=[start, job, cancel], tags=["rules"])
