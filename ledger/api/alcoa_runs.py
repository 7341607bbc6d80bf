"""Stored assessments over HTTP: started as a job, their totals, the records behind a number, and past runs."""

from http import HTTPStatus
from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody, QueryParameter

from ledger.api.context import Context
from ledger.api.fields import LogName, Word, without_nul
from ledger.api.placed import AsOf, Limit
from ledger.api.problems import declared
from ledger.api.running import RunningJob, of_log, shown
from ledger.api.verification import Before, JobId
from ledger.core.assessment import Assessment, Attribute
from ledger.people.access import Scope, allow
from ledger.review.alcoa.attributes import Result
from ledger.review.alcoa.runs import Plan, entered, judged_to
from ledger.review.alcoa.totals import Behind, Days, Total, behind, totals
from ledger.review.known.days import Period
from ledger.service import ASSESS
from ledger.store.as_of import AtCheckpoint, as_of, checkpoint_of

Source = Annotated[str, QueryParameter(description="Id of a source.", max_length=512)]
First = Annotated[
    str | None, QueryParameter(name="from", description="The first day (UTC), as 2026-11-25.", max_length=40)
]
Last = Annotated[str | None, QueryParameter(name="to", description="The last day (UTC), included.", max_length=40)]
AfterRecord = Annotated[
    str | None, QueryParameter(description="`next_after` of the page before this one.", max_length=40)
]


class TotalsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Totals of the newest assessment of each source and day, as of `size`, whose newest checkpoint is `checkpoint`.

    `judged_to`: up to which size records were judged by a run that ended; 0: by none yet. Records of a number are at
    `records` of the same log, with its `source`, `attribute`, `first` as `from` and `last` as `to`.
    """

    log: str
    size: int
    checkpoint: AtCheckpoint | None
    judged_to: int
    totals: list[Total]


class RecordsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Records behind a number, by day and entry; with `next_after` as `after` and the same `size` the next page."""

    log: str
    size: int
    checkpoint: AtCheckpoint | None
    records: tuple[Behind, ...]
    next_after: str | None


class NewRun(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to assess: what may have changed since the last run that ended or, if `full`, everything."""

    full: bool = False


class AssessmentRun(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of a run as it states it."""

    index: int
    result: Assessment


@get("/totals", opt=allow(Scope.READ), responses=declared())
async def read_totals(
    context: NamedDependency[Context],
    log: LogName,
    source: Word = None,
    since: First = None,
    until: Last = None,
    period: FromQuery[Period | None] = None,
    size: AsOf = None,
) -> TotalsAnswer:
    """How many records hold, fail and cannot be assessed, by source, attribute and period; without one over all days.

    400 for a day that is none, and where the first is the later one.
    """
    without_nul(source=source, since=since, until=until)
    days = Days.read(since, until)

    def read() -> TotalsAnswer:
        chosen = context.record_log(log).log
        with context.service.store.reader(chosen.number) as reader:
            at = as_of(reader, chosen, size)
            return TotalsAnswer(
                log=chosen.name,
                size=at,
                checkpoint=checkpoint_of(reader.connection, chosen, at),
                judged_to=judged_to(reader.connection, chosen.number, at),
                totals=totals(reader.connection, chosen.number, at, days, period, source),
            )

    return await context.lanes.read(read)


@get("/records", opt=allow(Scope.READ), responses=declared())
async def read_records(
    context: NamedDependency[Context],
    log: LogName,
    source: Source,
    attribute: FromQuery[Attribute],
    verdict: FromQuery[Result],
    since: First = None,
    until: Last = None,
    after: AfterRecord = None,
    limit: Limit = 100,
    size: AsOf = None,
) -> RecordsAnswer:
    """The records that a number of the totals counts, each with what fails or is missing."""
    without_nul(source=source, since=since, until=until, after=after)
    days = Days.read(since, until)

    def read() -> RecordsAnswer:
        chosen = context.record_log(log).log
        with context.service.store.reader(chosen.number) as reader:
            at, connection = as_of(reader, chosen, size), reader.connection
            page = behind(connection, chosen.number, at, source, attribute, verdict, days, after, limit)
            return RecordsAnswer(
                log=chosen.name,
                size=at,
                checkpoint=checkpoint_of(connection, chosen, at),
                records=page.records,
                next_after=page.next_after,
            )

    return await context.lanes.read(read)


@get("/runs", opt=allow(Scope.READ), responses=declared())
async def read_runs(
    context: NamedDependency[Context], log: LogName, before: Before = None, limit: Limit = 50
) -> list[AssessmentRun]:
    """The entries of runs, newest first; for the next page give the last `index` as `before`."""

    def read() -> list[AssessmentRun]:
        chosen = context.record_log(log).log
        with context.service.store.reading() as connection:
            found = entered(connection, chosen.number, before, limit)
            return [AssessmentRun(index=index, result=body) for index, body in found]

    return await context.lanes.read(read)


@post("/runs", opt=allow(Scope.VERIFY), responses=declared(), status_code=HTTPStatus.ACCEPTED)
async def start(context: NamedDependency[Context], log: LogName, data: JSONBody[NewRun]) -> RunningJob:
    """Starts an assessment as a job and returns at once."""
    plan = Plan(log=context.record_log(log).log.name, full=data.full)
    parameters = msgspec.json.encode(plan).decode()
    return shown(await context.lanes.append(context.service.jobs.enqueue, ASSESS, parameters))


@get("/runs/jobs/{job:int}", opt=allow(Scope.READ), responses=declared())
async def job(context: NamedDependency[Context], log: LogName, job: JobId) -> RunningJob:
    """A run under way, or how it ended; 404 for a job that assesses another log."""

    def read() -> RunningJob:
        return of_log(context.service.jobs.get(job), ASSESS, context.record_log(log).log.name)

    return await context.lanes.read(read)


router = Router(
    "/logs/{log:str}/alcoa", route_handlers=[read_totals, read_records, read_runs, start, job], tags=["alcoa"]
)
