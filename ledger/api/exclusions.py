"""Records that do not count in an evaluation, over HTTP: excluded with a justification, lifted, listed."""

from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from ledger.api.context import Context
from ledger.api.fields import LogName, no_nul_in, without_nul
from ledger.api.gate import CallerRequest
from ledger.api.people import Reason
from ledger.api.placed import Limit
from ledger.api.problems import declared
from ledger.api.searching import Before
from ledger.people.access import Scope, allow
from ledger.sources.exclusions import MAX_MEMBERS, Excluded
from ledger.sources.hand_kinds import Evaluation
from ledger.store.position import MAX_INDEX

ExclusionPath = Annotated[str, PathParameter(description="An exclusion, by its id.", max_length=100)]
Member = Annotated[int, msgspec.Meta(ge=0, le=MAX_INDEX)]


class ToExclude(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The records, by their entries, that do not count in an evaluation, and why."""

    entries: Annotated[tuple[Member, ...], msgspec.Meta(min_length=1, max_length=MAX_MEMBERS)]
    evaluation: Evaluation
    justification: Reason


class ToLift(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why the records count again."""

    justification: Reason


class ExclusionsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A page of exclusions, newest first, those that were lifted too. `next_before` as `before` goes on; null: this was
    the last. `members` is a set of entries as text: `4+2,10` is 4 5 6 16.
    """

    log: str
    exclusions: list[Excluded]
    next_before: int | None


@get("/", opt=allow(Scope.READ), responses=declared())
async def list_exclusions(
    context: NamedDependency[Context], log: LogName, before: Before = None, limit: Limit = 50
) -> ExclusionsAnswer:
    """What was excluded from which evaluation, by whom and why, and whether that was lifted."""

    def read() -> ExclusionsAnswer:
        chosen = context.record_log(log)
        # One more than the page has tells whether there is another.
        found = chosen.exclusions.listed(before, limit + 1)
        return ExclusionsAnswer(
            log=chosen.log.name,
            exclusions=found[:limit],
            next_before=found[limit - 1].excluded.entry if len(found) > limit else None,
        )

    return await context.lanes.read(read)


@post("/", opt=allow(Scope.REVIEW), responses=declared())
async def exclude(
    context: NamedDependency[Context], request: CallerRequest, log: LogName, data: JSONBody[ToExclude]
) -> Excluded:
    """Excludes records from an evaluation. They stay in every list and total, and are shown with the justification."""
    no_nul_in(data)
    authority = request.user.authority
    return await context.lanes.append(
        lambda: context.record_log(log).exclusions.exclude(data.entries, data.evaluation, data.justification, authority)
    )


@get("/{exclusion:str}", opt=allow(Scope.READ), responses=declared())
async def one_exclusion(context: NamedDependency[Context], log: LogName, exclusion: ExclusionPath) -> Excluded:
    """An exclusion, as it stands."""
    without_nul(exclusion=exclusion)
    return await context.lanes.read(lambda: context.record_log(log).exclusions.get(exclusion))


@post("/{exclusion:str}/lifting", opt=allow(Scope.REVIEW), responses=declared(409))
async def lift(
    context: NamedDependency[Context],
    request: CallerRequest,
    log: LogName,
    exclusion: ExclusionPath,
    data: JSONBody[ToLift],
) -> Excluded:
    """Has the records count again; both entries stay. 409 where it was lifted already."""
    without_nul(exclusion=exclusion)
    no_nul_in(data)
    authority = request.user.authority
    return await context.lanes.append(
        lambda: context.record_log(log).exclusions.lift(exclusion, data.justification, authority)
    )


router = Router(
    "/logs/{log:str}/exclusions",
    route_handlers=[list_exclusions, exclude, one_exclusion, lift],
    tags=["by-hand"],
)
