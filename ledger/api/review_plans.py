"""What a site says of its reviews, over HTTP: plans, and which systems contribute to a batch."""

from http import HTTPStatus
from typing import Annotated

import msgspec
from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from ledger.api.configuring import Changing, ProposedChange, proposed, set_or_proposed
from ledger.api.context import Context
from ledger.api.fields import LogName, no_nul_in
from ledger.api.gate import CallerRequest
from ledger.api.placed import AsOf, Placed, placed, size_of
from ledger.api.problems import declared
from ledger.changes.proposing import Proposed
from ledger.core.authority import Authority
from ledger.core.review import HIGHEST_RISK, ContributingList, Depth, PlanScope, ReviewPlan
from ledger.core.workflow import PlainName
from ledger.people.access import Scope, allow
from ledger.review.reviews.planning import KnownList, KnownPlan, lists, plans

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]


class NewPlan(Changing, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A plan as it is from now on. `route`: the signing route that ends a review. A `retired` plan opens none."""

    plan: PlainName
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    scope: PlanScope
    route: PlainName
    samples: Annotated[tuple[Depth, ...], msgspec.Meta(min_length=1, max_length=HIGHEST_RISK)]
    product: Name | None = None
    sources: Annotated[tuple[Name, ...], msgspec.Meta(max_length=500)] = ()
    retired: bool = False


class NewList(Changing, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which systems of the inventory have to contribute to each batch of a product; null: of all others."""

    systems: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1, max_length=500)]
    product: Name | None = None


@get("/review-plans", opt=allow(Scope.READ), responses=declared())
async def list_plans(context: NamedDependency[Context], log: LogName, size: AsOf = None) -> list[KnownPlan]:
    """All plans, those too that are retired."""

    def read() -> list[KnownPlan]:
        chosen = context.record_log(log)
        at = size_of(context.service, chosen, size)
        with context.service.store.reading() as connection:
            return plans(connection, chosen.log.number, at)

    return await context.lanes.read(read)


@post("/review-plans", opt=allow(Scope.APPROVE), responses=set_or_proposed())
async def set_plan(
    context: NamedDependency[Context], request: CallerRequest, log: LogName, data: JSONBody[NewPlan]
) -> Response[Placed | ProposedChange]:
    """Sets a plan; once two persons hold roles it proposes that (202)."""
    return await _set(context, log, data, ReviewPlan, request.user.authority)


@get("/contributing-lists", opt=allow(Scope.READ), responses=declared())
async def list_lists(context: NamedDependency[Context], log: LogName, size: AsOf = None) -> list[KnownList]:
    """Which systems have to contribute to a batch, by product."""

    def read() -> list[KnownList]:
        chosen = context.record_log(log)
        at = size_of(context.service, chosen, size)
        with context.service.store.reading() as connection:
            return lists(connection, chosen.log.number, at)

    return await context.lanes.read(read)


@post("/contributing-lists", opt=allow(Scope.APPROVE), responses=set_or_proposed())
async def set_list(
    context: NamedDependency[Context], request: CallerRequest, log: LogName, data: JSONBody[NewList]
) -> Response[Placed | ProposedChange]:
    """Sets the list of a product; once two persons hold roles it proposes that (202)."""
    return await _set(context, log, data, ContributingList, request.user.authority)


async def _set(
    context: Context, log: str, data: NewPlan | NewList, sort: type[ReviewPlan | ContributingList], by: Authority
) -> Response[Placed | ProposedChange]:
    no_nul_in(data)
    told = msgspec.structs.asdict(data)
    request = told.pop("change_request")
    body = sort(**told, authority=by)

    def enter() -> Response[Placed | ProposedChange]:
        chosen, configuration = context.record_log(log), context.service.quality.configuration
        made = configuration.enter(chosen.log, [body], data.reason, by, request)
        if isinstance(made, Proposed):
            return proposed(chosen.log.name, made)
        return Response(placed(chosen, made.entries[0]), status_code=HTTPStatus.CREATED)

    return await context.lanes.append(enter)


router = Router("/logs/{log:str}", route_handlers=[list_plans, set_plan, list_lists, set_list], tags=["reviews"])
