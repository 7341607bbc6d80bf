"""The page of an object: all that its sources told of it, and what stood in its fields when."""

from typing import Any
from zoneinfo import ZoneInfo

from litestar import Response, get
from litestar.di import NamedDependency
from sqlalchemy import Connection

from ledger.people.access import Scope, allow
from ledger.privacy.look_up_kinds import Purpose
from ledger.privacy.look_ups import Allowed
from ledger.store.reading import LogReader
from ledger.store.search import Query
from ledger.web import pages
from ledger.web.pages import PageRequest
from ledger.web.render import page
from ledger.web.views.common import Scope as ViewScope
from ledger.web.views.object import ObjectView, object_view

Context = NamedDependency[Any]


def handlers(zone: ZoneInfo) -> list[Any]:
    """The route; `zone` is the site's time zone."""

    @get("/object", opt=allow(Scope.READ))
    async def one_object(request: PageRequest, context: Context) -> Response[str]:
        """All versions of an object; about one that stands for a person it is entered who asked, before it is shown."""
        asked = dict(request.query_params.items())
        look_ups, user = context.service.look_ups, request.user

        def allowed(reader: LogReader, query: Query, purpose: Purpose | None) -> Allowed | None:
            found: Allowed | None = look_ups.allow(reader.connection, reader.log, query, user.account, purpose)
            return found

        def make(scope: ViewScope, connection: Connection) -> ObjectView:
            return object_view(
                scope, context.service.store, lambda log: LogReader(connection, log.number), asked, allowed
            )

        view = await pages.read(context, user, zone, make)
        if view.entered is not None:
            made, log, hits = view.entered, view.log, len(view.rows)
            await context.lanes.append(lambda: look_ups.enter(made, log, hits, user.account, user.authority))
        return page(
            "object.html",
            status=400 if view.errors else 200,
            view=view,
            purposes=[one.value for one in Purpose],
            zone=zone.key,
            place="search",
            viewer=user.account,
        )

    return [one_object]
