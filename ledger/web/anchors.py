"""The page of trust anchors: the authorities whose certificates sign here, let in by two administrators.

Plain forms, no script. An authority's own fingerprint is compared with what it publishes, not with what a page says.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from ledger.core.chain import MAX_CERTIFICATE
from ledger.core.errors import LedgerError
from ledger.people.access import Scope, allow
from ledger.signing.external import KnownAnchor
from ledger.web.forms import entered, file_of, form_of
from ledger.web.pages import PageRequest
from ledger.web.render import page

Context = NamedDependency[Any]
"""The application's context; of no type that a request could be checked against."""
_MAX_BODY: Final = MAX_CERTIFICATE + 64 * 1024


@get("/anchors", opt=allow(Scope.ADMIN))
async def anchors(request: PageRequest, context: Context) -> Response[str]:
    """Every authority that was proposed, and how it stands; with the form to propose one."""
    return await _page(context, request)


@post("/anchors", opt=allow(Scope.ADMIN), request_max_body_size=_MAX_BODY)
async def propose(request: PageRequest, context: Context) -> Response[Any]:
    """Proposes an authority; it counts once a second administrator confirmed it."""
    form, given, caller = await form_of(request), await file_of(request, "certificate"), request.user
    external = context.service.signing.external
    return await _done(context, request, lambda: external.propose(given, _reason(form), caller.authority))


@post("/anchors/{anchor:str}/confirmation", opt=allow(Scope.ADMIN))
async def confirm(request: PageRequest, context: Context, anchor: FromPath[str]) -> Response[Any]:
    """Confirms an authority that somebody else proposed."""
    form, caller, external = await form_of(request), request.user, context.service.signing.external
    return await _done(context, request, lambda: external.confirm(anchor, _reason(form), caller.authority))


@post("/anchors/{anchor:str}/withdrawal", opt=allow(Scope.ADMIN))
async def withdraw(request: PageRequest, context: Context, anchor: FromPath[str]) -> Response[Any]:
    """From here on its certificates sign nothing new here."""
    form, caller, external = await form_of(request), request.user, context.service.signing.external
    return await _done(context, request, lambda: external.withdraw(anchor, _reason(form), caller.authority))


HANDLERS: Final[list[Any]] = [anchors, propose, confirm, withdraw]


async def _done(context: Any, request: PageRequest, work: Callable[[], KnownAnchor]) -> Response[Any]:
    return await entered(context, work, lambda done: f"/anchors#{done.anchor}", partial(_page, context, request))


async def _page(context: Any, request: PageRequest, error: LedgerError | None = None) -> Response[str]:
    return page(
        "anchors.html",
        status=200 if error is None else 409,
        anchors=await context.lanes.read(context.service.signing.external.anchors),
        error=error,
        place="account",
        viewer=request.user.account,
    )


def _reason(form: Callable[[str], str]) -> str:
    return form("reason").strip()[:1000]
