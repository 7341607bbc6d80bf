"""What came of rules over time, over HTTP."""

import msgspec
from litestar import Router, get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from ledger.api.alcoa_runs import First, Last
from ledger.api.context import Context
from ledger.api.fields import LogName, Word, without_nul
from ledger.api.placed import AsOf
from ledger.api.problems import declared
from ledger.people.access import Scope, allow
from ledger.review.alcoa.totals import Days
from ledger.review.known.days import Period
from ledger.review.reviews.rule_statistics import RuleCounts, rule_statistics
from ledger.store.as_of import AtCheckpoint, as_of, checkpoint_of


class StatisticsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """By rule and period, as of `size`, whose newest checkpoint is `checkpoint`. A finding is of the day of the record
    that was examined; suppressions are those of now.
    """

    log: str
    size: int
    checkpoint: AtCheckpoint | None
    statistics: list[RuleCounts]


@get("/statistics", opt=allow(Scope.READ), responses=declared())
async def read_statistics(
    context: NamedDependency[Context],
    log: LogName,
    rule: Word = None,
    since: First = None,
    until: Last = None,
    period: FromQuery[Period | None] = None,
    size: AsOf = None,
) -> StatisticsAnswer:
    """How much each rule flagged, of which was closed, looked past or judged, and what it missed; without a period over
    all days. 400 for a day that is none, and where the first is the later one.
    """
    without_nul(rule=rule, since=since, until=until)
    days = Days.read(since, until)

    def read() -> StatisticsAnswer:
        chosen = context.record_log(log).log
        with context.service.store.reader(chosen.number) as reader:
            at, connection = as_of(reader, chosen, size), reader.connection
            now_us = context.service.clock.now_us()
            return StatisticsAnswer(
                log=chosen.name,
                size=at,
                checkpoint=checkpoint_of(connection, chosen, at),
                statistics=rule_statistics(connection, chosen.number, at, now_us, days, period, rule),
            )

    return await context.lanes.read(read)


router = Router("/logs/{log:str}/rules", route_handlers=[read_statistics], tags=["rules"])
