"""Deferrals and deviations over HTTP: findings wait for a time, or are raised in the quality system."""

from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from ledger.api.context import Context
from ledger.api.fields import LogName, Word, no_nul_in, without_nul
from ledger.api.gate import CallerRequest
from ledger.api.people import Reason
from ledger.api.placed import Limit
from ledger.api.problems import declared
from ledger.api.searching import Before
from ledger.core.disposition import Findings
from ledger.people.access import Scope, allow
from ledger.review.reviews.deferrals import Deferred, NewDeferral
from ledger.review.reviews.deviations import Raised, raised
from ledger.review.reviews.raising import NewDeviation
from ledger.sources.map_files import instant

Named = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class ToDefer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Findings by their keys, for which batch, until when (an instant); what may go on, and why that is no risk."""

    findings: Findings
    batch: Named
    scope: Reason
    risk: Reason
    expires_at: Annotated[str, msgspec.Meta(max_length=40)]
    product: Named | None = None


class ToRaise(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Findings by their keys, and what the deviation says. `case`: the cause that they share."""

    findings: Findings
    title: Named
    description: Reason
    case: Named | None = None


class OfProduct(msgspec.Struct, frozen=True, kw_only=True):
    """How many findings are deferred, in force, for batches of a product (null: none was named)."""

    product: str | None
    findings: int


class DeferralsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A page of deferrals, newest first, and how many are in force by product, whatever the page holds.

    `next_before` as `before` goes on; null: this was the last.
    """

    log: str
    deferrals: list[Deferred]
    in_force: list[OfProduct]
    next_before: int | None


@get("/deferrals", opt=allow(Scope.READ), responses=declared())
async def list_deferrals(
    context: NamedDependency[Context],
    log: LogName,
    batch: Word = None,
    product: Word = None,
    before: Before = None,
    limit: Limit = 50,
) -> DeferralsAnswer:
    """The deferrals that no later one took the place of: those too that are over, or not signed yet."""
    without_nul(batch=batch, product=product)

    def read() -> DeferralsAnswer:
        chosen, deferrals = context.record_log(log).log, context.service.quality.deferrals
        found = deferrals.listed(chosen, batch, product, before, limit + 1)
        return DeferralsAnswer(
            log=chosen.name,
            deferrals=found[:limit],
            in_force=[OfProduct(product=name, findings=count) for name, count in deferrals.counted(chosen).items()],
            next_before=found[limit - 1].entry if len(found) > limit else None,
        )

    return await context.lanes.read(read)


@post("/deferrals", opt=allow(Scope.REVIEW), responses=declared(409))
async def defer(
    context: NamedDependency[Context], request: CallerRequest, log: LogName, data: JSONBody[ToDefer]
) -> Deferred:
    """Asks for a deferral: in force once an approver has signed its entry (action `review`, meaning `approved`).

    400 for a critical finding, and for one about data that directly decide a release.
    """
    no_nul_in(data)
    told = msgspec.structs.asdict(data) | {"expires_at": instant(data.expires_at, None)}
    by, ask = request.user.authority, context.service.quality.deferrals.ask
    return await context.lanes.append(lambda: ask(context.record_log(log).log, NewDeferral(**told), by))


@get("/deviations", opt=allow(Scope.READ), responses=declared())
async def list_deviations(context: NamedDependency[Context], log: LogName, limit: Limit = 50) -> list[Raised]:
    """The deviations that were raised from here, newest first."""

    def read() -> list[Raised]:
        number = context.record_log(log).log.number
        with context.service.store.reading() as connection:
            return raised(connection, number, limit=limit)

    return await context.lanes.read(read)


@post("/deviations", opt=allow(Scope.REVIEW), responses=declared(409, 503))
async def raise_deviation(
    context: NamedDependency[Context], request: CallerRequest, log: LogName, data: JSONBody[ToRaise]
) -> Raised:
    """Raises a deviation in the quality system, and keeps its number. 409 where one was raised for a finding before."""
    no_nul_in(data)
    new, by = NewDeviation(**msgspec.structs.asdict(data)), request.user.authority
    raise_ = context.service.raising.raise_
    return await context.lanes.append(lambda: raise_(context.record_log(log).log, new, by))


router = Router(
    "/logs/{log:str}", route_handlers=[list_deferrals, defer, list_deviations, raise_deviation], tags=["reviews"]
)
