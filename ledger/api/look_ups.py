"""Who looked for whom, and the purposes that a caller has open."""

from typing import Annotated

import msgspec
from litestar import Router, delete, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from ledger.api.context import Context
from ledger.api.fields import Word, without_nul
from ledger.api.gate import CallerRequest
from ledger.api.people import Entered
from ledger.api.problems import declared
from ledger.people.access import Door, Scope, allow
from ledger.people.evaluations import Evaluation, as_csv, evaluations
from ledger.privacy.look_up_kinds import Purpose
from ledger.privacy.look_ups import LONGEST_MINUTES, MAX_SHOWN, LookUp, OpenPurpose

Limit = Annotated[int, QueryParameter(description="How many at most, the newest first.", ge=1, le=MAX_SHOWN)]
SessionPath = Annotated[str, PathParameter(max_length=100)]


class NewPurpose(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A purpose to be opened: for which matter (a review, an investigation, an inspection), and for how long."""

    purpose: Purpose
    context: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
    minutes: Annotated[int, msgspec.Meta(ge=1, le=LONGEST_MINUTES)] = 60


@get("/look-ups", opt=allow(Scope.ADMIN), responses=declared())
async def report(
    context: NamedDependency[Context], account: Word = None, person: Word = None, limit: Limit = MAX_SHOWN
) -> list[LookUp]:
    """Who looked for whom, what for and when; by one account, or for one person, where that is given."""
    without_nul(account=account, person=person)
    return await context.lanes.read(context.service.look_ups.report, account, person, limit)


@get("/look-ups/me", opt=allow(Door.CALLER), responses=declared())
async def about_me(context: NamedDependency[Context], request: CallerRequest) -> list[LookUp]:
    """Who looked for the caller's own account."""
    return await context.lanes.read(context.service.look_ups.report, None, request.user.account)


@get("/purposes", opt=allow(Scope.READ), responses=declared())
async def open_purpose(context: NamedDependency[Context], request: CallerRequest) -> list[OpenPurpose]:
    """The purpose that the caller has open: one, or none."""
    found = await context.lanes.read(context.service.look_ups.opened, request.user.account)
    return [] if found is None else [found]


@post("/purposes", opt=allow(Scope.READ), responses=declared())
async def begin_purpose(
    context: NamedDependency[Context], request: CallerRequest, data: JSONBody[NewPurpose]
) -> OpenPurpose:
    """Opens a purpose: until it ends, the caller's searches for persons are entered with it, and don't ask."""
    without_nul(context=data.context)
    user = request.user
    return await context.lanes.append(
        context.service.look_ups.open, user.account, data.purpose, data.context, data.minutes, user.authority
    )


@delete("/purposes/{session:str}", status_code=200, opt=allow(Scope.READ), responses=declared(409))
async def end_purpose(context: NamedDependency[Context], request: CallerRequest, session: SessionPath) -> Entered:
    """Closes a purpose of the caller's own."""
    without_nul(session=session)
    user = request.user
    close = context.service.look_ups.close
    return Entered(index=await context.lanes.append(close, user.account, session, user.authority))


@get("/evaluations", opt=allow(Door.CALLER), responses=declared())
async def evaluated(context: NamedDependency[Context]) -> list[Evaluation]:
    """All that is evaluated of persons, and which of it is off at this site."""
    return await context.lanes.read(_evaluations, context)


@get("/evaluations.csv", opt=allow(Door.CALLER), responses=declared(), media_type="text/csv")
async def evaluated_csv(context: NamedDependency[Context]) -> str:
    """The same as CSV, to be attached to an agreement."""
    return as_csv(await context.lanes.read(_evaluations, context))


def _evaluations(context: Context) -> list[Evaluation]:
    with context.service.store.reading() as connection:
        return evaluations(connection)


router = Router(
    "/",
    route_handlers=[report, about_me, open_purpose, begin_purpose, end_purpose, evaluated, evaluated_csv],
    tags=["privacy"],
)
