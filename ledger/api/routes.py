"""Signing routes: the templates by which signatures are asked for, in all their versions."""

from typing import Annotated

import msgspec
from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from ledger.api.configuring import Changing, ProposedChange, enter_system, set_or_proposed
from ledger.api.context import Context
from ledger.api.fields import without_nul
from ledger.api.gate import CallerRequest
from ledger.api.people import Entered
from ledger.api.problems import declared
from ledger.core.workflow import PlainName, RouteEntry, Stage, Step
from ledger.people.access import Scope, allow
from ledger.signing.routes import KnownRoute

RouteName = Annotated[str, PathParameter(max_length=100)]
Title = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class NewRoute(Changing, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A route as it is from now on. Steps of one stage are signed in any order, stages one after the other."""

    route: PlainName
    title: Title
    stages: Annotated[tuple[Stage, ...], msgspec.Meta(min_length=1, max_length=20)]


class RouteAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a route; `entry` of the system log is its version."""

    entry: int
    route: str
    title: str
    stages: tuple[tuple[Step, ...], ...]
    retired: bool
    current: bool


@get("/", opt=allow(Scope.READ), responses=declared())
async def routes(context: NamedDependency[Context]) -> list[RouteAnswer]:
    """Every route as it is now."""
    known = await context.lanes.read(context.service.workflows.routes.all)
    return [_answer(one) for one in known]


@get("/{route:str}", opt=allow(Scope.READ), responses=declared())
async def versions(context: NamedDependency[Context], route: RouteName) -> list[RouteAnswer]:
    """Every version of a route, oldest first."""
    without_nul(route=route)
    known = await context.lanes.read(context.service.workflows.routes.versions, route)
    return [_answer(one) for one in known]


@post("/", opt=allow(Scope.APPROVE), responses=set_or_proposed(409))
async def define(
    context: NamedDependency[Context], request: CallerRequest, data: JSONBody[NewRoute]
) -> Response[Entered | ProposedChange]:
    """Sets a route, or a new version of it; once two persons hold roles it proposes that (202). 409 for a step that
    nobody could sign.
    """
    without_nul(title=data.title, reason=data.reason, change_request=data.change_request)
    by = request.user.authority
    made = RouteEntry(route=data.route, title=data.title, stages=data.stages, reason=data.reason, authority=by)
    return await enter_system(context, lambda: made, data, by)


@post("/{route:str}/retirement", opt=allow(Scope.APPROVE), responses=set_or_proposed(409))
async def retire(
    context: NamedDependency[Context], request: CallerRequest, route: RouteName, data: JSONBody[Changing]
) -> Response[Entered | ProposedChange]:
    """From here on no request is opened by the route; those that run go on. Once two persons hold roles it proposes
    that (202).
    """
    without_nul(route=route, reason=data.reason, change_request=data.change_request)
    routes, by = context.service.workflows.routes, request.user.authority
    return await enter_system(context, lambda: routes.retired(route, data.reason, by), data, by)


def _answer(known: KnownRoute) -> RouteAnswer:
    body: RouteEntry = known.route
    return RouteAnswer(
        entry=known.entry,
        route=body.route,
        title=body.title,
        stages=tuple(stage.steps for stage in body.stages),
        retired=body.retired,
        current=known.current,
    )


router = Router("/signing/routes", route_handlers=[routes, versions, define, retire], tags=["signing"])
