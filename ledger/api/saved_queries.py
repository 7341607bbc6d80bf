"""Searches that are saved: the caller's own, and those that others share."""

from typing import Annotated

import msgspec
from litestar import Router, delete, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromQuery, JSONBody, PathParameter

from ledger.api.context import Context
from ledger.api.exporting import Columns
from ledger.api.fields import LogName, without_nul
from ledger.api.filters import Filters, filters
from ledger.api.gate import CallerRequest
from ledger.api.people import Entered
from ledger.api.problems import declared
from ledger.api.searching import Order
from ledger.people.access import Scope, allow
from ledger.sources.query_kinds import Title
from ledger.sources.saved_queries import NewQuery, Saved
from ledger.store.ordering import Sort, SortKey
from ledger.trace.asking import parameters_of

SavedPath = Annotated[str, PathParameter(max_length=100)]


class NewSavedQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Under which name, of the caller's own, the search is saved; `shared` with all who may read the log."""

    name: Title
    shared: bool = False


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter of a search, as its address has it."""

    name: str
    value: str


class SavedQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A search that is saved. `parameters`: with these the route of a search, or of its export, asks the same.

    `columns`: null, the page's. `entry`: of the system log, which saved it.
    """

    id: str
    name: str
    owner: str
    shared: bool
    log: str
    parameters: list[Parameter]
    sort: SortKey
    order: Order
    columns: list[str] | None
    entry: int


@get("/", opt=allow(Scope.READ), responses=declared())
async def list_queries(context: NamedDependency[Context], request: CallerRequest) -> list[SavedQuery]:
    """The caller's own, then what others share of logs that the caller may read; each by name."""
    user = request.user
    found = await context.lanes.read(context.service.quality.saved.listed, user.account)
    return [_told(one) for one in found if user.allows(Scope.READ, one.log)]


@delete("/{saved:str}", status_code=200, opt=allow(Scope.READ), responses=declared(409))
async def remove_query(context: NamedDependency[Context], request: CallerRequest, saved: SavedPath) -> Entered:
    """Removes a search of the caller's own, by id or name; whoever may configure removes any that is shared."""
    without_nul(saved=saved)
    user = request.user
    remove = context.service.quality.saved.remove
    index = await context.lanes.append(remove, user.account, saved, user.allows(Scope.CONFIGURE), user.authority)
    return Entered(index=index)


@post(
    "/logs/{log:str}/saved-queries",
    opt=allow(Scope.READ),
    responses=declared(),
    tags=["search"],
    dependencies={"asked": Provide(filters)},
)
async def save_query(
    context: NamedDependency[Context],
    request: CallerRequest,
    log: LogName,
    asked: NamedDependency[Filters],
    data: JSONBody[NewSavedQuery],
    columns: Columns = None,
    sort: FromQuery[SortKey] = SortKey.INDEX,
    order: FromQuery[Order] = Order.DESCENDING,
) -> SavedQuery:
    """Saves a search: the parameters are those of the search itself. One of the same name, of the caller's own, is
    replaced. A search for a person is refused: each time it is made, it says what for.
    """
    without_nul(name=data.name)
    chosen, user = context.log(log), request.user
    new = NewQuery(
        name=data.name.strip(),
        log=chosen.name,
        query=asked.query,
        where=asked.where,
        sort=Sort(by=sort, ascending=order is Order.ASCENDING),
        columns=tuple(name.strip() for name in columns.split(",")) if columns else (),
        shared=data.shared,
    )
    save = context.service.quality.save_query
    return _told(await context.lanes.append(save, new, chosen, user.account, user.authority))


def _told(one: Saved) -> SavedQuery:
    return SavedQuery(
        id=one.id,
        name=one.name,
        owner=one.owner,
        shared=one.shared,
        log=one.log,
        parameters=[Parameter(name=name, value=value) for name, value in parameters_of(one.query, one.where)],
        sort=one.sort.by,
        order=Order.ASCENDING if one.sort.ascending else Order.DESCENDING,
        columns=list(one.columns) or None,
        entry=one.entry,
    )


router = Router("/saved-queries", route_handlers=[list_queries, remove_query], tags=["search"])
