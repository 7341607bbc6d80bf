"""The page of an object: all that its sources told of it, and what stood in its fields when."""

from typing import Any
from zoneinfo import ZoneInfo

from litestar import Response, get
from litestar.di import NamedDependency
from sqlalchemy import Connection

from ledger.people.access import Scope, allow
from ledger.privacy.look_up_kinds import Purpose
from ledger.store.reading import LogReader
from ledger.web.looked_up import looked_up
from ledger.web.pages import PageRequest
from ledger.web.render import page
from ledger.web.views.common import Allow
from ledger.web.views.common import Scope as ViewScope
from ledger.web.views.object import ObjectView, object_view

Context = NamedDependency[Any]


def handlers(zone: ZoneInfo) -> list[Any]:
    """The route; `zone` is the site's time zone."""

    @get("/object", opt=allow(Scope.READ))
    async def one_object(request: PageRequest, context: Context) -> Response[str]:
        """All versions of an object; about one that stands for a person it is entered who asked, before it is shown."""
        asked = dict(request.query_params.items())

        def make(scope: ViewScope, connection: Connection, allowed: Allow) -> ObjectView:
            return object_view(
                scope, context.service.store, lambda log: LogReader(connection, log.number), asked, allowed
            )

        view = await looked_up(context, request.user, zone, make)
        return page(
            "object.html",
            status=400 if view.errors else 200,
            view=view,
            purposes=[one.value for one in Purpose],
            zone=zone.key,
            place="search",
            viewer=request.user.account,
        )

    return [one_object]
