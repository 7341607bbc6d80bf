"""What rules found over HTTP, and their runs, started as jobs."""

from http import HTTPStatus
from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from ledger.api.context import Context
from ledger.api.fields import LogName, Word, without_nul
from ledger.api.placed import AsOf, Limit
from ledger.api.problems import declared
from ledger.api.running import RunningJob, of_log, shown
from ledger.api.verification import Before, JobId
from ledger.people.access import Scope, allow
from ledger.review.exceptions.reading import Listed, RunListed, findings, runs
from ledger.review.exceptions.runs import Plan
from ledger.service import RULES
from ledger.store.as_of import AtCheckpoint, as_of, checkpoint_of

Every = Annotated[bool, QueryParameter(name="all", description="Also what was closed.")]


class FindingsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What rules found, newest first, as it stands as of `size`, whose newest checkpoint is `checkpoint`.

    `next_before` as `before`, with the same `size`, goes on; null: this was the last page.
    """

    log: str
    size: int
    checkpoint: AtCheckpoint | None
    findings: list[Listed]
    next_before: int | None


@get("/findings", opt=allow(Scope.READ), responses=declared())
async def read_findings(
    context: NamedDependency[Context],
    log: LogName,
    rule: Word = None,
    every: Every = False,
    size: AsOf = None,
    before: Before = None,
    limit: Limit = 50,
) -> FindingsAnswer:
    """What rules found, newest first."""
    without_nul(rule=rule)

    def read() -> FindingsAnswer:
        chosen = context.record_log(log).log
        with context.service.store.reader(chosen.number) as reader:
            at, connection = as_of(reader, chosen, size), reader.connection
            now_us = context.service.clock.now_us()
            found = findings(connection, chosen.number, at, rule, every, before, limit + 1, at_us=now_us)
            return FindingsAnswer(
                log=chosen.name,
                size=at,
                checkpoint=checkpoint_of(connection, chosen, at),
                findings=found[:limit],
                next_before=found[limit - 1].entry if len(found) > limit else None,
            )

    return await context.lanes.read(read)


@get("/runs", opt=allow(Scope.READ), responses=declared())
async def read_runs(
    context: NamedDependency[Context], log: LogName, before: Before = None, limit: Limit = 50
) -> list[RunListed]:
    """The runs, newest first; for the next page give the last `entry` as `before`."""

    def read() -> list[RunListed]:
        chosen = context.record_log(log).log
        with context.service.store.reading() as connection:
            return list(runs(connection, chosen.number, before, limit))

    return await context.lanes.read(read)


@post("/runs", opt=allow(Scope.VERIFY), responses=declared(), status_code=HTTPStatus.ACCEPTED)
async def start(context: NamedDependency[Context], log: LogName) -> RunningJob:
    """Has the rules look at what is new, as a job, and returns at once."""
    parameters = msgspec.json.encode(Plan(log=context.record_log(log).log.name)).decode()
    return shown(await context.lanes.append(context.service.jobs.enqueue, RULES, parameters))


@get("/runs/jobs/{job:int}", opt=allow(Scope.READ), responses=declared())
async def job(context: NamedDependency[Context], log: LogName, job: JobId) -> RunningJob:
    """A run under way, or how it ended; 404 for a job of another sort or log."""

    def read() -> RunningJob:
        return of_log(context.service.jobs.get(job), RULES, context.record_log(log).log.name)

    return await context.lanes.read(read)


router = Router("/logs/{log:str}/rules", route_handlers=[read_findings, read_runs, start, job], tags=["rules"])
