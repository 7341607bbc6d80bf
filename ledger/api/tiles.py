"""The logs as C2SP tlog-tiles: checkpoint, hash tiles and entry bundles, of published sizes only.

Nothing beyond the latest published checkpoint is served, and a partial tile only where some published checkpoint
implies its width. All of it is leaf data and hashes, free of content, but for what happened to the log's keys.
"""

from typing import Annotated, Final

from litestar import Response, Router, get
from litestar.di import NamedDependency
from litestar.params import PathParameter
from sqlalchemy import Connection

from ledger.api.context import Context
from ledger.api.fields import LogName
from ledger.api.problems import declared
from ledger.core.address import LogId
from ledger.core.errors import MalformedNote, NotFound
from ledger.core.tiles import TILE_BITS, TILE_WIDTH, Tile, parse_path
from ledger.people.access import Door, allow
from ledger.store import checkpoints
from ledger.trust.key_history import published_life

TilePath = Annotated[str, PathParameter(description="`<L>/<N>[.p/<W>]` or `entries/<N>[.p/<W>]` (C2SP tlog-tiles).")]
CHECKPOINT_SECONDS: Final = 2
IMMUTABLE: Final = "max-age=31536000, immutable"


@get("/checkpoint", responses=declared(), media_type="text/plain")
async def checkpoint(context: NamedDependency[Context], log: LogName) -> Response[bytes]:
    """The latest published checkpoint, verbatim."""
    note = await context.lanes.read(_latest, context, context.log(log))
    return _cached(context, note, "text/plain", f"max-age={CHECKPOINT_SECONDS}")


@get("/tile/{path:path}", responses=declared(), media_type="application/octet-stream")
async def tile(context: NamedDependency[Context], log: LogName, path: TilePath) -> Response[bytes]:
    """A hash tile, or a bundle of leaf data."""
    data = await context.lanes.read(_tile, context, context.log(log), f"tile{path}")
    return _cached(context, data, "application/octet-stream", IMMUTABLE)


@get("/key-life.jsonl", responses=declared(), media_type="application/jsonl")
async def key_life(context: NamedDependency[Context], log: LogName) -> Response[bytes]:
    """Salt and body of the log's creation and of its key events, a line each: by them the tiles are audited from any
    key that the log ever had.
    """
    data = await context.lanes.read(_key_life, context, context.log(log))
    return _cached(context, data, "application/jsonl", f"max-age={CHECKPOINT_SECONDS}")


def _key_life(context: Context, log: LogId) -> bytes:
    with context.service.store.reading() as connection:
        size = checkpoints.latest(connection, log.number).size
        return published_life(connection, context.service.store.kinds, log.number, size)


def _latest(context: Context, log: LogId) -> bytes:
    with context.service.store.reading() as connection:
        return checkpoints.latest(connection, log.number).note


def _tile(context: Context, log: LogId, path: str) -> bytes:
    try:
        wanted = parse_path(path)
    except MalformedNote as error:
        raise NotFound(error.message) from None
    with context.service.store.reader(log.number) as reader:
        if not _published(reader.connection, log.number, wanted):
            raise NotFound(f"no published checkpoint of log {log.name} implies {path}")
        return reader.published(wanted)


def _published(connection: Connection, log: int, wanted: Tile) -> bool:
    """Whether a published size implies the tile: any that reaches its end if it is full, else one that ends in it."""
    span = 1 << (TILE_BITS * max(wanted.level, 0))
    low = (wanted.n * TILE_WIDTH + wanted.width) * span
    try:
        if wanted.width == TILE_WIDTH:
            return checkpoints.latest(connection, log).size >= low
        return checkpoints.latest(connection, log, low + span - 1).size >= low
    except NotFound:
        return False


def _cached(context: Context, data: bytes, media_type: str, cache: str) -> Response[bytes]:
    who = "public" if context.service.settings.publish_tiles else "private"
    return Response(data, media_type=media_type, headers={"Cache-Control": f"{who}, {cache}"})


router = Router(
    "/logs/{log:str}", route_handlers=[checkpoint, tile, key_life], opt=allow(Door.PUBLISHED), tags=["tiles"]
)
