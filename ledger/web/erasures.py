"""Pages of erasures: one is asked for, refused with an answer that can be printed, or approved by two people."""

from functools import partial
from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from ledger.core.address import Address
from ledger.core.errors import AccessDenied, Conflict, LedgerError, SchemaViolation
from ledger.people.access import Caller, Door, Scope, allow
from ledger.privacy.erasure_kinds import ErasureEvent, Ground
from ledger.privacy.erasures import Erasure
from ledger.store.logs import SYSTEM_LOG
from ledger.web.forms import entered, form_of
from ledger.web.pages import PageRequest
from ledger.web.render import page
from ledger.web.views.erasures import ErasureView, erasure_view, may_see

Context = NamedDependency[Any]


@get("/erasures", opt=allow(Scope.ADMIN))
async def erasures(request: PageRequest, context: Context) -> Response[str]:
    """Every request with its state, and the form that leads to a new one."""
    found = await context.lanes.read(lambda: _listed(context, request.user))
    known = context.service.store.logs()
    logs = [log.name for log in sorted(known, key=lambda log: (log.number == SYSTEM_LOG, log.name))]
    return page("erasures.html", found=found, logs=logs, asks=True, place="erasures", viewer=request.user.account)


@get("/erasures/approvals", opt=allow(Scope.APPROVE))
async def to_approve(request: PageRequest, context: Context) -> Response[str]:
    """The requests that whoever approves at their site is to look at, and those that are decided."""
    found = await context.lanes.read(lambda: _listed(context, request.user))
    return page("erasures.html", found=found, logs=[], asks=False, place="erasures", viewer=request.user.account)


@get("/erasures/new", opt=allow(Scope.ADMIN))
async def new(request: PageRequest, context: Context) -> Response[str]:
    """The sealed values of an entry, one of which is to be erased."""
    query = request.query_params
    return await _new(context, request, str(query.get("log", "")), str(query.get("index", "")))


@post("/erasures", opt=allow(Scope.ADMIN))
async def ask(request: PageRequest, context: Context) -> Response[Any]:
    """Asks for an erasure, and goes to the request: refused at once where the value is covered."""
    form, authority = await form_of(request), request.user.authority
    log, index, member, reason = form("log"), form("index"), form("member"), form("reason").strip()

    def enter() -> str:
        if not reason or form("ground") not in {one.value for one in Ground}:
            raise SchemaViolation("a request takes a ground and a reason", advice="Say why the person asks.")
        target = _address(context, log, index)
        asked = context.service.erasures.request(target, member, Ground(form("ground")), reason[:1000], authority)
        return f"/erasures/{asked.erasure}"

    again = partial(_new, context, request, log, index)
    return await entered(context, enter, lambda place: place, again)


@get("/erasures/{erasure:str}", opt=allow(Door.CALLER))
async def one_erasure(request: PageRequest, context: Context, erasure: FromPath[str]) -> Response[str]:
    """One request, and what I may do about it."""
    return await _one(context, request, erasure)


@get("/erasures/{erasure:str}/answer", opt=allow(Door.CALLER))
async def answer(request: PageRequest, context: Context, erasure: FromPath[str]) -> Response[str]:
    """The answer that can be given to the person, to be printed."""
    view = await context.lanes.read(lambda: _seen(context, request.user, erasure))
    if not view.decided:
        raise Conflict("there is no answer yet: the request is not decided", advice="Two people are to approve it.")
    return page(
        "erasure_answer.html",
        view=view,
        erased=view.erasure.state is ErasureEvent.ERASED,
        origin=context.service.system.origin,
        place="erasures",
        viewer=request.user.account,
    )


@post("/erasures/{erasure:str}/approvals", opt=allow(Scope.APPROVE))
async def approve(request: PageRequest, context: Context, erasure: FromPath[str]) -> Response[Any]:
    """Approves a request; the second approval erases."""
    form, caller = await form_of(request), request.user
    reason = form("reason").strip()

    def enter() -> Erasure:
        _seen(context, caller, erasure)
        site = context.service.erasures.site_of(erasure)
        if not caller.allows(Scope.APPROVE, site):
            raise AccessDenied(f"{caller.account} approves nothing of log {site}")
        if not reason:
            raise SchemaViolation("an approval takes a reason", advice="Say what you looked at.")
        done: Erasure = context.service.erasures.approve(erasure, reason[:1000], caller.authority, person=caller.person)
        return done

    return await entered(context, enter, f"/erasures/{erasure}", partial(_one, context, request, erasure))


HANDLERS = (erasures, to_approve, new, ask, one_erasure, answer, approve)


def _listed(context: Any, caller: Caller) -> list[ErasureView]:
    logs = context.service.store.logs()
    return [erasure_view(logs, caller, one) for one in context.service.erasures.all() if may_see(caller, one)]


def _seen(context: Any, caller: Caller, erasure: str) -> ErasureView:
    """A request; raises NotFound, and AccessDenied for who handles none of its site."""
    found = context.service.erasures.get(erasure)
    if not may_see(caller, found):
        raise AccessDenied(f"{caller.account} handles no erasures")
    return erasure_view(context.service.store.logs(), caller, found)


async def _one(context: Any, request: PageRequest, erasure: str, error: LedgerError | None = None) -> Response[str]:
    view = await context.lanes.read(lambda: _seen(context, request.user, erasure))
    status = 200 if error is None else 409
    asks = request.user.allows(Scope.ADMIN)
    return page(
        "erasure.html", status=status, view=view, error=error, asks=asks, place="erasures", viewer=request.user.account
    )


async def _new(
    context: Any, request: PageRequest, log: str, index: str, error: LedgerError | None = None
) -> Response[str]:
    """The page on which a value is chosen; with an error, that it was not asked for, and why."""

    def read() -> tuple[str, tuple[str, ...], LedgerError | None]:
        try:
            target = _address(context, log, index)
            return target, context.service.erasures.members(target), error
        except LedgerError as wrong:
            return "", (), error or wrong

    target, members, wrong = await context.lanes.read(read)
    return page(
        "erasure_new.html",
        status=200 if wrong is None else 409,
        log=log,
        index=index,
        target=target,
        members=members,
        grounds=list(Ground),
        error=wrong,
        place="erasures",
        viewer=request.user.account,
    )


def _address(context: Any, log: str, index: str) -> str:
    if not (index.isascii() and index.isdecimal() and len(index) < 14):
        raise SchemaViolation("an entry is named by its number", advice="Write the number that its page shows.")
    return str(Address(context.service.log(log or None).origin, int(index)))
