"""The pages of the trace: what belongs to a batch or anything else that links name, and what belongs to no batch."""

from typing import Any
from zoneinfo import ZoneInfo

from litestar import Response, get
from litestar.di import NamedDependency
from sqlalchemy import Connection

from ledger.core.record import LinkKind
from ledger.people.access import Scope, allow
from ledger.privacy.look_up_kinds import Purpose
from ledger.store.reading import LogReader
from ledger.web import pages
from ledger.web.looked_up import looked_up
from ledger.web.pages import PageRequest
from ledger.web.render import page
from ledger.web.views.common import Allow
from ledger.web.views.common import Scope as ViewScope
from ledger.web.views.orphans import OrphansView, orphans_view
from ledger.web.views.trace import TraceView, trace_view

Context = NamedDependency[Any]


def handlers(zone: ZoneInfo) -> list[Any]:
    """The routes; `zone` is the site's time zone."""

    @get("/trace", opt=allow(Scope.READ))
    async def trace(request: PageRequest, context: Context) -> Response[str]:
        """What belongs to an id; of one that stands for a person it is entered who asked, before it is shown."""
        asked = dict(request.query_params.items())

        def make(scope: ViewScope, connection: Connection, allowed: Allow) -> TraceView:
            return trace_view(scope, lambda log: LogReader(connection, log.number), asked, allowed)

        view = await looked_up(context, request.user, zone, make)
        return page(
            "trace.html",
            status=400 if view.errors else 200,
            view=view,
            kinds=[one.value for one in LinkKind],
            purposes=[one.value for one in Purpose],
            zone=zone.key,
            place="trace",
            viewer=request.user.account,
        )

    @get("/orphans", opt=allow(Scope.READ))
    async def no_batch(request: PageRequest, context: Context) -> Response[str]:
        """What critical equipment did that belongs to no batch."""
        asked = dict(request.query_params.items())

        def make(scope: ViewScope, connection: Connection) -> OrphansView:
            return orphans_view(scope, connection, asked)

        view = await pages.read(context, request.user, zone, make)
        status = 400 if view.errors else 200
        return page("orphans.html", status=status, view=view, zone=zone.key, place="trace", viewer=request.user.account)

    return [trace, no_batch]
