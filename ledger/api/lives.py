"""The life of a source: where it stands and how it came there, and what people decide about it."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from ledger.api.configuring import Changing, ProposedChange, proposed, set_or_proposed
from ledger.api.context import Context
from ledger.api.fields import SourceId, no_nul_in, without_nul
from ledger.api.gate import CallerRequest
from ledger.api.people import Reason, Why
from ledger.api.placed import After, Limit, Placed, placed
from ledger.api.problems import declared
from ledger.api.sources import RecordLog
from ledger.changes.proposing import Proposed
from ledger.core.errors import ConfigError, NotFound
from ledger.core.record import Name, Text
from ledger.core.retention import RetentionClass
from ledger.core.run import SourceFacts
from ledger.core.source import MappingText
from ledger.people.access import Scope, allow
from ledger.record_log import RecordLog as OpenedLog
from ledger.signing.sign_off import SignOff, signs_off
from ledger.sources.inventory import MappingVersion
from ledger.sources.kinds import MappingAdopted, SourceRegistered
from ledger.sources.life_kinds import LifeState, SourceLife
from ledger.sources.statement import Statement, equivalence
from ledger.store.position import MAX_INDEX

Index = Annotated[int, msgspec.Meta(ge=0, le=MAX_INDEX)]


class Sample(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The entries of the source's records that a person looked at and found right: who, when, old and new."""

    sample: Annotated[tuple[Index, ...], msgspec.Meta(min_length=1, max_length=1000, examples=[[17, 18, 42]])]
    reason: Reason


class NewMapping(Changing, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The text of a mapping's file by which the source's items become records from now on; null: by none."""

    text: MappingText | None


class NewConfiguration(Changing, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of a source is to be otherwise; a member that is not named stays. `zone` null: none is known.

    `options` are all that the source is to have, without secrets. `seal`: members that hold personal or third-party
    values.
    """

    options: dict[Name, Text] | msgspec.UnsetType = msgspec.UNSET
    seal: tuple[Name, ...] | msgspec.UnsetType = msgspec.UNSET
    zone: Name | msgspec.UnsetType | None = msgspec.UNSET
    retention: RetentionClass | msgspec.UnsetType = msgspec.UNSET

    def members(self) -> dict[str, Any]:
        """Those that are named."""
        given = {name: getattr(self, name) for name in ("options", "seal", "zone", "retention")}
        return {name: value for name, value in given.items() if value is not msgspec.UNSET}


class Closing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That a source is to end; `at_source` is how many records it counts itself, where a person could count them."""

    reason: Reason
    at_source: Index | None = None


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened to a source, the entry that says so, and how that entry is signed off."""

    entry: int
    life: SourceLife
    signed: SignOff


class LifeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Where a source stands, since which entry (null: since it was connected), and what it said of itself last; then a
    page of what happened to it, oldest first. `next_after` as `after` gives the next page; null: this was the last.
    """

    log: str
    source: str
    state: LifeState
    since: int | None
    facts: SourceFacts | None
    history: list[Happened]
    next_after: int | None


@get("/life", opt=allow(Scope.READ), responses=declared())
async def life(
    context: NamedDependency[Context], source: SourceId, log: RecordLog = None, after: After = None, limit: Limit = 50
) -> LifeAnswer:
    """Where a source stands, and what happened to it since it was connected."""
    without_nul(source=source)

    def read() -> LifeAnswer:
        chosen = context.record_log(log)
        now, history = chosen.lives.standing(source), chosen.lives.history(source)
        rest = [(index, one) for index, one in history if after is None or index > after]
        signed = signs_off(context.service.store, chosen.log, rest[:limit])
        return LifeAnswer(
            log=chosen.log.name,
            source=source,
            state=now.state,
            since=now.entry,
            facts=now.facts,
            history=[
                Happened(entry=index, life=one, signed=how)
                for (index, one), how in zip(rest[:limit], signed, strict=True)
            ],
            next_after=rest[limit - 1][0] if len(rest) > limit else None,
        )

    return await context.lanes.read(read)


@get("/statement", opt=allow(Scope.READ), responses=declared())
async def statement(context: NamedDependency[Context], source: SourceId, log: RecordLog = None) -> Statement:
    """The equivalence statement: what the source's own trail lacks, what is added here, and what stays open."""
    without_nul(source=source)

    def read() -> Statement:
        # Imported here: the sources' own libraries take seconds to load; no start should wait for them.
        from collectors.lacks import lacks_of

        chosen = context.record_log(log)
        config = chosen.sources.get(source)
        try:
            lacks = lacks_of(config)
        except ConfigError as error:
            raise NotFound(f"what source {source!r} lacks is not known here: {error.message}") from None
        challenge, imports = chosen.challenges.last_result(source), chosen.handovers(source)
        return equivalence(config, chosen.lives.standing(source), lacks, challenge, imports)

    return await context.lanes.read(read)


@get("/mappings", opt=allow(Scope.READ), responses=declared())
async def mappings(context: NamedDependency[Context], source: SourceId, log: RecordLog = None) -> list[MappingVersion]:
    """Every mapping that a source had, oldest first; each is an entry."""
    without_nul(source=source)

    def read() -> list[MappingVersion]:
        return context.record_log(log).sources.mappings(source)

    return await context.lanes.read(read)


@post("/mappings", opt=allow(Scope.CONFIGURE), responses=set_or_proposed(409))
async def adopt_mapping(
    context: NamedDependency[Context],
    request: CallerRequest,
    source: SourceId,
    data: JSONBody[NewMapping],
    log: RecordLog = None,
) -> Response[Placed | ProposedChange]:
    """Gives a source that is there another mapping; once two persons hold roles it proposes that (202). 400 for a text
    that is no mapping.
    """
    no_nul_in(data)
    entry = MappingAdopted(source=source, text=data.text, authority=request.user.authority)

    def enter() -> Response[Placed | ProposedChange]:
        chosen = context.record_log(log)
        chosen.sources.get(source)
        return _set(context, chosen, entry, data)

    return await context.lanes.append(enter)


@post("/configuration", opt=allow(Scope.CONFIGURE), responses=set_or_proposed(409))
async def configure_source(
    context: NamedDependency[Context],
    request: CallerRequest,
    source: SourceId,
    data: JSONBody[NewConfiguration],
    log: RecordLog = None,
) -> Response[Placed | ProposedChange]:
    """Gives a source that is there other options, sealed members, zone or class of retention; what is not named stays.

    Once two persons hold roles it proposes that (202). The source is not tried: `trailseal source change` does so.
    """
    no_nul_in(data)
    authority = request.user.authority

    def enter() -> Response[Placed | ProposedChange]:
        chosen = context.record_log(log)
        config = msgspec.structs.replace(chosen.sources.get(source), **data.members())
        return _set(context, chosen, SourceRegistered.of(config, authority), data)

    return await context.lanes.append(enter)


@post("/life/validation", opt=allow(Scope.CONFIGURE), responses=declared(409))
async def validate(
    context: NamedDependency[Context],
    request: CallerRequest,
    source: SourceId,
    data: JSONBody[Sample],
    log: RecordLog = None,
) -> Placed:
    """Says that a sample of a source's records is right. Each of the entries has to be a record of this source."""
    by = request.user.authority
    return await _decide(
        context, source, data.reason, log, lambda one: one.lives.validate(source, data.sample, data.reason, by)
    )


@post("/life/suspension", opt=allow(Scope.CONFIGURE), responses=declared(409))
async def suspend(
    context: NamedDependency[Context],
    request: CallerRequest,
    source: SourceId,
    data: JSONBody[Why],
    log: RecordLog = None,
) -> Placed:
    """From here on no run of the source is taken, until it is resumed."""
    by = request.user.authority
    return await _decide(context, source, data.reason, log, lambda one: one.lives.suspend(source, data.reason, by))


@post("/life/resumption", opt=allow(Scope.CONFIGURE), responses=declared(409))
async def resume(
    context: NamedDependency[Context],
    request: CallerRequest,
    source: SourceId,
    data: JSONBody[Why],
    log: RecordLog = None,
) -> Placed:
    """Runs are taken again; the source is to be validated anew."""
    by = request.user.authority
    return await _decide(context, source, data.reason, log, lambda one: one.lives.resume(source, data.reason, by))


@post("/life/closing", opt=allow(Scope.CONFIGURE), responses=declared(409))
async def close(
    context: NamedDependency[Context],
    request: CallerRequest,
    source: SourceId,
    data: JSONBody[Closing],
    log: RecordLog = None,
) -> Placed:
    """Draws up the final account of a source, for somebody else to confirm; runs are still taken."""
    by = request.user.authority
    return await _decide(
        context, source, data.reason, log, lambda one: one.lives.close(source, data.reason, by, data.at_source)
    )


@post("/life/decommissioning", opt=allow(Scope.CONFIGURE), responses=declared(409))
async def decommission(
    context: NamedDependency[Context],
    request: CallerRequest,
    source: SourceId,
    data: JSONBody[Why],
    log: RecordLog = None,
) -> Placed:
    """Ends a source for good by the account that somebody else drew up; its records stay searchable.

    403 `self_approval` for whoever drew it up; 409 if there is none, or if the source has given more since.
    """
    by = request.user.authority
    return await _decide(context, source, data.reason, log, lambda one: one.lives.decommission(source, data.reason, by))


def _set(
    context: Context, chosen: OpenedLog, entry: MappingAdopted | SourceRegistered, why: Changing
) -> Response[Placed | ProposedChange]:
    configuration = context.service.quality.configuration
    made = configuration.enter(chosen.log, [entry], why.reason, entry.authority, why.change_request)
    if isinstance(made, Proposed):
        return proposed(chosen.log.name, made)
    return Response(placed(chosen, made.entries[0]), status_code=HTTPStatus.CREATED)


async def _decide(
    context: Context, source: str, reason: str, log: str | None, act: Callable[[OpenedLog], int]
) -> Placed:
    without_nul(source=source, reason=reason)

    def enter() -> Placed:
        chosen = context.record_log(log)
        return placed(chosen, act(chosen))

    return await context.lanes.append(enter)


router = Router(
    "/sources/{source:str}",
    route_handlers=[
        life,
        statement,
        mappings,
        adopt_mapping,
        configure_source,
        validate,
        suspend,
        resume,
        close,
        decommission,
    ],
    tags=["sources"],
)
