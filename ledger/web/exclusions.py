"""The page of exclusions: which records do not count in which evaluation, and why; excluded and lifted there."""

from typing import Any, Final
from zoneinfo import ZoneInfo

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from ledger.core.errors import LedgerError, SchemaViolation
from ledger.people.access import Scope, allow
from ledger.present.messages import message
from ledger.sources.exclusions import MAX_MEMBERS
from ledger.sources.hand_kinds import Evaluation, EvaluationSort
from ledger.web.forms import Form, before_of, entered, entries_of, form_of, reason_of
from ledger.web.pages import PageRequest
from ledger.web.places import sees_of
from ledger.web.render import page
from ledger.web.views.hands import ExclusionRow, exclusion_rows

Context = NamedDependency[Any]
ROWS: Final = 50
_FIELDS: Final = ("entries", "sort", "name", "reason")


def handlers(zone: ZoneInfo) -> list[Any]:
    """The routes; `zone` is the site's time zone."""

    @get("/exclusions/{log:str}", opt=allow(Scope.READ))
    async def exclusions(request: PageRequest, context: Context, log: FromPath[str]) -> Response[str]:
        """Every exclusion, newest first; those that were lifted too."""
        typed = {name: request.query_params.get(name, "")[:1000] for name in _FIELDS}
        return await _page(request, context, log, zone, typed)

    @post("/exclusions/{log:str}", opt=allow(Scope.REVIEW))
    async def exclude(request: PageRequest, context: Context, log: FromPath[str]) -> Response[Any]:
        """Excludes records, and goes back to the page, on which that then stands."""
        field, caller = await form_of(request), request.user

        def enter() -> Any:
            found = context.record_log(log).exclusions
            entries = entries_of(field("entries"), MAX_MEMBERS)
            return found.exclude(entries, _evaluation(field), reason_of(field), caller.authority)

        async def again(error: LedgerError) -> Response[Any]:
            return await _page(request, context, log, zone, {name: field(name) for name in _FIELDS}, error)

        return await entered(context, enter, lambda made: f"/exclusions/{log}#exclusion-{made.exclusion}", again)

    @post("/exclusions/{log:str}/{exclusion:str}/lifting", opt=allow(Scope.REVIEW))
    async def lift(
        request: PageRequest, context: Context, log: FromPath[str], exclusion: FromPath[str]
    ) -> Response[Any]:
        """Has the records count again."""
        field, caller = await form_of(request), request.user

        def enter() -> None:
            context.record_log(log).exclusions.lift(exclusion, reason_of(field), caller.authority)

        async def again(error: LedgerError) -> Response[Any]:
            return await _page(request, context, log, zone, {}, error)

        return await entered(context, enter, f"/exclusions/{log}#exclusion-{exclusion}", again)

    return [exclusions, exclude, lift]


def _evaluation(field: Form) -> Evaluation:
    sort = field("sort")
    if sort not in set(EvaluationSort):
        raise SchemaViolation(message("hand.no-choice"), advice=message("hand.no-choice.advice"))
    return Evaluation(sort=EvaluationSort(sort), name=field("name").strip())


async def _page(
    request: PageRequest,
    context: Any,
    log: str,
    zone: ZoneInfo,
    typed: dict[str, str],
    error: LedgerError | None = None,
) -> Response[str]:
    caller, before = request.user, before_of(request)

    def read() -> tuple[tuple[ExclusionRow, ...], bool]:
        found = context.record_log(log).exclusions.listed(before, ROWS + 1)
        return exclusion_rows(found[:ROWS], log, caller, zone), len(found) > ROWS

    rows, more = await context.lanes.read(read)
    return page(
        "exclusions.html",
        status=200 if error is None else 409,
        log=log,
        logs=sees_of(context, caller),
        rows=rows,
        older=rows[-1].entry if more else None,
        reviews=caller.allows(Scope.REVIEW, log),
        sorts=list(EvaluationSort),
        typed={**dict.fromkeys(_FIELDS, ""), **typed},
        error=error,
        place="search",
        viewer=caller.account,
    )
