"""Legal holds: what must be kept whatever its retention says."""

from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from ledger.api.context import Context
from ledger.api.fields import without_nul
from ledger.api.gate import CallerRequest
from ledger.api.people import Entered, Why
from ledger.api.problems import declared
from ledger.core.clock import parse_utc
from ledger.core.errors import AccessDenied
from ledger.core.record import LinkKind
from ledger.core.retention import Subject
from ledger.people.access import Caller, Scope, allow
from ledger.retention.hold_kinds import MAX_HELD
from ledger.retention.holds import Hold
from ledger.retention.holds import Scope as Covers
from ledger.store.position import MAX_INDEX

HoldPath = Annotated[str, PathParameter(max_length=100)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
Instant = Annotated[str, msgspec.Meta(max_length=27)]
Held = Annotated[int, msgspec.Meta(ge=0, le=MAX_INDEX)]


class HeldSubject(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What records are linked to: a batch, a piece of equipment, …"""

    kind: LinkKind
    id: Name


class NewHold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A legal hold over what is of this log and meets all that is given besides: of this source; linked to this
    subject; with any of its times from `from_at` to before `until_at`; one of `entries`.
    """

    hold: Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9._-]+$")]
    log: Name
    reason: Reason
    source: Name | None = None
    subject: HeldSubject | None = None
    from_at: Instant | None = None
    until_at: Instant | None = None
    entries: Annotated[tuple[Held, ...], msgspec.Meta(max_length=MAX_HELD)] = ()


@get("/legal-holds", opt=allow(Scope.READ), responses=declared())
async def holds(context: NamedDependency[Context], request: CallerRequest) -> list[Hold]:
    """Every hold over a log that the caller may read: those in force first."""
    found = await context.lanes.read(context.service.holds.all)
    return [hold for hold in found if request.user.allows(Scope.READ, hold.scope.log)]


@post("/legal-holds", opt=allow(Scope.APPROVE), responses=declared(409))
async def set_hold(context: NamedDependency[Context], request: CallerRequest, data: JSONBody[NewHold]) -> Entered:
    """Places a hold: nothing of what it covers is erased or disposed of until a second person releases it."""
    subject = data.subject
    about = None if subject is None else subject.id
    without_nul(hold=data.hold, log=data.log, source=data.source, reason=data.reason, subject=about)
    for instant in (data.from_at, data.until_at):
        if instant is not None:
            parse_utc(instant)
    scope = Covers(
        log=context.log(data.log).name,
        source=data.source,
        subject=None if subject is None else Subject(kind=subject.kind, id=subject.id),
        from_at=data.from_at,
        until_at=data.until_at,
        entries=data.entries,
    )
    user, place = request.user, context.service.holds.place
    require(user, scope.log)

    def enter() -> int:
        return place(data.hold, scope, data.reason, user.authority, person=user.person)

    return Entered(index=await context.lanes.append(enter))


@post("/legal-holds/{hold:str}/lifting", opt=allow(Scope.APPROVE), responses=declared(409))
async def lift_hold(
    context: NamedDependency[Context], request: CallerRequest, hold: HoldPath, data: JSONBody[Why]
) -> Entered:
    """Releases a hold, by another person than who placed it."""
    without_nul(hold=hold, reason=data.reason)
    user, kept = request.user, context.service.holds

    def enter() -> int:
        require(user, kept.get(hold).scope.log)
        return kept.release(hold, data.reason, user.authority, person=user.person)

    return Entered(index=await context.lanes.append(enter))


def require(user: Caller, log: str) -> None:
    """Raises AccessDenied unless the caller approves at this log's site."""
    if not user.allows(Scope.APPROVE, log):
        raise AccessDenied(f"{user.account} approves nothing of log {log}")


router = Router("/", route_handlers=[holds, set_hold, lift_hold], tags=["retention"])
