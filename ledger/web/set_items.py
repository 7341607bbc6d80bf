"""Pages of large sets: the entries that a request or a signature is about, each with its sentence; plain forms."""

from typing import Any
from zoneinfo import ZoneInfo

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from sqlalchemy import Connection

from ledger.core.errors import AccessDenied, SchemaViolation
from ledger.people.access import Caller, Scope, allow
from ledger.signing.requests import Running, read_running
from ledger.web import pages
from ledger.web.forms import form_of
from ledger.web.pages import PageRequest
from ledger.web.render import PAGE_HEADERS, page
from ledger.web.views.common import Scope as ViewScope
from ledger.web.views.items import ItemsView, items_view, signed_view

Context = NamedDependency[Any]
"""The application's context; of no type that a request could be checked against."""


def handlers(zone: ZoneInfo) -> list[Any]:
    """The routes of these pages; `zone` is the site's."""

    @get("/tasks/{request_id:str}/items", opt=allow(Scope.READ))
    async def items(request: PageRequest, context: Context, request_id: FromPath[str]) -> Response[str]:
        """A page of what a request is about."""
        caller, store = request.user, context.service.store
        begin = _number(str(request.query_params.get("begin", "0")))

        def make(scope: ViewScope, connection: Connection) -> ItemsView:
            running = read_running(store, connection, request_id)
            _require(caller, running)
            return items_view(scope, connection, running, caller, begin)

        view = await pages.read(context, caller, zone, make)
        return page("set_items.html", view=view, place="tasks", viewer=caller.account)

    @post("/tasks/{request_id:str}/items", opt=allow(Scope.READ))
    async def open_items(request: PageRequest, context: Context, request_id: FromPath[str]) -> Response[Any]:
        """Enters that I was shown the entries of a page, and goes on to the next that I was not shown."""
        form, caller, flows = await form_of(request), request.user, context.service.workflows
        first, last = _number(form("first")), _number(form("last"))

        def enter() -> str:
            _require(caller, flows.requests.get(request_id))
            if not caller.person or caller.watched:
                raise AccessDenied("only a person of the site opens what is to be signed", advice="Sign in.")
            flows.decisions.open_span(request_id, first, last, caller.authority)
            left = flows.requests.get(request_id).progress.first_unopened(caller.account, 1)
            return f"/tasks/{request_id}/items?begin={left[0]}" if left else f"/tasks/{request_id}"

        return Redirect(await context.lanes.append(enter), status_code=303, headers=PAGE_HEADERS)

    @get("/signatures/{index:int}/entries", opt=allow(Scope.READ))
    async def signed_items(request: PageRequest, context: Context, index: FromPath[int]) -> Response[str]:
        """A page of the entries that a signature is over."""
        begin, store = _number(str(request.query_params.get("begin", "0"))), context.service.store

        def make(scope: ViewScope, connection: Connection) -> ItemsView:
            return signed_view(scope, connection, store, index, begin)

        view = await pages.read(context, request.user, zone, make)
        return page("set_items.html", view=view, place="search", viewer=request.user.account)

    return [items, open_items, signed_items]


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 14):
        raise SchemaViolation("entries are named by their numbers")
    return int(text)


def _require(caller: Caller, running: Running) -> None:
    if not caller.allows(Scope.READ, running.request.site):
        raise AccessDenied(f"{caller.account} may not see what this request is about")
