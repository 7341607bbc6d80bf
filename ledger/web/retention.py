"""The page of retention: rules, facts, and the copies that removal does not reach."""

from functools import partial
from typing import Any, Final

from litestar import Response, get, post
from litestar.di import NamedDependency

from ledger.changes.proposing import Proposed
from ledger.core.errors import AccessDenied, LedgerError, SchemaViolation
from ledger.core.record import LinkKind
from ledger.core.retention import SUBJECTS, RetentionClass, RetentionEvent, Subject
from ledger.people.access import Scope, allow
from ledger.present.retention import why_kept
from ledger.retention.copy_kinds import CopySort
from ledger.retention.rules import changed, term_of
from ledger.store.logs import SYSTEM_LOG
from ledger.web.forms import entered, form_of, reason_of, request_of
from ledger.web.pages import PageRequest
from ledger.web.render import page
from ledger.web.views.disposals import stated_view
from ledger.web.views.retention import rule_view

Context = NamedDependency[Any]
TERMS: Final = 3
"""Terms that the form for a rule takes; a rule with more of them is proposed over the API."""


@get("/retention", opt=allow(Scope.READ))
async def retention_page(request: PageRequest, context: Context) -> Response[str]:
    """Rules, facts and copies; and of one entry, where it is named, how long it is kept and why."""
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
        context.service.retention.enter_fact(subject, RetentionEvent(form("event")), day, reason_of(form), authority)

    return await entered(context, enter, "/retention", partial(_retention, context, request))


@post("/retention/copies", opt=allow(Scope.APPROVE))
async def state_copy(request: PageRequest, context: Context) -> Response[Any]:
    """States a backup set, a replica or another copy, and when it is gone."""
    form, authority = await form_of(request), request.user.authority

    def enter() -> None:
        name, where, days = (form(one).strip()[:512] for one in ("copy", "where", "days"))
        if form("sort") not in set(CopySort) or not name or not where:
            raise SchemaViolation("a copy has a name, a sort and a place", advice="Fill in each of them.")
        if days and not (days.isascii() and days.isdecimal() and len(days) < 9):
            raise SchemaViolation(f"{days[:40]!r} is no number of days", advice="Write it as 90.")
        context.service.copies.state(
            name,
            CopySort(form("sort")),
            where,
            reason_of(form),
            authority,
            keeps_days=int(days) if days else None,
            expires=form("expires").strip() or None,
        )

    return await entered(context, enter, "/retention#copies", partial(_retention, context, request))


@post("/retention/copies/gone", opt=allow(Scope.APPROVE))
async def copy_gone(request: PageRequest, context: Context) -> Response[Any]:
    """States that all copies of a name are gone."""
    form, authority = await form_of(request), request.user.authority

    def enter() -> None:
        context.service.copies.gone(form("copy"), reason_of(form), authority)

    return await entered(context, enter, "/retention#copies", partial(_retention, context, request))


@post("/retention/rules", opt=allow(Scope.APPROVE))
async def propose_rule(request: PageRequest, context: Context) -> Response[Any]:
    """Proposes other terms for a class, under a change request, and goes to the change."""
    form, by = await form_of(request), request.user.authority

    def enter() -> str:
        if form("retention") not in set(RetentionClass):
            raise SchemaViolation("a rule is of a class of records", advice="Choose one of the list.")
        given = [(form(f"event-{one}"), form(f"period-{one}").strip()) for one in range(TERMS)]
        terms = tuple(term_of(event, period) for event, period in given if event or period)
        rule = changed(RetentionClass(form("retention")), terms, reason_of(form), by)
        service = context.service
        made: Proposed = service.quality.proposals.propose(service.system, [rule], request_of(form), rule.reason, by)
        return made.change

    return await entered(
        context, enter, lambda change: f"/changes/system/{change}", partial(_retention, context, request)
    )


HANDLERS = (retention_page, enter_fact, state_copy, copy_gone, propose_rule)


async def _retention(context: Any, request: PageRequest, error: LedgerError | None = None) -> Response[str]:
    log, index = request.query_params.get("log", ""), request.query_params.get("index", "")

    def read() -> tuple[Any, ...]:
        service = context.service
        rules = [rule_view(one) for one in service.retention.all()]
        lines: list[str] = []
        if index.isascii() and index.isdecimal() and len(index) < 14:
            chosen = service.log(log or None)
            if not request.user.allows(Scope.READ, None if chosen.number == SYSTEM_LOG else chosen.name):
                raise AccessDenied(f"{request.user.account} reads nothing of log {chosen.name}")
            one = service.disposals.judge(chosen, int(index))
            lines = why_kept(
                one.classes, one.retained, one.hold, one.case, one.disposed, service.disposals.proven_time()
            )
        return rules, service.retention.all_facts(), [stated_view(one) for one in service.copies.all()], lines

    rules, facts, copies, lines = await context.lanes.read(read)
    return page(
        "retention.html",
        status=200 if error is None else 409,
        rules=rules,
        facts=facts,
        copies=copies,
        sorts=list(CopySort),
        lines=lines,
        log=log,
        index=index,
        events=[one for one in RetentionEvent if one in SUBJECTS],
        counted=list(RetentionEvent),
        classes=[one for one in RetentionClass if one is not RetentionClass.PERMANENT],
        terms=TERMS,
        kinds=sorted({kind for kinds in SUBJECTS.values() for kind in kinds}),
        approves=request.user.allows(Scope.APPROVE),
        error=error,
        place="retention",
        viewer=request.user.account,
    )
