"""The pages beside reviews: what is deferred, which deviations were raised, what was answered, and the plans."""

from typing import Any, Final
from zoneinfo import ZoneInfo

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from ledger.answering import answer
from ledger.core.errors import LedgerError, SchemaViolation
from ledger.people.access import Scope, allow
from ledger.present.messages import message
from ledger.review.reviews.answers import answers
from ledger.review.reviews.deviations import raised, stands
from ledger.review.reviews.planning import lists, plans
from ledger.store.reading import LogReader
from ledger.web.forms import before_of, entered, form_of
from ledger.web.pages import PageRequest
from ledger.web.places import sees_of
from ledger.web.render import page
from ledger.web.views.decisions import answer_row, deferral_row, deviation_row, list_row, plan_row

Context = NamedDependency[Any]
ROWS: Final = 50
_LONGEST: Final = 512


def handlers(zone: ZoneInfo) -> list[Any]:
    """The routes; `zone` is the site's time zone."""

    @get("/deferrals/{log:str}", opt=allow(Scope.READ))
    async def deferrals(request: PageRequest, context: Context, log: FromPath[str]) -> Response[str]:
        """The deferrals, newest first, and how many findings are deferred by product."""
        batch, before = _batch(request), before_of(request)

        def read() -> dict[str, Any]:
            chosen, found = context.record_log(log).log, context.service.quality.deferrals
            listed = found.listed(chosen, batch or None, None, before, ROWS + 1)
            now_us = context.service.clock.now_us()
            counted = {name or message("deferrals.no-product"): count for name, count in found.counted(chosen).items()}
            rows = [deferral_row(one, now_us, zone) for one in listed]
            return {"rows": rows, "counted": sorted(counted.items())}

        return _listed("deferrals.html", request, context, log, await context.lanes.read(read), batch=batch)

    @get("/deviations/{log:str}", opt=allow(Scope.READ))
    async def deviations(request: PageRequest, context: Context, log: FromPath[str]) -> Response[str]:
        """The deviations that were raised from here, newest first, each as it stands now."""
        before = before_of(request)

        def read() -> dict[str, Any]:
            number = context.record_log(log).log.number
            with context.service.store.reading() as connection:
                size = LogReader(connection, number).head().size
                found = raised(connection, number, None, None, ROWS + 1, before)
                rows = [
                    deviation_row(
                        one, stands(connection, number, size, one.deviation.number, one.deviation.source), zone
                    )
                    for one in found
                ]
            return {"rows": rows}

        return _listed("deviations.html", request, context, log, await context.lanes.read(read))

    @get("/review-answers/{log:str}", opt=allow(Scope.READ))
    async def given(request: PageRequest, context: Context, log: FromPath[str]) -> Response[str]:
        """What was answered, newest first; about one batch, if its address names one."""
        return await _answers(request, context, log, _batch(request), zone)

    @post("/review-answers/{log:str}", opt=allow(Scope.READ))
    async def ask(request: PageRequest, context: Context, log: FromPath[str]) -> Response[Any]:
        """Answers about a batch as of now, and shows that; each answer is kept."""
        field, caller = await form_of(request), request.user
        batch = field("batch").strip()[:_LONGEST]

        def enter() -> int:
            chosen = context.record_log(log).log
            if not batch:
                raise SchemaViolation(message("answers.no-batch"), advice=message("answers.no-batch.advice"))
            return answer(context.service, chosen, batch, caller.authority).entry

        async def again(error: LedgerError) -> Response[Any]:
            return await _answers(request, context, log, batch, zone, error)

        return await entered(context, enter, lambda entry: f"/review-answers/{log}#answer-{entry}", again)

    @get("/review-plans/{log:str}", opt=allow(Scope.READ))
    async def planned(request: PageRequest, context: Context, log: FromPath[str]) -> Response[str]:
        """The plans, and which systems have to contribute to a batch."""

        def read() -> dict[str, Any]:
            number = context.record_log(log).log.number
            with context.service.store.reading() as connection:
                return {
                    "rows": [plan_row(one) for one in plans(connection, number)],
                    "lists": [list_row(one) for one in lists(connection, number)],
                }

        found = await context.lanes.read(read)
        return page(
            "review_plans.html", log=log, logs=sees_of(context, request.user), place="search",
            viewer=request.user.account, **found,
        )  # fmt: skip

    return [deferrals, deviations, given, ask, planned]


def _batch(request: PageRequest) -> str:
    return request.query_params.get("batch", "").replace("\0", "").strip()[:_LONGEST]


async def _answers(
    request: PageRequest, context: Any, log: str, batch: str, zone: ZoneInfo, error: LedgerError | None = None
) -> Response[str]:
    before = before_of(request)

    def read() -> dict[str, Any]:
        number = context.record_log(log).log.number
        with context.service.store.reading() as connection:
            size = LogReader(connection, number).head().size
            found = answers(connection, number, size, batch or None, before, ROWS + 1)
        return {"rows": [answer_row(one, zone) for one in found]}

    found = await context.lanes.read(read)
    return _listed("review_answers.html", request, context, log, found, error, batch=batch)


def _listed(
    template: str,
    request: PageRequest,
    context: Any,
    log: str,
    found: dict[str, Any],
    error: LedgerError | None = None,
    **more: Any,
) -> Response[str]:
    """A page of a list of which one row more than it shows was read."""
    rows = found.pop("rows")
    return page(
        template,
        status=200 if error is None else 409,
        log=log,
        logs=sees_of(context, request.user),
        rows=rows[:ROWS],
        older=rows[ROWS - 1].entry if len(rows) > ROWS else None,
        error=error,
        place="search",
        viewer=request.user.account,
        **found,
        **more,
    )
