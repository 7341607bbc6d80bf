"""The pages of what people enter by hand: what there is, a form for each sort, and the check by a second person."""

from typing import Any, Final
from zoneinfo import ZoneInfo

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from ledger.core.errors import LedgerError, NotFound
from ledger.core.record import Action, LinkKind, Outcome
from ledger.core.scans import MAX_SCAN
from ledger.people.access import Scope, allow
from ledger.present.messages import message
from ledger.sources.hand_kinds import HandSort, HandState
from ledger.sources.hands import KnownHand
from ledger.web.forms import before_of, entered, file_of, form_of, reason_of
from ledger.web.pages import PageRequest
from ledger.web.places import sees_of
from ledger.web.render import page
from ledger.web.views.hands import FIELDS, HandRow, hand_rows, typed_hand

Context = NamedDependency[Any]
ROWS: Final = 50
_MAX_BODY: Final = MAX_SCAN + 64 * 1024
_LONGEST: Final = 1000


def handlers(zone: ZoneInfo) -> list[Any]:
    """The routes; `zone` is the site's time zone."""

    @get("/by-hand/{log:str}", opt=allow(Scope.READ))
    async def by_hand(request: PageRequest, context: Context, log: FromPath[str]) -> Response[str]:
        """What was entered by hand, newest first; with `state`, what stands so alone."""
        return await _list(request, context, log, zone)

    @get("/by-hand/{log:str}/new/{sort:str}", opt=allow(Scope.ENTER))
    async def new_by_hand(
        request: PageRequest, context: Context, log: FromPath[str], sort: FromPath[str]
    ) -> Response[str]:
        """The form of a sort; what the address names is filled in."""
        typed = {name: request.query_params.get(name, "")[:_LONGEST] for name in FIELDS}
        return await _form(request, context, log, _sort(sort), typed, zone)

    @post("/by-hand/{log:str}/new/{sort:str}", opt=allow(Scope.ENTER), request_max_body_size=_MAX_BODY)
    async def enter_by_hand(
        request: PageRequest, context: Context, log: FromPath[str], sort: FromPath[str]
    ) -> Response[Any]:
        """Enters it, and goes to the list, on which it then stands; or the form again with what is wrong."""
        field, caller, of = await form_of(request), request.user, _sort(sort)
        scan = await file_of(request, "scan") or None

        def enter() -> KnownHand:
            hands = context.record_log(log).hands
            made: KnownHand = hands.enter(typed_hand(of, field, zone), scan, caller.authority, sees_of(context, caller))
            return made

        async def again(error: LedgerError) -> Response[Any]:
            return await _form(request, context, log, of, {name: field(name) for name in FIELDS}, zone, error)

        return await entered(context, enter, lambda made: f"/by-hand/{log}#hand-{made.hand}", again)

    @post("/by-hand/{log:str}/{hand:str}/check", opt=allow(Scope.ENTER))
    async def check_by_hand(
        request: PageRequest, context: Context, log: FromPath[str], hand: FromPath[str]
    ) -> Response[Any]:
        """A second person says whether it agrees with what it was entered from."""
        field, caller = await form_of(request), request.user

        def enter() -> KnownHand:
            hands = context.record_log(log).hands
            checked: KnownHand = hands.check(hand, field("agrees") == "yes", reason_of(field), caller.authority)
            return checked

        async def again(error: LedgerError) -> Response[Any]:
            return await _list(request, context, log, zone, error)

        return await entered(context, enter, f"/by-hand/{log}#hand-{hand}", again)

    return [by_hand, new_by_hand, enter_by_hand, check_by_hand]


def _sort(text: str) -> HandSort:
    try:
        return HandSort(text)
    except ValueError:
        raise NotFound(message("hand.no-sort"), advice=message("error.no-page.advice")) from None


async def _list(
    request: PageRequest, context: Any, log: str, zone: ZoneInfo, error: LedgerError | None = None
) -> Response[str]:
    asked, caller = request.query_params, request.user
    state = HandState(asked["state"]) if asked.get("state") in set(HandState) else None
    before = before_of(request)

    def read() -> tuple[str, tuple[HandRow, ...], bool]:
        chosen = context.record_log(log)
        found = chosen.hands.listed(state, before, ROWS + 1)
        return chosen.log.name, hand_rows(found[:ROWS], log, caller, zone), len(found) > ROWS

    name, rows, more = await context.lanes.read(read)
    return page(
        "hands.html",
        status=200 if error is None else 409,
        log=name,
        logs=sees_of(context, caller),
        rows=rows,
        older=rows[-1].index if more else None,
        states=list(HandState),
        state=state,
        sorts=list(HandSort) if caller.allows(Scope.ENTER, name) else [],
        error=error,
        place="search",
        viewer=caller.account,
    )


async def _form(
    request: PageRequest,
    context: Any,
    log: str,
    sort: HandSort,
    typed: dict[str, str],
    zone: ZoneInfo,
    error: LedgerError | None = None,
) -> Response[str]:
    sources = await context.lanes.read(lambda: context.record_log(log).hands.sources())
    return page(
        "hand.html",
        status=200 if error is None else 409,
        log=log,
        sort=sort,
        typed=typed,
        sources=sources,
        actions=list(Action),
        outcomes=list(Outcome),
        kinds=list(LinkKind),
        zone=zone.key,
        error=error,
        place="search",
        viewer=request.user.account,
    )
