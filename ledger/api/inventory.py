"""The inventory of the site's systems: which are connected, which are reviewed elsewhere, which are open."""

from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody, PathParameter, QueryParameter

from ledger.api.context import Context
from ledger.api.fields import without_nul
from ledger.api.gate import CallerRequest
from ledger.api.people import Reason, Why
from ledger.api.placed import AsOf, Limit, Placed, placed, size_of
from ledger.api.problems import declared
from ledger.api.sources import RecordLog
from ledger.core.record import Name
from ledger.people.access import Scope, allow
from ledger.sources.life_kinds import Criticality, SystemListed, Trail
from ledger.sources.systems import Counts, KnownSystem, Standing, counts

SystemPath = Annotated[str, PathParameter(description="A system's id in the inventory.", max_length=512)]
AfterSystem = Annotated[
    str | None, QueryParameter(description="`next_after` of the page before this one.", max_length=512)
]
Prose = Annotated[str, msgspec.Meta(min_length=1, max_length=10_000)]


class ListedSystem(msgspec.Struct, frozen=True, kw_only=True):
    """A system as the inventory has it; `entry` says so.

    `source` connects it here; where none does, or the source was decommissioned, `reviewed` says how its trail is
    reviewed elsewhere, and `why` why it is not connected. With neither it is open.
    """

    system: str
    title: str
    system_class: str
    owner: str
    criticality: Criticality
    trail: Trail
    source: str | None
    reviewed: str | None
    why: str | None
    standing: Standing
    entry: int


class InventoryAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A page of systems by id, as of `size`; `counts` are of the whole inventory.

    `next_after` as `after`, with the same `size`, gives the next page; null: this was the last.
    """

    log: str
    size: int
    counts: Counts
    systems: list[ListedSystem]
    next_after: str | None


class NewSystem(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A system of the site, or how it is from here on."""

    system: Annotated[Name, msgspec.Meta(description="Its id in the inventory.", examples=["mes"])]
    title: Annotated[Name, msgspec.Meta(examples=["Manufacturing execution, line 1"])]
    system_class: Annotated[Name, msgspec.Meta(description="erp, mes, lims, plc, scada, …", examples=["mes"])]
    owner: Annotated[Name, msgspec.Meta(description="The role that answers for it.", examples=["production IT"])]
    criticality: Criticality
    trail: Trail
    reason: Reason
    source: Annotated[Name, msgspec.Meta(description="The source that connects it here.", examples=["erp"])] | None = (
        None
    )
    reviewed: Annotated[Prose, msgspec.Meta(description="How its trail is reviewed, if not here.")] | None = None
    why: Annotated[Prose, msgspec.Meta(description="Why it is not connected.")] | None = None


@get("/", opt=allow(Scope.READ), responses=declared())
async def list_systems(
    context: NamedDependency[Context],
    log: RecordLog = None,
    standing: FromQuery[Standing | None] = None,
    size: AsOf = None,
    after: AfterSystem = None,
    limit: Limit = 50,
) -> InventoryAnswer:
    """The systems of the site and how each one's audit trail is looked after, counted and by id."""

    def read() -> InventoryAnswer:
        chosen = context.record_log(log)
        as_of = size_of(context.service, chosen, size)
        every = chosen.systems.list(as_of)
        # By code points, which is the order of UTF-8's bytes, whatever order a database would give.
        found = sorted(
            (_listed(one) for one in every if standing in (None, one.standing)), key=lambda listed: listed.system
        )
        rest = [one for one in found if after is None or one.system > after]
        return InventoryAnswer(
            log=chosen.log.name,
            size=as_of,
            counts=counts(every),
            systems=rest[:limit],
            next_after=rest[limit - 1].system if len(rest) > limit else None,
        )

    return await context.lanes.read(read)


@get("/{system:str}", opt=allow(Scope.READ), responses=declared())
async def one_system(
    context: NamedDependency[Context], system: SystemPath, log: RecordLog = None, size: AsOf = None
) -> ListedSystem:
    """One system as of a size; 404 where the inventory does not have it, or has it no more."""
    without_nul(system=system)

    def read() -> ListedSystem:
        chosen = context.record_log(log)
        return _listed(chosen.systems.get(system, size_of(context.service, chosen, size)))

    return await context.lanes.read(read)


@post("/", opt=allow(Scope.CONFIGURE), responses=declared())
async def put_system(
    context: NamedDependency[Context], request: CallerRequest, data: JSONBody[NewSystem], log: RecordLog = None
) -> Placed:
    """Lists a system, or says anew how it is; 404 for a source that is not registered."""
    said = {name: getattr(data, name) for name in NewSystem.__struct_fields__}
    without_nul(**{name: value for name, value in said.items() if isinstance(value, str)})
    authority = request.user.authority

    def enter() -> Placed:
        chosen = context.record_log(log)
        return placed(chosen, chosen.systems.put(SystemListed(**said, retired=False, authority=authority)))

    return await context.lanes.append(enter)


@post("/{system:str}/retirement", opt=allow(Scope.CONFIGURE), responses=declared(409))
async def retire_system(
    context: NamedDependency[Context],
    request: CallerRequest,
    system: SystemPath,
    data: JSONBody[Why],
    log: RecordLog = None,
) -> Placed:
    """From here on the site has the system no more; what was said of it stays in the log."""
    without_nul(system=system, reason=data.reason)
    authority = request.user.authority

    def enter() -> Placed:
        chosen = context.record_log(log)
        return placed(chosen, chosen.systems.retire(system, data.reason, authority))

    return await context.lanes.append(enter)


def _listed(known: KnownSystem) -> ListedSystem:
    listed = known.listed
    return ListedSystem(
        system=listed.system,
        title=listed.title,
        system_class=listed.system_class,
        owner=listed.owner,
        criticality=listed.criticality,
        trail=listed.trail,
        source=listed.source,
        reviewed=listed.reviewed,
        why=listed.why,
        standing=known.standing,
        entry=known.entry,
    )


router = Router("/inventory", route_handlers=[list_systems, one_system, put_system, retire_system], tags=["inventory"])
