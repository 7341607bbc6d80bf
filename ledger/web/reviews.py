"""The pages of reviews: opened, looked at, decided and concluded there; signed where requests are."""

from collections.abc import Callable
from typing import Any, Final
from zoneinfo import ZoneInfo

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from ledger.core.disposition import Judgement
from ledger.core.errors import LedgerError, SchemaViolation
from ledger.core.review import Reviewed
from ledger.core.signature import MAX_SET
from ledger.people.access import Scope, allow
from ledger.present.messages import message
from ledger.review.reviews.deferrals import NewDeferral
from ledger.review.reviews.dispositions import NewDisposition
from ledger.review.reviews.planning import plans
from ledger.review.reviews.raising import NewDeviation
from ledger.review.reviews.reading import names, read_review
from ledger.review.reviews.shown import requests_over, show
from ledger.sources.map_files import instant
from ledger.store.reading import LogReader
from ledger.web.forms import Form, before_of, entered, entries_of, form_of, reason_of
from ledger.web.pages import PageRequest
from ledger.web.places import sees_of
from ledger.web.render import page
from ledger.web.views.reviews import ReviewView, line_of, review_view

Context = NamedDependency[Any]
ROWS: Final = 50
_FIELDS: Final = ("plan", "batch", "from", "to", "reason")
_STEPS: Final = ("judge", "defer", "raise", "look", "miss", "system", "conclude", "reconsider")


def handlers(zone: ZoneInfo) -> list[Any]:
    """The routes; `zone` is the site's time zone, in which periods are typed and times are shown."""

    @get("/reviews/{log:str}", opt=allow(Scope.READ))
    async def reviews(request: PageRequest, context: Context, log: FromPath[str]) -> Response[str]:
        """Every review, newest first."""
        typed = {name: request.query_params.get(name, "")[:1000] for name in _FIELDS}
        return await _list(request, context, log, zone, typed)

    @post("/reviews/{log:str}", opt=allow(Scope.REVIEW))
    async def open_review(request: PageRequest, context: Context, log: FromPath[str]) -> Response[Any]:
        """Opens a review, and goes to its page."""
        field, caller = await form_of(request), request.user

        def enter() -> Any:
            chosen = context.record_log(log).log
            of = _reviewed(field, zone)
            return context.service.reviews.open(chosen, field("plan"), of, reason_of(field), caller.authority)

        async def again(error: LedgerError) -> Response[Any]:
            return await _list(request, context, log, zone, {name: field(name) for name in _FIELDS}, error)

        return await entered(context, enter, lambda made: f"/reviews/{log}/{made.review}", again)

    @get("/reviews/{log:str}/{review:str}", opt=allow(Scope.READ))
    async def review_page(
        request: PageRequest, context: Context, log: FromPath[str], review: FromPath[str]
    ) -> Response[str]:
        """A review: its population, sample and findings, what is left to do, and what it came to."""
        return await _one(request, context, log, review, zone)

    @post("/reviews/{log:str}/{review:str}/{step:str}", opt=allow(Scope.REVIEW))
    async def act(
        request: PageRequest, context: Context, log: FromPath[str], review: FromPath[str], step: FromPath[str]
    ) -> Response[Any]:
        """One step of a review, and back to its page, on which that then stands."""
        field, caller = await form_of(request), request.user
        findings = tuple(str(one) for one in (await request.form()).getall("finding", []))
        do = _step(context, log, review, step, field, findings, caller.authority, zone)

        async def again(error: LedgerError) -> Response[Any]:
            return await _one(request, context, log, review, zone, error)

        return await entered(context, do, f"/reviews/{log}/{review}", again)

    return [reviews, open_review, review_page, act]


def _step(
    context: Any, log: str, review: str, step: str, field: Form, findings: tuple[str, ...], by: Any, zone: ZoneInfo
) -> Callable[[], Any]:
    reviews, quality = context.service.reviews, context.service.quality

    def do() -> Any:
        chosen = context.record_log(log).log
        match step:
            case "judge":
                new = NewDisposition(
                    findings=findings,
                    judgement=_judgement(field),
                    reason=reason_of(field),
                    case=field("case").strip() or None,
                    deviation=field("deviation").strip() or None,
                    capa=field("capa").strip() or None,
                )
                return quality.dispositions.give(chosen.number, new, by)
            case "defer":
                made = reviews.get(chosen, review).reviewed.batch or ""
                return quality.deferrals.ask(chosen, _deferral(field, findings, made, zone), by)
            case "raise":
                case = field("case").strip() or None
                words = field("title").strip(), field("description").strip()
                return context.service.raising.raise_(
                    chosen, NewDeviation(findings=findings, title=words[0], description=words[1], case=case), by
                )
            case "look":
                named = entries_of(field("entries"), MAX_SET) or reviews.get(chosen, review).left
                return reviews.look(chosen, review, named, reason_of(field), by)
            case "miss":
                rule = field("rule").strip() or None
                return reviews.missed(chosen, review, _entry(field("record")), rule, reason_of(field), by)
            case "system":
                return reviews.give_reason(chosen, review, field("system").strip(), reason_of(field), by)
            case "conclude":
                return reviews.conclude(chosen, review, reason_of(field), by)
            case "reconsider":
                return reviews.reconsider(chosen, review, reason_of(field), by)
        raise SchemaViolation(f"a review has no step {step[:40]!r}", advice=f"Its steps are {', '.join(_STEPS)}.")

    return do


def _deferral(field: Form, findings: tuple[str, ...], batch: str, zone: ZoneInfo) -> NewDeferral:
    return NewDeferral(
        findings=findings,
        batch=batch,
        scope=field("scope").strip(),
        risk=field("risk").strip(),
        expires_at=instant(field("until").strip(), zone.key),
        product=field("product").strip() or None,
    )


def _reviewed(field: Form, zone: ZoneInfo) -> Reviewed:
    batch, low, high = (field(name).strip() or None for name in ("batch", "from", "to"))
    from_at, to_at = (None if text is None else instant(text, zone.key) for text in (low, high))
    return Reviewed(batch=batch, from_at=from_at, to_at=to_at)


def _judgement(field: Form) -> Judgement:
    chosen = field("judgement")
    if chosen not in set(Judgement):
        raise SchemaViolation(message("hand.no-choice"), advice=message("hand.no-choice.advice"))
    return Judgement(chosen)


def _entry(text: str) -> int:
    """The entry that a field names; -1, which is of no sample, where it names none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 17 else -1


async def _list(
    request: PageRequest,
    context: Any,
    log: str,
    zone: ZoneInfo,
    typed: dict[str, str],
    error: LedgerError | None = None,
) -> Response[str]:
    caller, before = request.user, before_of(request)

    def read() -> tuple[list[Any], list[str], bool]:
        service, chosen = context.service, context.record_log(log).log
        with service.store.reading() as connection:
            found = names(connection, chosen.number, None, None, before, ROWS + 1)
            known = [read_review(connection, chosen.number, one) for one in found[:ROWS]]
            asked = [requests_over(service.workflows.requests, connection, chosen, one) for one in known]
            lines = [line_of(one, zone, states) for one, states in zip(known, asked, strict=True)]
            named = [one.plan.plan for one in plans(connection, chosen.number) if not one.plan.retired]
        return lines, named, len(found) > ROWS

    lines, named, more = await context.lanes.read(read)
    return page(
        "reviews.html",
        status=200 if error is None else 409,
        log=log,
        logs=sees_of(context, caller),
        rows=lines,
        plans=named,
        older=lines[-1].opening if more else None,
        reviews=caller.allows(Scope.REVIEW, log),
        typed={**dict.fromkeys(_FIELDS, ""), **typed},
        error=error,
        place="search",
        viewer=caller.account,
    )


async def _one(
    request: PageRequest, context: Any, log: str, review: str, zone: ZoneInfo, error: LedgerError | None = None
) -> Response[str]:
    caller = request.user

    def read() -> ReviewView:
        service, chosen = context.service, context.record_log(log).log
        with service.store.reading() as connection:
            size = LogReader(connection, chosen.number).head().size
            shown = show(service.store, service.workflows.requests, connection, chosen, review, size)
        return review_view(shown, zone)

    view = await context.lanes.read(read)
    return page(
        "review.html",
        status=200 if error is None else 409,
        log=log,
        view=view,
        reviews=caller.allows(Scope.REVIEW, log),
        judgements=list(Judgement),
        error=error,
        place="search",
        viewer=caller.account,
    )
