"""Import of a whole list of accounts or tags as CSV, as `trailseal map import` takes it: all of it or nothing."""

import io
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Annotated, Final

from litestar import Response, Router, post
from litestar.di import NamedDependency
from litestar.params import QueryParameter, RawBody

from ledger.api.configuring import ProposedChange, RequestedBy, set_or_proposed
from ledger.api.context import Context
from ledger.api.fields import without_nul
from ledger.api.gate import CallerRequest
from ledger.api.maps import Mapped, put
from ledger.api.sources import RecordLog
from ledger.core.authority import Authority
from ledger.core.errors import RowFault, RowsRefused, SchemaViolation
from ledger.people.access import Scope, allow
from ledger.sources.map_files import instant, read_assets, read_identities
from ledger.sources.maps import AT_ONCE, MapEntry

MAX_FILE: Final = 8 * 1024 * 1024
"""Bytes of the longest list; it has at most `AT_ONCE` lines."""
Why = Annotated[
    str,
    QueryParameter(
        description="Why, such as the list or drawing it is from; it stands in every entry.",
        min_length=1,
        max_length=1000,
    ),
]
Zone = Annotated[
    str | None,
    QueryParameter(description="IANA zone of times without offset; without it each names its offset.", max_length=200),
]
Reader = Callable[[list[str], str, str | None, Authority], Iterator[MapEntry]]


@post(
    "/identities/import",
    opt=allow(Scope.CONFIGURE),
    responses=set_or_proposed(413),
    status_code=HTTPStatus.CREATED,
    request_max_body_size=MAX_FILE,
)
async def import_identities(
    context: NamedDependency[Context],
    request: CallerRequest,
    body: RawBody,
    reason: Why,
    zone: Zone = None,
    log: RecordLog = None,
    change_request: RequestedBy = None,
) -> Response[Mapped | ProposedChange]:
    """Takes a list of accounts. Columns: source, account, person, kind, shared, valid_from, valid_to.

    Nothing of it is stored if a row is wrong; then the problem's `faults` name line and column of each place. Once two
    persons hold roles the whole list is proposed as one change.
    """
    authority = request.user.authority
    return await context.lanes.append(
        _import, context, read_identities, bytes(body), (reason, change_request), zone, authority, log
    )


@post(
    "/assets/import",
    opt=allow(Scope.CONFIGURE),
    responses=set_or_proposed(413),
    status_code=HTTPStatus.CREATED,
    request_max_body_size=MAX_FILE,
)
async def import_assets(
    context: NamedDependency[Context],
    request: CallerRequest,
    body: RawBody,
    reason: Why,
    zone: Zone = None,
    log: RecordLog = None,
    change_request: RequestedBy = None,
) -> Response[Mapped | ProposedChange]:
    """Takes a list of tags. Columns: source, tag, site, area, line, unit, equipment, description, gxp,
    asset_class, critical, valid_from, valid_to. Faults are told as of accounts.
    """
    authority = request.user.authority
    return await context.lanes.append(
        _import, context, read_assets, bytes(body), (reason, change_request), zone, authority, log
    )


def _import(
    context: Context,
    reader: Reader,
    body: bytes,
    why: tuple[str, str | None],
    zone: str | None,
    authority: Authority,
    log: str | None,
) -> Response[Mapped | ProposedChange]:
    reason, request = why
    without_nul(reason=reason, change_request=request)
    if zone is not None:
        instant("2026-01-01T00:00:00", zone)
    try:
        lines = list(io.StringIO(body.decode("utf-8-sig"), newline=""))
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise RowsRefused(f"line {line}: not UTF-8", (RowFault(line, None, "not UTF-8"),)) from None
    if len(lines) > AT_ONCE + 1:
        raise SchemaViolation(
            f"the list has more than {AT_ONCE} lines", advice="Split it: each part goes in whole or not at all."
        )
    entries = list(reader(lines, reason, zone, authority))
    if not entries:
        raise SchemaViolation("the list has no row below its column names")
    return put(context, log, entries, reason, request)


router = Router("/maps", route_handlers=[import_identities, import_assets], tags=["maps"])
