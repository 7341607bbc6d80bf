"""The pages of ALCOA+ and Traceable: a log's totals, the records behind a number, and one record by all checks."""

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy import Connection

from ledger.people.access import Scope, allow
from ledger.store.reading import LogReader
from ledger.web import pages
from ledger.web.pages import PageRequest
from ledger.web.render import page
from ledger.web.views.alcoa import AssessmentView, assessment_view
from ledger.web.views.alcoa_batch import BatchView, batch_view
from ledger.web.views.alcoa_totals import BehindView, HeatView, behind_view, heat_view
from ledger.web.views.common import Scope as ViewScope

Context = NamedDependency[Any]


def handlers(zone: ZoneInfo) -> list[Any]:
    """The routes; `zone` is the site's time zone."""

    async def totals(
        request: PageRequest,
        context: Any,
        template: str,
        make: Callable[[ViewScope, Connection], HeatView | BehindView],
    ) -> Response[str]:
        view = await pages.read(context, request.user, zone, make)
        status = 400 if view.error else 200
        return page(template, status=status, view=view, place="home", viewer=request.user.account)

    @get("/alcoa/{log:str}", opt=allow(Scope.READ))
    async def heat(request: PageRequest, context: Context, log: FromPath[str]) -> Response[str]:
        """What a log's records are worth, by source and attribute."""
        asked = request.query_params
        return await totals(
            request, context, "alcoa.html", lambda scope, connection: heat_view(scope, connection, log, asked)
        )

    @get("/alcoa/{log:str}/records", opt=allow(Scope.READ))
    async def records(request: PageRequest, context: Context, log: FromPath[str]) -> Response[str]:
        """The records behind a number."""
        asked = request.query_params
        return await totals(
            request, context, "alcoa_records.html", lambda scope, connection: behind_view(scope, connection, log, asked)
        )

    @get("/alcoa/{log:str}/batch", opt=allow(Scope.READ))
    async def batch(request: PageRequest, context: Context, log: FromPath[str]) -> Response[str]:
        """What the records of a batch are worth, as of now."""

        def make(scope: ViewScope, connection: Connection) -> BatchView:
            return batch_view(scope, connection, log, request.query_params, context.service.quality.assessor)

        view = await pages.read(context, request.user, zone, make)
        return page("alcoa_batch.html", view=view, place="trace", viewer=request.user.account)

    @get("/alcoa/{log:str}/{index:int}", opt=allow(Scope.READ))
    async def assessment(
        request: PageRequest, context: Context, log: FromPath[str], index: FromPath[int]
    ) -> Response[str]:
        """All checks of a record, as of now."""

        def make(scope: ViewScope, connection: Connection) -> AssessmentView:
            chosen = scope.record_log(log)
            reader = LogReader(connection, chosen.number)
            size = reader.head().size
            assessor = context.service.quality.assessor(connection, chosen.number, size)
            return assessment_view(assessor, reader, chosen, size, index)

        view = await pages.read(context, request.user, zone, make)
        return page("alcoa_record.html", view=view, place="search", viewer=request.user.account)

    return [heat, records, batch, assessment]
