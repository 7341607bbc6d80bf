"""The logs of the ledger, their heads and their published checkpoints."""

from typing import Annotated

import msgspec
from litestar import Response, Router, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from sqlalchemy import Connection

from ledger.api.context import Context
from ledger.api.fields import LogName, Size
from ledger.api.gate import CallerRequest
from ledger.api.problems import declared
from ledger.core.address import LogId
from ledger.core.clock import utc_text
from ledger.core.errors import NotFound, SchemaViolation
from ledger.core.hashing import b64
from ledger.people.access import Caller, Scope, allow
from ledger.store import checkpoints
from ledger.store.position import MAX_INDEX
from ledger.store.reading import LogReader
from ledger.trust.cards import read_card

TreeSize = Annotated[int, QueryParameter(description="A tree size.", ge=1, le=MAX_INDEX)]
CardSize = Annotated[int | None, QueryParameter(description="The size of a published checkpoint.", ge=1, le=MAX_INDEX)]


class LogHead(msgspec.Struct, frozen=True, kw_only=True):
    """A log as it stands now: size, root hash, time of its last entry; `checkpoint` is the size last published."""

    log: str
    origin: str
    size: int
    root: str
    logged_at: str
    checkpoint: int | None


class PublishedCheckpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A signed checkpoint, verbatim (C2SP tlog-checkpoint)."""

    log: str
    size: int
    checkpoint: str


class Consistency(msgspec.Struct, frozen=True, kw_only=True):
    """Proof that the tree of size `old` is the beginning of that of size `new` (RFC 9162 2.1.4)."""

    log: str
    old: int
    new: int
    hashes: list[str]


@get("/", responses=declared())
async def list_logs(context: NamedDependency[Context], request: CallerRequest) -> list[LogHead]:
    """The system log and the record logs that the caller may read, with their heads, in one snapshot."""
    return await context.lanes.read(_heads, context, request.user)


@get("/{log:str}", responses=declared())
async def log_head(context: NamedDependency[Context], log: LogName) -> LogHead:
    """The head of one log."""
    return await context.lanes.read(_one_head, context, context.log(log))


@get("/{log:str}/checkpoints/latest", responses=declared())
async def latest_checkpoint(context: NamedDependency[Context], log: LogName) -> PublishedCheckpoint:
    """The largest published checkpoint."""
    return await context.lanes.read(_checkpoint, context, context.log(log), None)


@get("/{log:str}/checkpoints/{size:int}", responses=declared())
async def checkpoint_of_size(context: NamedDependency[Context], log: LogName, size: Size) -> PublishedCheckpoint:
    """The published checkpoint of exactly this size."""
    return await context.lanes.read(_checkpoint, context, context.log(log), size)


@get("/{log:str}/card", responses=declared(), media_type="application/pdf")
async def checkpoint_card(context: NamedDependency[Context], log: LogName, size: CardSize = None) -> Response[bytes]:
    """The checkpoint card: one page (PDF) to print, sign by hand and keep outside, for `trailseal verify --card`.

    It is of the newest published checkpoint, or of the one of exactly this size.
    """
    chosen = context.log(log)
    made, data = await context.lanes.read(_card, context, chosen, size)
    return Response(
        data,
        media_type="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="card-{chosen.name}-{made}.pdf"'},
    )


@get("/{log:str}/consistency", responses=declared())
async def consistency(context: NamedDependency[Context], log: LogName, old: TreeSize, new: TreeSize) -> Consistency:
    """The consistency proof between two sizes."""
    return await context.lanes.read(_consistency, context, context.log(log), old, new)


def _heads(context: Context, caller: Caller) -> list[LogHead]:
    service = context.service
    seen = {service.system.name, *caller.sees(service.logs)}
    with service.store.reading() as connection:
        return [_head(connection, log) for log in service.logs.values() if log.name in seen]


def _one_head(context: Context, log: LogId) -> LogHead:
    with context.service.store.reading() as connection:
        return _head(connection, log)


def _head(connection: Connection, log: LogId) -> LogHead:
    head = LogReader(connection, log.number).head()
    try:
        published = checkpoints.latest(connection, log.number).size
    except NotFound:
        published = None
    return LogHead(
        log=log.name,
        origin=log.origin,
        size=head.size,
        root=b64(head.root()),
        logged_at=utc_text(head.logged_us),
        checkpoint=published,
    )


def _checkpoint(context: Context, log: LogId, size: int | None) -> PublishedCheckpoint:
    with context.service.store.reading() as connection:
        found = checkpoints.latest(connection, log.number, size)
    if size is not None and found.size != size:
        raise NotFound(f"log {log.name} has no checkpoint of size {size}", advice=f"The one before has {found.size}.")
    return PublishedCheckpoint(log=log.name, size=found.size, checkpoint=found.note.decode())


def _card(context: Context, log: LogId, size: int | None) -> tuple[int, bytes]:
    # Imported here: what draws the page takes a second to load, which a server's start should not wait for.
    from reports.card import card_page

    service = context.service
    facts = read_card(service.store, log, service.verifiers(log), service.witnesses.policies().in_force.witnesses, size)
    return facts.card.size, card_page(facts, service.clock.now_us(), service.settings.zone)


def _consistency(context: Context, log: LogId, old: int, new: int) -> Consistency:
    with context.service.store.reader(log.number) as reader:
        size = reader.head().size
        if not old <= new <= size:
            raise SchemaViolation(f"sizes {old} and {new} are not in order up to {size}, the size of log {log.name}")
        hashes = reader.consistency(old, new)
    return Consistency(log=log.name, old=old, new=new, hashes=[b64(item) for item in hashes])


router = Router(
    "/logs",
    route_handlers=[list_logs, log_head, latest_checkpoint, checkpoint_of_size, checkpoint_card, consistency],
    opt=allow(Scope.READ),
    tags=["logs"],
)
