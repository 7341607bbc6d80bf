"""The pages of changes of configuration: what is proposed, what it sets, and what may be done about it."""

from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from ledger.core.address import LogId
from ledger.core.change import ChangeState
from ledger.core.errors import LedgerError, NotFound
from ledger.people.access import Scope, allow
from ledger.store.position import MAX_INDEX
from ledger.web.forms import entered, form_of, reason_of
from ledger.web.pages import PageRequest
from ledger.web.render import page
from ledger.web.views.changes import ChangeView, change_rows, change_view, seen_logs

Context = NamedDependency[Any]


def handlers(zone: ZoneInfo) -> list[Any]:
    """The routes of these pages; `zone` is the site's."""

    @get(["/changes", "/changes/{log:str}"], opt=allow(Scope.READ))
    async def changes(request: PageRequest, context: Context, log: FromPath[str] = "") -> Response[str]:
        """The changes of a log, those that wait first asked for by `state`."""
        query = request.query_params

        def read() -> tuple[Any, ...]:
            service = context.service
            logs, chosen = _logs(context, request, log)
            state = ChangeState(query["state"]) if query.get("state") in set(ChangeState) else None
            before = _number(query.get("before", ""))
            rows, then = change_rows(service.store, service.quality.proposals, chosen, state, before, zone)
            return logs, chosen, state, rows, then

        logs, chosen, state, rows, then = await context.lanes.read(read)
        return page(
            "changes.html",
            logs=logs,
            log=chosen,
            states=list(ChangeState),
            chosen=state,
            rows=rows,
            next=then,
            place="changes",
            viewer=request.user.account,
        )

    async def shown(
        context: Any, request: PageRequest, log: str, name: str, error: LedgerError | None = None
    ) -> Response[str]:
        def read() -> tuple[LogId, ChangeView]:
            _, chosen = _logs(context, request, log)
            first = _number(request.query_params.get("from", "")) or 0
            store, effects = context.service.store, context.service.quality.effects
            with store.reading() as connection:
                return chosen, change_view(store, effects, connection, chosen, name, first, request.user, zone)

        chosen, view = await context.lanes.read(read)
        return page(
            "change.html",
            status=200 if error is None else 409,
            view=view,
            one=view.row.change,
            log=chosen,
            error=error,
            place="changes",
            viewer=request.user.account,
        )

    @get("/changes/{log:str}/{change:str}", opt=allow(Scope.READ))
    async def change_page(
        request: PageRequest, context: Context, log: FromPath[str], change: FromPath[str]
    ) -> Response[str]:
        """A change: what it sets, old beside new; to be signed, brought into effect, or withdrawn."""
        return await shown(context, request, log, change)

    @post("/changes/{log:str}/{change:str}/effect", opt=allow(Scope.READ))
    async def bring(request: PageRequest, context: Context, log: FromPath[str], change: FromPath[str]) -> Response[Any]:
        """Brings a change into effect by the signature that the form names."""
        form, by = await form_of(request), request.user.authority

        def enter() -> None:
            effects, chosen = context.service.quality.effects, context.service.log(log)
            effects.bring(chosen, change, form("signature"), reason_of(form), by)

        return await entered(context, enter, f"/changes/{log}/{change}", partial(shown, context, request, log, change))

    @post("/changes/{log:str}/{change:str}/withdrawal", opt=allow(Scope.READ))
    async def withdraw(
        request: PageRequest, context: Context, log: FromPath[str], change: FromPath[str]
    ) -> Response[Any]:
        """Takes back a proposal that waits."""
        form, by = await form_of(request), request.user.authority

        def enter() -> None:
            context.service.quality.proposals.withdraw(context.service.log(log), change, reason_of(form), by)

        return await entered(context, enter, f"/changes/{log}/{change}", partial(shown, context, request, log, change))

    return [changes, change_page, bring, withdraw]


def _logs(context: Any, request: PageRequest, named: str) -> tuple[tuple[str, ...], LogId]:
    """The logs that the caller sees, and the one that is named, else the first; raises NotFound for any other."""
    with context.service.store.reading() as connection:
        logs = seen_logs(connection, request.user)
    name = named or logs[0]
    if name not in logs:
        raise NotFound(f"there is no log {name[:40]!r} to be seen", advice=f"There are: {', '.join(logs)}.")
    return logs, context.service.log(name)


def _number(text: str) -> int | None:
    digits = text.isascii() and text.isdecimal() and len(text) < 14
    return min(int(text), MAX_INDEX) if digits else None
