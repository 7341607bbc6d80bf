"""The filters of a search as query parameters, the same on every route that takes them."""

from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter

from ledger.api.context import Context
from ledger.api.fields import Word, Zone, without_nul
from ledger.api.gate import CallerRequest
from ledger.core.errors import SchemaViolation
from ledger.core.record import Action, LinkKind, Outcome
from ledger.present.times import site_zone
from ledger.present.windows import Window
from ledger.sources.narrowing import Where
from ledger.store.question import Query, check
from ledger.trace.asking import bounds_of, links_of, windows_of

_MAX_LINKS = 20

Text = Annotated[str, QueryParameter(description="Words that all occur in the record.", max_length=4096)]
Links = Annotated[
    list[str] | None,
    QueryParameter(
        description="`KIND:ID`, such as `batch:B-1`, once or repeated: the record has each of these links.",
        max_items=_MAX_LINKS,
    ),
]
Saved = Annotated[
    str | None,
    QueryParameter(description="Id or name of a saved search, in place of all other filters.", max_length=100),
]
Instant = Annotated[
    str | None,
    QueryParameter(
        description="An instant, as 2026-11-25T07:10:06.123456Z or 2026-11-25T08:10:06+01:00; with `zone` also a local "
        "time, as 2026-11-25 08:10. From inclusive, to exclusive.",
        max_length=40,
    ),
]


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for, who and where by the dated maps, how its windows were read, and the zone that times are told
    in: the one asked for, else the site's.
    """

    query: Query
    where: Where
    windows: tuple[Window, ...]
    zone: ZoneInfo


async def filters(
    context: NamedDependency[Context],
    request: CallerRequest,
    text: Text = "",
    source: Word = None,
    action: FromQuery[Action | None] = None,
    outcome: FromQuery[Outcome | None] = None,
    actor: Word = None,
    person: Word = None,
    role: Word = None,
    workstation: Word = None,
    site: Word = None,
    area: Word = None,
    line: Word = None,
    unit: Word = None,
    equipment: Word = None,
    object_type: Word = None,
    object_id: Word = None,
    attribute: Word = None,
    reasoned: FromQuery[bool | None] = None,
    link_kind: FromQuery[LinkKind | None] = None,
    link_id: Word = None,
    link: Links = None,
    occurred_from: Instant = None,
    occurred_to: Instant = None,
    recorded_from: Instant = None,
    recorded_to: Instant = None,
    received_from: Instant = None,
    received_to: Instant = None,
    zone: Zone = None,
    saved: Saved = None,
) -> Filters:
    """Reads them; raises SchemaViolation for what is none, or can never hold together, and NotFound as `_saved`."""
    _each_once(request)
    texts: dict[str, Any] = {
        "source": source,
        "actor": actor,
        "role": role,
        "workstation": workstation,
        "object_type": object_type,
        "object_id": object_id,
        "attribute": attribute,
        "link_id": link_id,
    }
    mapped = {"person": person, "site": site, "area": area, "line": line, "unit": unit, "equipment": equipment}
    without_nul(text=text, zone=zone, **texts, **mapped, **{f"link {at}": one for at, one in enumerate(link or (), 1)})
    read_in = None if zone is None else site_zone(zone)
    bounds: dict[str, str | None] = {
        "occurred_from": occurred_from,
        "occurred_to": occurred_to,
        "recorded_from": recorded_from,
        "recorded_to": recorded_to,
        "received_from": received_from,
        "received_to": received_to,
    }
    query = Query(
        text=text,
        action=action,
        outcome=outcome,
        reasoned=reasoned,
        link_kind=link_kind,
        links=links_of("link", link or ()),
        **(texts | bounds_of(bounds, read_in)),
    )
    check(query)
    where = Where(**mapped)
    if saved is not None:
        query, where = await context.lanes.read(_saved, context, request, saved, query, where)
    told_in = read_in or site_zone(context.service.settings.zone)
    return Filters(query=query, where=where, windows=windows_of(query, told_in), zone=told_in)


def _saved(context: Context, request: CallerRequest, saved: str, query: Query, where: Where) -> tuple[Query, Where]:
    """What the search that was saved asks for; raises NotFound for none, or SchemaViolation, as it is of one log alone
    and takes no filter beside it.
    """
    if query != Query() or where != Where():
        raise SchemaViolation("saved comes with another filter", advice="Ask with either.")
    without_nul(saved=saved)
    found = context.service.quality.saved.get(request.user.account, saved)
    log = request.path_params.get("log")
    if found.log != log:
        raise SchemaViolation(f"the search {found.name!r} is of log {found.log!r}", advice=f"Ask log {found.log}.")
    return found.query, found.where


def _each_once(request: CallerRequest) -> None:
    """Two values of one filter can't both hold, and which of them was meant is not ours to guess."""
    for name in set(request.query_params.keys()) - {"link"}:
        values = dict.fromkeys(request.query_params.getall(name))
        if len(values) > 1:
            first, second, *_ = (one[:40] for one in values)
            raise SchemaViolation(
                f"{name} is given twice, as {first!r} and as {second!r}", advice="A record has one of each: ask twice."
            )
