"""Pages of legal holds: placed by one, released by another."""

from functools import partial
from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from ledger.core.errors import LedgerError, SchemaViolation
from ledger.core.record import LinkKind
from ledger.core.retention import Subject
from ledger.people.access import Scope, allow
from ledger.retention.holds import Scope as Covers
from ledger.web.forms import entered, form_of, reason_of
from ledger.web.pages import PageRequest
from ledger.web.places import approving, logs_of, require_approver
from ledger.web.render import page
from ledger.web.views.retention import hold_view, instant_of, numbers_of

Context = NamedDependency[Any]


@get("/holds", opt=allow(Scope.READ))
async def holds_page(request: PageRequest, context: Context) -> Response[str]:
    """Every legal hold, and what I may do about it."""
    return await _holds(context, request)


@post("/holds", opt=allow(Scope.APPROVE))
async def place_hold(request: PageRequest, context: Context) -> Response[Any]:
    """Places a hold over what meets all that is given."""
    form, user = await form_of(request), request.user

    def enter() -> None:
        log = approving(context, user, form("log"))
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
        context.service.holds.place(name, scope, reason_of(form), user.authority, person=user.person)

    return await entered(context, enter, "/holds", partial(_holds, context, request))


@post("/holds/{hold:str}/release", opt=allow(Scope.APPROVE))
async def release_hold(request: PageRequest, context: Context, hold: FromPath[str]) -> Response[Any]:
    """Releases a hold that somebody else placed."""
    form, user = await form_of(request), request.user

    def enter() -> None:
        holds = context.service.holds
        require_approver(user, holds.get(hold).scope.log)
        holds.release(hold, reason_of(form), user.authority, person=user.person)

    return await entered(context, enter, "/holds", partial(_holds, context, request))


HANDLERS = (holds_page, place_hold, release_hold)


async def _holds(context: Any, request: PageRequest, error: LedgerError | None = None) -> Response[str]:
    user = request.user

    def read() -> tuple[Any, ...]:
        found = [one for one in context.service.holds.all() if user.allows(Scope.READ, one.scope.log)]
        return [hold_view(context.service.store, one, user) for one in found], logs_of(context, user)

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
