"""The page of one record's assessment by ALCOA+ and Traceable; it is made when it is asked for."""

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
from ledger.web.sources import record_log
from ledger.web.views.alcoa import AssessmentView, assessment_view
from ledger.web.views.common import Scope as ViewScope

Context = NamedDependency[Any]


def handlers(zone: ZoneInfo) -> list[Any]:
    """The route; `zone` is the site's time zone."""

    @get("/alcoa/{log:str}/{index:int}", opt=allow(Scope.READ))
    async def assessment(
        request: PageRequest, context: Context, log: FromPath[str], index: FromPath[int]
    ) -> Response[str]:
        """All checks of a record, as of now."""

        def make(scope: ViewScope, connection: Connection) -> AssessmentView:
            chosen = record_log(scope, log)
            reader = LogReader(connection, chosen.number)
            size = reader.head().size
            assessor = context.service.quality.assessor(connection, chosen.number, size)
            return assessment_view(assessor, reader, chosen, size, index)

        view = await pages.read(context, request.user, zone, make)
        return page("alcoa_record.html", view=view, place="search", viewer=request.user.account)

    return [assessment]
