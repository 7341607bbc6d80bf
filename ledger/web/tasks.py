"""Pages of tasks: my tasks, one request, and signing a step of it; plain forms, no script."""

from typing import Any
from zoneinfo import ZoneInfo

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from sqlalchemy import Connection

from ledger.core.errors import AccessDenied, LedgerError, NotFound, SchemaViolation, SigningError
from ledger.people.access import Scope, allow
from ledger.present.manifest import fingerprint, withstands
from ledger.signing.answering import Answer, Answering
from ledger.signing.factors import Shown
from ledger.signing.lists import REQUEST
from ledger.signing.signatures import ToSign
from ledger.sources.hand_kinds import HandState
from ledger.store.logs import choose
from ledger.web import pages
from ledger.web.forms import form_of
from ledger.web.pages import PageRequest, peer
from ledger.web.render import PAGE_HEADERS, page
from ledger.web.signing import Ways, mode_of, modes, status_of, ways_of
from ledger.web.views.common import Scope as ViewScope
from ledger.web.views.hands import HandRow, hand_rows
from ledger.web.views.tasks import RequestView, TasksView, request_view, tasks_view

Context = NamedDependency[Any]
"""The application's context; of no type that a request could be checked against."""


def handlers(zone: ZoneInfo) -> list[Any]:
    """The routes of these pages; `zone` is the site's."""

    @get("/tasks", opt=allow(Scope.READ))
    async def my_tasks(request: PageRequest, context: Context) -> Response[str]:
        """What I can sign now, the keys that I can vouch for, and what was entered by hand and I can check."""
        caller = request.user

        def make(scope: ViewScope, _connection: Connection) -> TasksView:
            found = context.service.workflows.tasks.of(caller.account, lambda site: caller.allows(Scope.READ, site))
            return tasks_view(scope, found)

        view = await pages.read(context, caller, zone, make)
        keys = await context.lanes.read(lambda: context.service.signing.vouching.waiting(caller))
        hands = await context.lanes.read(lambda: _to_check(context.service, caller, zone))
        return page("tasks.html", view=view, keys=keys, hands=hands, place="tasks", viewer=caller.account)

    @get("/tasks/{request_id:str}", opt=allow(Scope.READ))
    async def one_request(request: PageRequest, context: Context, request_id: FromPath[str]) -> Response[str]:
        """One request, with what I can do about it."""
        return await request_page(context, request, zone, request_id)

    @post("/tasks/{request_id:str}/items/{index:int}", opt=allow(Scope.READ))
    async def open_item(
        request: PageRequest, context: Context, request_id: FromPath[str], index: FromPath[int]
    ) -> Response[Any]:
        """Enters that I open an entry of the set, and goes on to its page."""
        caller, service = request.user, context.service

        def enter() -> str:
            running = service.workflows.requests.get(request_id)
            log = choose(service.store.logs(), running.request.target.origin)
            _require(caller, running.request.site)
            if index not in running.progress.members:
                raise NotFound(f"entry {index} is not of request {request_id!r}")
            service.workflows.decisions.open_items(request_id, [index], caller.authority)
            return f"/entries/{log.name}/{index}"

        return Redirect(await context.lanes.append(enter), status_code=303, headers=PAGE_HEADERS)

    @post("/tasks/{request_id:str}/steps/{step:str}", opt=allow(Scope.READ, signs=True), status_code=200)
    async def prepare(
        request: PageRequest, context: Context, request_id: FromPath[str], step: FromPath[str]
    ) -> Response[Any]:
        """What I would sign, put before me, with the components that it takes."""
        form, caller = await form_of(request), request.user
        answer = Answer(
            reason=form("reason"),
            added=form("added") or None,
            decline=form("decline") == "yes",
            on_behalf_of=form("on_behalf_of") or None,
            mode=mode_of(form("mode")),
        )

        def enter() -> Any:
            _require(caller, context.service.workflows.requests.get(request_id).request.site)
            return _answering(context.service).prepare(request_id, step, answer, caller, peer(request))

        try:
            put = await context.lanes.append(enter)
        except (SigningError, LedgerError) as error:
            return await request_page(context, request, zone, request_id, error)
        hidden = {"id": put.id, "digest": put.digest}
        chosen = {name: form(name) for name in ("reason", "added", "decline", "on_behalf_of")}
        place = f"/tasks/{request_id}/steps/{step}"
        ways = await ways_of(context, put, f"{place}/signature", hidden, place, chosen)
        return _sign_page(request, request_id, put, ways)

    @post("/tasks/{request_id:str}/steps/{step:str}/signature", opt=allow(Scope.READ, signs=True))
    async def sign(
        request: PageRequest, context: Context, request_id: FromPath[str], step: FromPath[str]
    ) -> Response[Any]:
        """Signs it, and goes back to the request."""
        form, caller = await form_of(request), request.user
        shown = Shown(password=form("password") or None, code=form("code") or None, secret=form("secret") or None)

        def enter() -> int:
            _require(caller, context.service.workflows.requests.get(request_id).request.site)
            return _answering(context.service).complete(
                request_id, step, form("id"), form("digest"), shown, None, caller, peer(request)
            )

        try:
            await context.lanes.argon(enter)
        except (SigningError, LedgerError) as error:
            return await request_page(context, request, zone, request_id, error)
        return Redirect(f"/tasks/{request_id}", status_code=303, headers=PAGE_HEADERS)

    @post("/tasks/{request_id:str}/withdrawal", opt=allow(Scope.READ))
    async def withdraw(request: PageRequest, context: Context, request_id: FromPath[str]) -> Response[Any]:
        """Takes back a request that I opened."""
        form, caller = await form_of(request), request.user

        def enter() -> int:
            if not form("reason").strip():
                raise SchemaViolation("a withdrawal takes a reason", advice="Say why, in a sentence.")
            done: int = context.service.workflows.decisions.withdraw(request_id, form("reason"), caller.authority)
            return done

        try:
            await context.lanes.append(enter)
        except (SigningError, LedgerError) as error:
            return await request_page(context, request, zone, request_id, error)
        return Redirect(f"/tasks/{request_id}", status_code=303, headers=PAGE_HEADERS)

    return [my_tasks, one_request, open_item, prepare, sign, withdraw]


async def request_page(
    context: Any, request: PageRequest, zone: ZoneInfo, name: str, error: LedgerError | None = None
) -> Response[str]:
    """The page of a request; with an error, that it was refused, and why."""
    caller, service = request.user, context.service

    def make(scope: ViewScope, connection: Connection) -> RequestView:
        flows = service.workflows
        view = request_view(scope, connection, service.store, flows.decisions, caller, name)
        _require(caller, view.shown.site)
        return view

    view = await pages.read(context, caller, zone, make)
    reasons = (await context.lanes.read(lambda: service.signing.lists.get(REQUEST))).reasons
    return page(
        "request.html",
        status=status_of(error),
        view=view,
        reasons=reasons,
        modes=await modes(context, caller.account),
        error=error,
        place="tasks",
        viewer=caller.account,
    )


def _sign_page(request: PageRequest, name: str, put: ToSign, ways: Ways) -> Response[str]:
    return page(
        "sign_step.html",
        put=put,
        said=put.statement,
        request_id=name,
        withstands=withstands(put.statement.mode),
        fingerprint=fingerprint(put.statement),
        ways=ways,
        place="tasks",
        viewer=request.user.account,
    )


def _answering(service: Any) -> Answering:
    flows = service.workflows
    return Answering(service.store, flows.requests, flows.decisions, service.signing.signatures)


def _to_check(service: Any, caller: Any, zone: ZoneInfo) -> list[tuple[str, HandRow]]:
    """What waits for a second person whom the caller can be, by its log: the oldest first."""
    return [
        (log, row)
        for one in service.record_logs
        if caller.allows(Scope.ENTER, log := one.log.name)
        for row in reversed(hand_rows(one.hands.listed(HandState.TO_CHECK), log, caller, zone))
        if row.checks
    ]


def _require(caller: Any, site: str | None) -> None:
    if not caller.allows(Scope.READ, site):
        raise AccessDenied(f"{caller.account} may not see what this request is about")
