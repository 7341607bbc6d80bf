"""Everything that a search finds, as a file that is sent while it is made."""

from collections.abc import AsyncIterator, Iterator
from typing import Annotated

from litestar import get
from litestar.di import NamedDependency, Provide
from litestar.params import FromQuery, QueryParameter
from litestar.response import Stream

from ledger.api.context import Context
from ledger.api.fields import LogName
from ledger.api.filters import Filters, filters
from ledger.api.gate import CallerRequest
from ledger.api.problems import declared
from ledger.api.searching import AsOf, AtNewest, Order
from ledger.core.hashing import b64
from ledger.exporting import Wanted, begin
from ledger.people.access import Scope, allow
from ledger.privacy.look_up_kinds import Purpose
from ledger.store.ordering import Sort, SortKey
from reports.exports import MEDIA_TYPES, Format

Columns = Annotated[
    str | None,
    QueryParameter(
        description="Names of columns, as `index,sentence`; those of the page, if not given.", max_length=1000
    ),
]


@get(
    "/logs/{log:str}/search/export",
    opt=allow(Scope.EXPORT),
    responses=declared(),
    tags=["search"],
    dependencies={"asked": Provide(filters)},
)
async def export_found(
    context: NamedDependency[Context],
    request: CallerRequest,
    log: LogName,
    asked: NamedDependency[Filters],
    format: FromQuery[Format] = Format.CSV,
    columns: Columns = None,
    size: AsOf = None,
    at_checkpoint: AtNewest = False,
    sort: FromQuery[SortKey] = SortKey.INDEX,
    order: FromQuery[Order] = Order.DESCENDING,
    purpose: FromQuery[Purpose | None] = None,
) -> Stream:
    """All records that match, with these columns, in this order, as CSV, JSON Lines or XLSX; filters as for a search.

    However many there are, they are read some at a time, as of one size. The headers `Trailseal-Origin`, `-Size`,
    `-Root` (base64) and `-Checkpoint` (the newest one that the answer reaches, its note in base64) name what it is of.
    An answer that ends before its end is void: a record was disposed of meanwhile, or the service failed.

    Local times are in `zone`, else in site time. An export for a person takes a `purpose`, and is entered, with the
    number of its records, before its first byte.
    """
    chosen, user = context.log(log), request.user
    wanted = Wanted(
        query=asked.query,
        where=asked.where,
        size=size,
        at_checkpoint=at_checkpoint,
        sort=Sort(by=sort, ascending=order is Order.ASCENDING),
        columns=columns,
        zone=asked.zone,
    )
    begun = await context.lanes.read(begin, context.service, chosen, wanted, format, user.account, purpose)
    if begun.entered is not None:
        await context.lanes.append(begun.enter, context.service, chosen, user.account, user.authority)
    source = begun.source
    headers = {
        "Trailseal-Origin": source.origin,
        "Trailseal-Size": str(source.size),
        "Trailseal-Root": source.root,
        "Content-Disposition": f'attachment; filename="{chosen.name}-{source.size}.{format}"',
        "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    }
    if source.checkpoint is not None:
        headers["Trailseal-Checkpoint"] = b64(source.checkpoint.encode())
    return Stream(_sent(context, begun.pieces), media_type=MEDIA_TYPES[format], headers=headers)


async def _sent(context: Context, parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The pieces, each made on a thread that reads, which holds nothing of the database until the next is asked for."""
    while (piece := await context.lanes.read(next, parts, None)) is not None:
        if piece:
            yield piece
