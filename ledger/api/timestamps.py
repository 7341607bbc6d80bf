"""Time-stamps of checkpoints: the authorities that make them, what they said, and each token as it came."""

from typing import Annotated

import msgspec
from litestar import Response, Router, get
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter

from ledger.api.context import Context
from ledger.api.fields import Word, without_nul
from ledger.api.problems import declared
from ledger.core.clock import utc_text
from ledger.core.errors import NotFound
from ledger.people.access import Scope, allow
from ledger.store.logs import SYSTEM_LOG
from ledger.store.position import MAX_INDEX
from ledger.trust.timestamp_reading import Stamped, find, newest, token_at
from ledger.trust.tsa_admin import KnownTsa

MAX_LISTED = 500

At = Annotated[int, PathParameter(description="The entry of the system log, as the list has it.", ge=0, le=MAX_INDEX)]
Limit = Annotated[int, QueryParameter(ge=1, le=MAX_LISTED)]
Before = Annotated[int | None, QueryParameter(description="Those entered before this index.", ge=0, le=MAX_INDEX)]


class KnownTimeStamp(msgspec.Struct, frozen=True, kw_only=True):
    """A time-stamp: `tsa` says that the checkpoint of `origin` at `size` existed at `gen_time`; `index` is its entry
    in the system log. Whether it holds, a verification (level 3) says.
    """

    index: int
    origin: str
    size: int
    tsa: str
    gen_time: str


@get("/authorities", responses=declared())
async def authorities(context: NamedDependency[Context]) -> list[KnownTsa]:
    """Every time-stamp authority there is or was, since when it answers no more, and who let it in."""
    return await context.lanes.read(context.service.tsas.all)


@get("/", responses=declared())
async def time_stamps(
    context: NamedDependency[Context], log: Word = None, before: Before = None, limit: Limit = 100
) -> list[KnownTimeStamp]:
    """The time-stamps of a log, or of all, newest first; for the next page give the last `index` as `before`."""
    without_nul(log=log)
    origin = None if log is None else context.log(log).origin
    return [_known(one) for one in await context.lanes.read(_listed, context, limit, before, origin)]


@get("/{index:int}", responses=declared())
async def time_stamp(context: NamedDependency[Context], index: At) -> KnownTimeStamp:
    """One time-stamp."""
    return _known(await context.lanes.read(_one, context, index))


@get("/{index:int}/token", responses=declared(), media_type="application/timestamp-reply")
async def token(context: NamedDependency[Context], index: At) -> Response[bytes]:
    """The whole response of the authority (RFC 3161, DER): it verifies without this ledger."""
    data = await context.lanes.read(_token, context, index)
    return Response(
        data,
        media_type="application/timestamp-reply",
        headers={"Content-Disposition": f'attachment; filename="timestamp-{index}.tsr"'},
    )


def _listed(context: Context, limit: int, before: int | None, origin: str | None) -> list[Stamped]:
    with context.service.store.reading() as connection:
        return newest(connection, limit, before=before, origin=origin)


def _one(context: Context, index: int) -> Stamped:
    with context.service.store.reading() as connection:
        found = find(connection, index)
    if found is None:
        raise NotFound(f"entry {index} of the system log is no time-stamp")
    return found


def _token(context: Context, index: int) -> bytes:
    _one(context, index)
    with context.service.store.reader(SYSTEM_LOG) as reader:
        return token_at(context.service.store.kinds, reader.connection, index)


def _known(one: Stamped) -> KnownTimeStamp:
    return KnownTimeStamp(index=one.index, origin=one.origin, size=one.size, tsa=one.tsa, gen_time=utc_text(one.gen_us))


router = Router(
    "/timestamps",
    route_handlers=[authorities, time_stamps, time_stamp, token],
    opt=allow(Scope.READ),
    tags=["time-stamps"],
)
