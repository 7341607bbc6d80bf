"""The dated maps: whose an account is, where a tag stands, which shifts are worked; listed, set, and asked."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, TypeVar

import msgspec
from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter

from ledger.api.configuring import ProposedChange, proposed, set_or_proposed
from ledger.api.context import Context
from ledger.api.fields import Word, without_nul
from ledger.api.gate import CallerRequest
from ledger.api.map_entries import NewAssets, NewCalendars, NewIdentities, asset_of, calendar_of, identity_of
from ledger.api.placed import After, AsOf, Limit, Moment, moment_us, size_of
from ledger.api.problems import declared
from ledger.api.sources import RecordLog
from ledger.changes.proposing import Proposed
from ledger.core.errors import NotFound
from ledger.people.access import Scope, allow
from ledger.sources.maps import Calendar, Identity, MapEntry, Page, Place, Worked

T = TypeVar("T")
SourceName = Annotated[str, QueryParameter(description="The source.", min_length=1, max_length=512)]
AccountName = Annotated[
    str, QueryParameter(description="The account, as its source names it.", min_length=1, max_length=512)
]
TagName = Annotated[
    str, QueryParameter(description="The tag, node or location, as its source names it.", min_length=1, max_length=512)
]
CalendarName = Annotated[str, QueryParameter(description="The calendar.", min_length=1, max_length=512)]


class Mapped(msgspec.Struct, frozen=True, kw_only=True):
    """The entries of the record log that were set, in the order in which they were sent."""

    log: str
    entries: list[int]


class _Listed(msgspec.Struct, frozen=True, kw_only=True):
    log: str
    size: int
    next_after: int | None


class Identities(_Listed, frozen=True, kw_only=True):
    """A page of identities by entry, as of `size`. `next_after` as `after`, with the same `size`, gives the next page;
    null: this was the last.
    """

    identities: list[Identity]


class Assets(_Listed, frozen=True, kw_only=True):
    """A page of places by entry, as `Identities`."""

    assets: list[Place]


class Calendars(_Listed, frozen=True, kw_only=True):
    """A page of calendars by entry, as `Identities`."""

    calendars: list[Calendar]


@get("/identities", opt=allow(Scope.READ), responses=declared())
async def list_identities(
    context: NamedDependency[Context],
    log: RecordLog = None,
    source: Word = None,
    account: Word = None,
    at: Moment = None,
    size: AsOf = None,
    after: After = None,
    limit: Limit = 50,
) -> Identities:
    """Whose accounts are, from when to when: all that is mapped, or with `at` what held at that moment."""
    without_nul(source=source, account=account)

    def read() -> Identities:
        chosen = context.record_log(log)
        as_of = size_of(context.service, chosen, size)
        found = chosen.maps.identities(source, as_of, account, _page(at, after, limit))
        return Identities(log=chosen.log.name, size=as_of, identities=found[:limit], next_after=_next(found, limit))

    return await context.lanes.read(read)


@get("/assets", opt=allow(Scope.READ), responses=declared())
async def list_assets(
    context: NamedDependency[Context],
    log: RecordLog = None,
    source: Word = None,
    tag: Word = None,
    at: Moment = None,
    size: AsOf = None,
    after: After = None,
    limit: Limit = 50,
) -> Assets:
    """Where tags stand in the equipment hierarchy, from when to when; with `at` what held at that moment."""
    without_nul(source=source, tag=tag)

    def read() -> Assets:
        chosen = context.record_log(log)
        as_of = size_of(context.service, chosen, size)
        found = chosen.maps.assets(source, as_of, tag, _page(at, after, limit))
        return Assets(log=chosen.log.name, size=as_of, assets=found[:limit], next_after=_next(found, limit))

    return await context.lanes.read(read)


@get("/calendars", opt=allow(Scope.READ), responses=declared())
async def list_calendars(
    context: NamedDependency[Context],
    log: RecordLog = None,
    calendar: Word = None,
    at: Moment = None,
    size: AsOf = None,
    after: After = None,
    limit: Limit = 50,
) -> Calendars:
    """The calendars of shifts, from when to when; the shifts themselves stand in the entries that are named."""
    without_nul(calendar=calendar)

    def read() -> Calendars:
        chosen = context.record_log(log)
        as_of = size_of(context.service, chosen, size)
        found = chosen.maps.calendars(as_of, calendar, _page(at, after, limit))
        return Calendars(log=chosen.log.name, size=as_of, calendars=found[:limit], next_after=_next(found, limit))

    return await context.lanes.read(read)


@get("/person", opt=allow(Scope.READ), responses=declared())
async def person(
    context: NamedDependency[Context],
    source: SourceName,
    account: AccountName,
    log: RecordLog = None,
    at: Moment = None,
    size: AsOf = None,
) -> Identity:
    """Whose an account was at a moment (now, if none is given), as of a size; 404 where no map says."""
    without_nul(source=source, account=account)

    def read() -> Identity:
        chosen = context.record_log(log)
        found = chosen.maps.person(source, account, _at(context, at), size_of(context.service, chosen, size))
        return _said(found, f"no map says whose account {account!r} of {source!r} was")

    return await context.lanes.read(read)


@get("/place", opt=allow(Scope.READ), responses=declared())
async def place(
    context: NamedDependency[Context],
    source: SourceName,
    tag: TagName,
    log: RecordLog = None,
    at: Moment = None,
    size: AsOf = None,
) -> Place:
    """Where a tag stood at a moment (now, if none is given), as of a size; 404 where no map says."""
    without_nul(source=source, tag=tag)

    def read() -> Place:
        chosen = context.record_log(log)
        found = chosen.maps.place(source, tag, _at(context, at), size_of(context.service, chosen, size))
        return _said(found, f"no map says where {tag!r} of {source!r} stood")

    return await context.lanes.read(read)


@get("/shift", opt=allow(Scope.READ), responses=declared())
async def shift(
    context: NamedDependency[Context],
    calendar: CalendarName,
    log: RecordLog = None,
    at: Moment = None,
    size: AsOf = None,
) -> Worked:
    """The shift worked at a moment (now, if none is given), as of a size; 404 outside all shifts."""
    without_nul(calendar=calendar)

    def read() -> Worked:
        chosen = context.record_log(log)
        found = chosen.maps.shift(calendar, _at(context, at), size_of(context.service, chosen, size))
        return _said(found, f"no shift of calendar {calendar!r} was worked then")

    return await context.lanes.read(read)


@post("/identities", opt=allow(Scope.CONFIGURE), responses=set_or_proposed())
async def put_identities(
    context: NamedDependency[Context], request: CallerRequest, data: JSONBody[NewIdentities], log: RecordLog = None
) -> Response[Mapped | ProposedChange]:
    """Says whose accounts are. The maps are corrected by new entries; what was said before stays readable by size.

    Once two persons hold roles that is proposed (202), under a change request, and takes effect by a second person's
    signature over the proposal.
    """
    authority = request.user.authority

    def entries() -> list[MapEntry]:
        return [identity_of(one, data.reason, authority) for one in data.entries]

    return await context.lanes.append(lambda: put(context, log, entries(), data.reason, data.change_request))


@post("/assets", opt=allow(Scope.CONFIGURE), responses=set_or_proposed())
async def put_assets(
    context: NamedDependency[Context], request: CallerRequest, data: JSONBody[NewAssets], log: RecordLog = None
) -> Response[Mapped | ProposedChange]:
    """Says where tags stand, or proposes it, as of accounts."""
    authority = request.user.authority

    def entries() -> list[MapEntry]:
        return [asset_of(one, data.reason, authority) for one in data.entries]

    return await context.lanes.append(lambda: put(context, log, entries(), data.reason, data.change_request))


@post("/calendars", opt=allow(Scope.CONFIGURE), responses=set_or_proposed())
async def put_calendars(
    context: NamedDependency[Context], request: CallerRequest, data: JSONBody[NewCalendars], log: RecordLog = None
) -> Response[Mapped | ProposedChange]:
    """Says which shifts are worked, or proposes it, as of accounts."""
    authority = request.user.authority

    def entries() -> list[MapEntry]:
        return [calendar_of(one, data.reason, authority) for one in data.entries]

    return await context.lanes.append(lambda: put(context, log, entries(), data.reason, data.change_request))


def put(
    context: Context, log: str | None, entries: Sequence[MapEntry], reason: str, request: str | None
) -> Response[Mapped | ProposedChange]:
    """Sets map entries, all or none, or proposes them."""
    chosen = context.record_log(log).log
    by = entries[0].authority
    made = context.service.quality.configuration.enter(chosen, entries, reason, by, request)
    if isinstance(made, Proposed):
        return proposed(chosen.name, made)
    return Response(Mapped(log=chosen.name, entries=list(made.entries)), status_code=HTTPStatus.CREATED)


def _page(at: str | None, after: int | None, limit: int) -> Page:
    """One line more than the page has tells whether there is another."""
    return Page(at_us=None if at is None else moment_us(at), after=after, limit=limit + 1)


def _next(found: list[Identity] | list[Place] | list[Calendar], limit: int) -> int | None:
    return found[limit - 1].entry if len(found) > limit else None


def _at(context: Context, at: str | None) -> int:
    return context.service.clock.now_us() if at is None else moment_us(at)


def _said(found: T | None, otherwise: str) -> T:
    if found is None:
        raise NotFound(otherwise, advice="Say so by a map: POST to its address, or `trailseal map`.")
    return found


router = Router(
    "/maps",
    route_handlers=[
        list_identities,
        list_assets,
        list_calendars,
        person,
        place,
        shift,
        put_identities,
        put_assets,
        put_calendars,
    ],
    tags=["maps"],
)
