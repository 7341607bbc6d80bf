"""The page of coverage: what is known of the time of a log's sources."""

from typing import Any
from zoneinfo import ZoneInfo

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy import Connection

from ledger.people.access import Scope, allow
from ledger.store.logs import SYSTEM_LOG
from ledger.web import pages
from ledger.web.pages import PageRequest
from ledger.web.render import page
from ledger.web.views.common import Scope as ViewScope
from ledger.web.views.coverage import CoverageView, coverage_view

Context = NamedDependency[Any]


def handlers(zone: ZoneInfo) -> list[Any]:
    """The route; `zone` is the site's time zone."""

    @get("/coverage/{log:str}", opt=allow(Scope.READ))
    async def coverage(request: PageRequest, context: Context, log: FromPath[str]) -> Response[str]:
        """A lane a source, over the interval that `from` and `to` name in site time."""
        asked = {name: request.query_params.get(name, "") for name in ("from", "to")}

        def make(scope: ViewScope, connection: Connection) -> CoverageView:
            names = tuple(one.name for one in scope.logs if one.number != SYSTEM_LOG)
            return coverage_view(scope, connection, scope.record_log(log), names, asked)

        view = await pages.read(context, request.user, zone, make)
        status = 400 if view.error else 200
        return page("coverage.html", status=status, view=view, zone=zone.key, place="home", viewer=request.user.account)

    return [coverage]
