"""Saving a search from its page, and removing one that is saved. Plain forms, no script."""

from typing import Any
from zoneinfo import ZoneInfo

from litestar import Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy import Connection

from ledger.core.address import LogId
from ledger.core.errors import SchemaViolation
from ledger.people.access import Scope, allow
from ledger.present.messages import message
from ledger.sources.saved_queries import NewQuery, Saved
from ledger.web import pages
from ledger.web.forms import form_of, to
from ledger.web.pages import PageRequest
from ledger.web.views.common import Scope as ViewScope
from ledger.web.views.saved import address
from ledger.web.views.search_form import FIELDS, question_of

Context = NamedDependency[Any]


def handlers(zone: ZoneInfo) -> list[Any]:
    """The routes; `zone` is the site's time zone."""

    @post("/search/saved", opt=allow(Scope.READ))
    async def save(request: PageRequest, context: Context) -> Response[Any]:
        """Saves the search that the form holds, and goes back to it."""
        form, user = await form_of(request), request.user
        given = {name: form(name) for name in (*FIELDS, "log", "sort", "order", "columns")}

        def read(scope: ViewScope, _: Connection) -> tuple[LogId, NewQuery]:
            errors: dict[str, str] = {}
            asked, query, where = question_of(scope, given, errors)
            if errors or query is None:
                raise SchemaViolation("; ".join(errors.values()), advice=message("saved.correct"))
            return asked.log, NewQuery(
                name=form("name").strip(),
                log=asked.log.name,
                query=query,
                where=where,
                sort=asked.sort,
                columns=tuple(one.name for one in asked.columns) if form("columns") else (),
                shared=form("shared") == "yes",
            )

        log, new = await pages.read(context, user, zone, read)
        quality = context.service.quality
        saved: Saved = await context.lanes.append(lambda: quality.save_query(new, log, user.account, user.authority))
        return to(address(saved) or "/search")

    @post("/search/saved/{saved:str}/removal", opt=allow(Scope.READ))
    async def remove(request: PageRequest, context: Context, saved: FromPath[str]) -> Response[Any]:
        """Removes one of the caller's own, or a shared one where the caller may configure."""
        user, queries = request.user, context.service.quality.saved
        await context.lanes.append(
            lambda: queries.remove(user.account, saved, user.allows(Scope.CONFIGURE), user.authority)
        )
        return to("/search")

    return [save, remove]
