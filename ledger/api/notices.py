"""A caller's own notices, and what went out by mail and webhook."""

from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from ledger.api.context import Context
from ledger.api.gate import CallerRequest
from ledger.api.problems import declared
from ledger.people.access import Door, Scope, allow
from ledger.people.notice_kinds import Subject
from ledger.people.notices import MAX_SHOWN, Notice, Outgoing

Limit = Annotated[int, QueryParameter(description="How many at most, the newest first.", ge=1, le=MAX_SHOWN)]


class WebhookKey(msgspec.Struct, frozen=True, kw_only=True):
    """The verifier key (C2SP signed-note) of what goes to webhooks; null before the first notice to one.

    A receiver checks `Trailseal-Signature: KEY-ID SIGNATURE`: Ed25519 over `trailseal/notice/v1`, a line feed and the
    body as it came; that `sent_at` in it is recent; and that it had no notice of that `notice` before.
    """

    vkey: str | None


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """The id of a notice that was entered; null where there is nobody to tell."""

    notice: str | None


@get("/notices", opt=allow(Door.CALLER), responses=declared())
async def my_notices(
    context: NamedDependency[Context], request: CallerRequest, limit: Limit = MAX_SHOWN
) -> list[Notice]:
    """What the caller was told, the newest first."""
    return await context.lanes.read(context.service.notices.mine, request.user.account, limit)


@get("/notices/key", opt=allow(Door.CALLER), responses=declared())
async def webhook_key(context: NamedDependency[Context]) -> WebhookKey:
    """The key by which a webhook's receiver checks what it gets."""
    return WebhookKey(vkey=await context.lanes.read(context.service.notice_vkey))


@get("/notices/outgoing", opt=allow(Scope.ADMIN), responses=declared())
async def outgoing(context: NamedDependency[Context], limit: Limit = MAX_SHOWN) -> list[Outgoing]:
    """What is due by mail and webhook, went out or failed, the newest first."""
    return await context.lanes.read(context.service.notices.outgoing, limit)


@post("/notices/test", opt=allow(Scope.ADMIN), responses=declared())
async def send_test(context: NamedDependency[Context], request: CallerRequest) -> Told:
    """Sends the caller, and every webhook, a notice to see that it arrives."""
    told = await context.lanes.append(context.service.notices.tell, (request.user.account,), Subject.TEST)
    return Told(notice=told)


router = Router("/", route_handlers=[my_notices, webhook_key, outgoing, send_test], tags=["notices"])
