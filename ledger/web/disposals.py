"""Pages of disposals, which two people decide."""

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from ledger.core.errors import AccessDenied, LedgerError
from ledger.core.record import LinkKind
from ledger.people.access import Scope, allow
from ledger.retention.disposals import Removal
from ledger.service import DISPOSE
from ledger.store.question import Query
from ledger.web.forms import Form, entered, form_of, reason_of
from ledger.web.pages import PageRequest
from ledger.web.places import approving, logs_of, require_approver
from ledger.web.render import page
from ledger.web.views.disposals import copies_of, disposal_view

Context = NamedDependency[Any]


@get("/disposals", opt=allow(Scope.READ))
async def disposals_page(request: PageRequest, context: Context) -> Response[str]:
    """Every disposal with its state, and the form that leads to a new one."""
    return await _disposals(context, request)


@post("/disposals", opt=allow(Scope.APPROVE))
async def ask(request: PageRequest, context: Context) -> Response[Any]:
    """Plans a disposal or, told so, asks for it and goes to it."""
    form, user = await form_of(request), request.user
    if form("do") != "ask":
        return await _disposals(context, request, form=form)

    def enter() -> str:
        asked = context.service.disposals.request(
            approving(context, user, form("log")),
            _query(form),
            reason_of(form),
            user.authority,
            person=user.person,
            remains=copies_of(form("remains")),
            waits_days=int(form("waits")) if form("waits").isdecimal() and len(form("waits")) < 5 else 0,
        )
        return f"/disposals/{asked.disposal}"

    return await entered(context, enter, lambda place: place, lambda error: _disposals(context, request, error, form))


@get("/disposals/{disposal:str}", opt=allow(Scope.READ))
async def one_disposal(request: PageRequest, context: Context, disposal: FromPath[str]) -> Response[str]:
    """One disposal: what it lists, some of its records, the total; and what I may do about it."""
    return await _disposal(context, request, disposal)


@post("/disposals/{disposal:str}/approval", opt=allow(Scope.APPROVE))
async def approve(request: PageRequest, context: Context, disposal: FromPath[str]) -> Response[Any]:
    """Approves what somebody else asked for."""
    return await _with_reason(context, request, disposal, context.service.disposals.approve)


@post("/disposals/{disposal:str}/withdrawal", opt=allow(Scope.APPROVE))
async def withdraw(request: PageRequest, context: Context, disposal: FromPath[str]) -> Response[Any]:
    """Ends a disposal."""
    return await _with_reason(context, request, disposal, context.service.disposals.withdraw)


@post("/disposals/{disposal:str}/removal", opt=allow(Scope.APPROVE))
async def remove(request: PageRequest, context: Context, disposal: FromPath[str]) -> Response[Any]:
    """Starts the removal, as a job."""
    await form_of(request)
    parameters = msgspec.json.encode(Removal(disposal=disposal)).decode()
    return await _decide(context, request, disposal, lambda: context.service.jobs.enqueue(DISPOSE, parameters))


HANDLERS = (disposals_page, ask, one_disposal, approve, withdraw, remove)


async def _with_reason(context: Any, request: PageRequest, disposal: str, step: Callable[..., object]) -> Response[Any]:
    """Takes a step that a person gives a reason for."""
    form, user = await form_of(request), request.user
    return await _decide(
        context, request, disposal, lambda: step(disposal, reason_of(form), user.authority, person=user.person)
    )


async def _decide(context: Any, request: PageRequest, disposal: str, do: Callable[[], object]) -> Response[Any]:
    def enter() -> None:
        require_approver(request.user, context.service.disposals.get(disposal).log)
        do()

    place = f"/disposals/{disposal}"
    return await entered(context, enter, place, partial(_disposal, context, request, disposal))


async def _disposals(
    context: Any, request: PageRequest, error: LedgerError | None = None, form: Form | None = None
) -> Response[str]:
    user = request.user

    def read() -> tuple[Any, ...]:
        disposals = context.service.disposals
        found = [disposal_view(one, user) for one in disposals.all() if user.allows(Scope.READ, one.log)]
        plan, wrong = None, error
        if form is not None:
            try:
                plan = disposals.plan(approving(context, user, form("log")), _query(form))
            except LedgerError as refused:
                wrong = wrong or refused
        return found, plan, wrong, logs_of(context, user)

    found, plan, wrong, logs = await context.lanes.read(read)
    names = ("log", "source", "kind", "id")
    return page(
        "disposals.html",
        status=200 if wrong is None else 409,
        found=found,
        plan=plan,
        asked={name: "" if form is None else form(name) for name in names},
        logs=logs,
        kinds=list(LinkKind),
        error=wrong,
        place="retention",
        viewer=user.account,
    )


async def _disposal(
    context: Any, request: PageRequest, disposal: str, error: LedgerError | None = None
) -> Response[str]:
    def read() -> Any:
        found = context.service.disposals.get(disposal)
        if not request.user.allows(Scope.READ, found.log):
            raise AccessDenied(f"{request.user.account} reads nothing of log {found.log}")
        jobs = context.service.jobs.list(DISPOSE)
        mine = (job for job in jobs if msgspec.json.decode(job.parameters, type=Removal).disposal == disposal)
        return disposal_view(found, request.user, next(mine, None))

    view = await context.lanes.read(read)
    status = 200 if error is None else 409
    return page("disposal.html", status=status, view=view, error=error, place="retention", viewer=request.user.account)


def _query(form: Form) -> Query:
    kind, ident = form("kind"), form("id").strip()
    linked = ident and kind in set(LinkKind)
    return Query(
        source=form("source").strip() or None,
        link_kind=LinkKind(kind) if linked else None,
        link_id=ident if linked else None,
    )
