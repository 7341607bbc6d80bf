"""Pages of integrity incidents: the list, a case with what rests on it, and the steps that people take."""

from collections.abc import Callable
from functools import partial
from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from ledger.core.errors import AccessDenied, LedgerError, NotFound, SchemaViolation
from ledger.integrity.incidents.cases import Case
from ledger.integrity.incidents.comparing import compare_with
from ledger.people.access import Caller, Door, Scope, allow
from ledger.web.forms import entered, form_of
from ledger.web.pages import PageRequest
from ledger.web.render import page
from ledger.web.views.incidents import CaseLine, CaseView, case_line, case_view

Context = NamedDependency[Any]
PAGE = 200
"""Artefacts of the impact list on a page."""
_TAKES = {
    "open": Scope.APPROVE,
    "compare": Scope.ADMIN,
    "restored": Scope.ADMIN,
    "propose": Scope.ADMIN,
    "proceed": Scope.APPROVE,
    "close": Scope.APPROVE,
}
"""What each step takes."""


@get("/incidents", opt=allow(Door.CALLER))
async def incidents(request: PageRequest, context: Context) -> Response[str]:
    """Every case, the newest first."""
    found = await context.lanes.read(lambda: _lines(context))
    return page("incidents.html", found=found, place="incidents", viewer=request.user.account)


@get("/incidents/{case:str}", opt=allow(Door.CALLER))
async def one_incident(request: PageRequest, context: Context, case: FromPath[str]) -> Response[str]:
    """One case, and what I may do about it."""
    return await _one(context, request, case)


@post("/incidents/{case:str}/{step:str}", opt=allow(Door.CALLER))
async def step_of_incident(
    request: PageRequest, context: Context, case: FromPath[str], step: FromPath[str]
) -> Response[Any]:
    """Takes a step: opens, compares, restores, proposes or begins an epoch, or puts it before quality assurance."""
    form, caller = await form_of(request), request.user
    reason, more = form("reason").strip()[:1000], form("more").strip()[:512]
    if step not in _TAKES:
        raise NotFound(f"there is no step {step[:40]!r}")
    if not caller.allows(_TAKES[step]):
        raise AccessDenied(f"{caller.account} may not do this about an incident")

    def enter() -> Case:
        if not reason or (step in ("compare", "restored", "close") and not more):
            raise SchemaViolation("a step takes a reason, and what it names", advice="Fill in every field.")
        return _taken(context, caller, case, step, reason, more)

    return await entered(context, enter, f"/incidents/{case}", partial(_one, context, request, case))


HANDLERS = (incidents, one_incident, step_of_incident)


def _taken(context: Any, caller: Caller, case: str, step: str, reason: str, more: str) -> Case:
    back, by = context.service.ways_back, caller.authority
    steps: dict[str, Callable[[], Case]] = {
        "open": lambda: context.service.compromises.open(case, reason, by),
        "compare": lambda: compare_with(context.service.cases, context.service.folder, case, more, reason, by),
        "restored": lambda: back.restored(case, more, reason, by),
        "propose": lambda: back.propose(case, reason, by),
        "proceed": lambda: back.proceed(case, reason, by),
        "close": lambda: back.closing(case, more, reason, by),
    }
    return steps[step]()


def _lines(context: Any) -> list[CaseLine]:
    service = context.service
    with service.store.reading() as connection:
        return [case_line(case, service.standings.closed(connection, case)) for case in service.cases.all()]


async def _one(context: Any, request: PageRequest, case: str, error: LedgerError | None = None) -> Response[str]:
    asked = str(request.query_params.get("after", "0"))
    after = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 13 else 0
    view = await context.lanes.read(lambda: _view(context, request.user, case, after))
    status = 200 if error is None else 409
    return page("incident.html", status=status, view=view, error=error, place="incidents", viewer=request.user.account)


def _view(context: Any, caller: Caller, name: str, after: int) -> CaseView:
    service = context.service
    case = service.cases.get(name)
    logs = service.store.logs()
    names = set(caller.sees(log.name for log in logs))
    seen = frozenset(log.origin for log in logs if log.name in names)
    impact = service.cases.impact(case, seen, after, PAGE) if seen else None
    with service.store.reading() as connection:
        closed = service.standings.closed(connection, case)
    return case_view(case, closed, logs, seen, impact, caller)
