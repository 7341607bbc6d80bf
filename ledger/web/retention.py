"""Pages of retention: rules and facts, legal holds, and disposals, which two people decide."""

from collections.abc import Callable
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from ledger.core.address import LogId
from ledger.core.errors import AccessDenied, LedgerError, SchemaViolation
from ledger.core.record import LinkKind
from ledger.core.retention import SUBJECTS, RetentionEvent, Subject
from ledger.people.access import Caller, Scope, allow
from ledger.present.retention import why_kept
from ledger.retention.disposals import Removal
from ledger.retention.holds import Scope as Covers
from ledger.service import DISPOSE
from ledger.store.logs import SYSTEM_LOG
from ledger.store.search import Query
from ledger.web.forms import form_of
from ledger.web.pages import PageRequest
from ledger.web.render import PAGE_HEADERS, page
from ledger.web.views.retention import (
    copies_of,
    disposal_view,
    hold_view,
    instant_of,
    numbers_of,
    rule_view,
)

Context = NamedDependency[Any]
Form = Callable[[str], str]


@get("/retention", opt=allow(Scope.READ))
async def retention_page(request: PageRequest, context: Context) -> Response[str]:
    """Rules and facts; and of one entry, where it is named, how long it is kept and why."""
    return await _retention(context, request)


@post("/retention/facts", opt=allow(Scope.APPROVE))
async def enter_fact(request: PageRequest, context: Context) -> Response[Any]:
    """Enters, corrects, or (with no day) takes back when an event happened to a batch, a piece of equipment, …"""
    form, authority = await form_of(request), request.user.authority

    def enter() -> None:
        if form("kind") not in set(LinkKind) or form("event") not in set(RetentionEvent) or not form("id").strip():
            raise SchemaViolation("a fact is of a kind, an id and an event", advice="Choose each of them.")
        subject = Subject(kind=LinkKind(form("kind")), id=form("id").strip()[:512])
        day = form("day").strip() or None
        context.service.retention.enter_fact(subject, RetentionEvent(form("event")), day, _reason(form), authority)

    try:
        await context.lanes.append(enter)
    except LedgerError as error:
        return await _retention(context, request, error)
    return _to("/retention")


@post("/retention/rules/{rule:str}/confirmation", opt=allow(Scope.APPROVE))
async def confirm_rule(request: PageRequest, context: Context, rule: FromPath[str]) -> Response[Any]:
    """Confirms a rule that somebody else proposed."""
    form, user = await form_of(request), request.user

    def enter() -> None:
        context.service.retention.confirm(rule, _reason(form), user.authority, person=user.person)

    try:
        await context.lanes.append(enter)
    except LedgerError as error:
        return await _retention(context, request, error)
    return _to("/retention")


@get("/holds", opt=allow(Scope.READ))
async def holds_page(request: PageRequest, context: Context) -> Response[str]:
    """Every legal hold, and what I may do about it."""
    return await _holds(context, request)


@post("/holds", opt=allow(Scope.APPROVE))
async def place_hold(request: PageRequest, context: Context) -> Response[Any]:
    """Places a hold over what meets all that is given."""
    form, user = await form_of(request), request.user

    def enter() -> None:
        log = _site(context, user, form("log"))
        kind, ident = form("kind"), form("id").strip()
        scope = Covers(
            log=log.name,
            source=form("source").strip() or None,
            subject=Subject(kind=LinkKind(kind), id=ident[:512]) if ident and kind in set(LinkKind) else None,
            from_at=instant_of(form("from")),
            until_at=instant_of(form("until")),
            entries=numbers_of(form("entries")),
        )
        name = form("hold").strip()
        if not name or len(name) > 100:
            raise SchemaViolation("a hold takes a name of at most 100 characters", advice="As the claim is called.")
        context.service.holds.place(name, scope, _reason(form), user.authority, person=user.person)

    try:
        await context.lanes.append(enter)
    except LedgerError as error:
        return await _holds(context, request, error)
    return _to("/holds")


@post("/holds/{hold:str}/release", opt=allow(Scope.APPROVE))
async def release_hold(request: PageRequest, context: Context, hold: FromPath[str]) -> Response[Any]:
    """Releases a hold that somebody else placed."""
    form, user = await form_of(request), request.user

    def enter() -> None:
        holds = context.service.holds
        _require(user, holds.get(hold).scope.log)
        holds.release(hold, _reason(form), user.authority, person=user.person)

    try:
        await context.lanes.append(enter)
    except LedgerError as error:
        return await _holds(context, request, error)
    return _to("/holds")


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
            _site(context, user, form("log")),
            _query(form),
            _reason(form),
            user.authority,
            person=user.person,
            remains=copies_of(form("remains")),
            waits_days=int(form("waits")) if form("waits").isdecimal() and len(form("waits")) < 5 else 0,
        )
        return f"/disposals/{asked.disposal}"

    try:
        place = await context.lanes.append(enter)
    except LedgerError as error:
        return await _disposals(context, request, error, form)
    return _to(place)


@get("/disposals/{disposal:str}", opt=allow(Scope.READ))
async def one_disposal(request: PageRequest, context: Context, disposal: FromPath[str]) -> Response[str]:
    """One disposal: what it lists, some of its records, the total; and what I may do about it."""
    return await _disposal(context, request, disposal)


@post("/disposals/{disposal:str}/approval", opt=allow(Scope.APPROVE))
async def approve(request: PageRequest, context: Context, disposal: FromPath[str]) -> Response[Any]:
    """Approves what somebody else asked for."""
    form, user, kept = await form_of(request), request.user, context.service.disposals
    return await _decide(
        context,
        request,
        disposal,
        lambda: kept.approve(disposal, _reason(form), user.authority, person=user.person),
    )


@post("/disposals/{disposal:str}/withdrawal", opt=allow(Scope.APPROVE))
async def withdraw(request: PageRequest, context: Context, disposal: FromPath[str]) -> Response[Any]:
    """Ends a disposal."""
    form, user, kept = await form_of(request), request.user, context.service.disposals
    return await _decide(
        context,
        request,
        disposal,
        lambda: kept.withdraw(disposal, _reason(form), user.authority, person=user.person),
    )


@post("/disposals/{disposal:str}/removal", opt=allow(Scope.APPROVE))
async def remove(request: PageRequest, context: Context, disposal: FromPath[str]) -> Response[Any]:
    """Starts the removal, as a job."""
    await form_of(request)
    parameters = msgspec.json.encode(Removal(disposal=disposal)).decode()
    return await _decide(context, request, disposal, lambda: context.service.jobs.enqueue(DISPOSE, parameters))


HANDLERS = (
    retention_page,
    enter_fact,
    confirm_rule,
    holds_page,
    place_hold,
    release_hold,
    disposals_page,
    ask,
    one_disposal,
    approve,
    withdraw,
    remove,
)


async def _decide(context: Any, request: PageRequest, disposal: str, do: Callable[[], object]) -> Response[Any]:
    def enter() -> None:
        _require(request.user, context.service.disposals.get(disposal).log)
        do()

    try:
        await context.lanes.append(enter)
    except LedgerError as error:
        return await _disposal(context, request, disposal, error)
    return _to(f"/disposals/{disposal}")


async def _retention(context: Any, request: PageRequest, error: LedgerError | None = None) -> Response[str]:
    log, index = request.query_params.get("log", ""), request.query_params.get("index", "")

    def read() -> tuple[Any, ...]:
        service = context.service
        rules = [rule_view(one, request.user) for one in service.retention.all()]
        lines: list[str] = []
        if index.isascii() and index.isdecimal() and len(index) < 14:
            chosen = service.log(log or None)
            if not request.user.allows(Scope.READ, None if chosen.number == SYSTEM_LOG else chosen.name):
                raise AccessDenied(f"{request.user.account} reads nothing of log {chosen.name}")
            one = service.disposals.judge(chosen, int(index))
            lines = why_kept(one.classes, one.retained, one.hold, one.disposed, service.disposals.proven_time())
        return rules, service.retention.all_facts(), lines

    rules, facts, lines = await context.lanes.read(read)
    return page(
        "retention.html",
        status=200 if error is None else 409,
        rules=rules,
        facts=facts,
        lines=lines,
        log=log,
        index=index,
        events=[one for one in RetentionEvent if one in SUBJECTS],
        kinds=sorted({kind for kinds in SUBJECTS.values() for kind in kinds}),
        approves=request.user.allows(Scope.APPROVE),
        error=error,
        place="retention",
        viewer=request.user.account,
    )


async def _holds(context: Any, request: PageRequest, error: LedgerError | None = None) -> Response[str]:
    user = request.user

    def read() -> tuple[Any, ...]:
        found = [one for one in context.service.holds.all() if user.allows(Scope.READ, one.scope.log)]
        return [hold_view(context.service.store, one, user) for one in found], _logs(context, user)

    found, logs = await context.lanes.read(read)
    return page(
        "holds.html",
        status=200 if error is None else 409,
        found=found,
        logs=logs,
        kinds=list(LinkKind),
        error=error,
        place="retention",
        viewer=user.account,
    )


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
                plan = disposals.plan(_site(context, user, form("log")), _query(form))
            except LedgerError as refused:
                wrong = wrong or refused
        return found, plan, wrong, _logs(context, user)

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
        return disposal_view(found, request.user)

    view = await context.lanes.read(read)
    status = 200 if error is None else 409
    return page("disposal.html", status=status, view=view, error=error, place="retention", viewer=request.user.account)


def _logs(context: Any, user: Caller) -> list[str]:
    """The record logs at whose sites somebody approves."""
    known = [log.name for log in context.service.store.logs() if log.number != SYSTEM_LOG]
    return sorted(name for name in known if user.allows(Scope.APPROVE, name))


def _site(context: Any, user: Caller, name: str) -> LogId:
    log: LogId = context.service.log(name or None)
    _require(user, log.name)
    return log


def _require(user: Caller, log: str) -> None:
    if not user.allows(Scope.APPROVE, log):
        raise AccessDenied(f"{user.account} approves nothing of log {log}")


def _query(form: Form) -> Query:
    kind, ident = form("kind"), form("id").strip()
    linked = ident and kind in set(LinkKind)
    return Query(
        source=form("source").strip() or None,
        link_kind=LinkKind(kind) if linked else None,
        link_id=ident if linked else None,
    )


def _reason(form: Form) -> str:
    reason = form("reason").strip()[:1000]
    if not reason:
        raise SchemaViolation("it takes a reason", advice="Say why; it stands in the entry.")
    return reason


def _to(place: str) -> Response[Any]:
    return Redirect(place, status_code=303, headers=PAGE_HEADERS)
