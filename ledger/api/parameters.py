"""Parameters: by what the records of a log are judged, for a source and type or for all; listed and set."""

from typing import Annotated, Any

import msgspec
from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody

from ledger.api.configuring import ProposedChange, Requested, enter_one, set_or_proposed
from ledger.api.context import Context
from ledger.api.fields import Word, no_nul_in, without_nul
from ledger.api.gate import CallerRequest
from ledger.api.map_entries import When
from ledger.api.people import Reason
from ledger.api.placed import After, AsOf, Limit, Placed, size_of
from ledger.api.problems import declared
from ledger.api.sources import RecordLog
from ledger.core.parameters import ParameterName
from ledger.core.record import Name
from ledger.people.access import Scope, allow
from ledger.sources.map_files import instant
from ledger.sources.maps import Page
from ledger.sources.parameter_kinds import Parameter


class NewParameter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From `applies_from` on records of a source and type are judged by this value; without `source` or `type` those of
    all sources or types, without `applies_from` all.

    `value` has the members of its name; null: there is none of its own any more, and a more general one holds. The same
    name, source, type and `applies_from` again corrects what was set.
    """

    name: ParameterName
    value: Annotated[dict[str, Any], msgspec.Meta(examples=[{"late_s": 60}])] | None
    reason: Reason
    source: Annotated[Name, msgspec.Meta(examples=["lims"])] | None = None
    type: Annotated[Name, msgspec.Meta(description="A type of object.", examples=["result"])] | None = None
    applies_from: When | None = None
    change_request: Requested = None


class SetParameter(msgspec.Struct, frozen=True, kw_only=True):
    """What entry `entry` set; null where it is for all sources or types, or always."""

    name: ParameterName
    source: str | None
    type: str | None
    applies_from: str | None
    value: dict[str, Any] | None
    entry: int


class ParametersAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A page of parameters by entry, as of `size`. `next_after` as `after`, with the same `size`, gives the next page;
    null: this was the last.
    """

    log: str
    size: int
    parameters: list[SetParameter]
    next_after: int | None


@get("/", opt=allow(Scope.READ), responses=declared())
async def list_parameters(
    context: NamedDependency[Context],
    log: RecordLog = None,
    name: FromQuery[ParameterName | None] = None,
    source: Word = None,
    size: AsOf = None,
    after: After = None,
    limit: Limit = 50,
) -> ParametersAnswer:
    """All that is set, with the entry that set it; what nobody has set is not guessed."""
    without_nul(source=source)

    def read() -> ParametersAnswer:
        chosen = context.record_log(log)
        as_of = size_of(context.service, chosen, size)
        # One line more than the page has tells whether there is another.
        page = Page(after=after, limit=limit + 1)
        found = chosen.parameters.listed(chosen.log.number, name, as_of, source, page)
        return ParametersAnswer(
            log=chosen.log.name,
            size=as_of,
            parameters=[SetParameter(**msgspec.to_builtins(one)) for one in found[:limit]],
            next_after=found[limit - 1].entry if len(found) > limit else None,
        )

    return await context.lanes.read(read)


@post("/", opt=allow(Scope.CONFIGURE), responses=set_or_proposed())
async def put_parameter(
    context: NamedDependency[Context], request: CallerRequest, data: JSONBody[NewParameter], log: RecordLog = None
) -> Response[Placed | ProposedChange]:
    """Sets a parameter, or corrects it; 400 names the member of a value that is wrong.

    Once two persons hold roles that is proposed (202), under a change request, and takes effect by a second person's
    signature over the proposal.
    """
    no_nul_in(data)
    entry = Parameter(
        name=data.name,
        source=data.source,
        type=data.type,
        value=None if data.value is None else msgspec.json.encode(data.value).decode(),
        applies_from=None if data.applies_from is None else instant(data.applies_from, None),
        reason=data.reason,
        authority=request.user.authority,
    )

    return await context.lanes.append(enter_one, context, log, entry, data, entry.authority)


router = Router("/parameters", route_handlers=[list_parameters, put_parameter], tags=["parameters"])
