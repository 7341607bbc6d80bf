"""Handwritten signatures on printouts: what a fingerprint is of, what is on file, entries by hand with their scans."""

from typing import Annotated, Final

import msgspec
from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from ledger.api.context import Context
from ledger.api.fields import without_nul
from ledger.api.gate import CallerRequest
from ledger.api.people import Reason
from ledger.api.problems import declared
from ledger.core.address import Address, parse_address
from ledger.core.scans import MAX_SCAN
from ledger.people.access import Scope, allow
from ledger.signing.paper import FoundPrint, KnownPaper, NewPaper
from ledger.store.position import MAX_INDEX

MAX_BODY: Final = MAX_SCAN * 4 // 3 + 64 * 1024
FingerprintPath = Annotated[str, PathParameter(description="The fingerprint on the paper.", max_length=100)]
PaperPath = Annotated[str, PathParameter(description="A handwritten signature, by its id.", max_length=100)]
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]


class PaperToEnter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the paper says, where it is kept, and its scan (base64). `older`: it is known to be of an older version."""

    fingerprint: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    meaning: Words
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    signed_on: Annotated[str, msgspec.Meta(max_length=10)]
    kept_at: Words
    reason: Reason
    scan: bytes
    account: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    older: bool = False


class PaperWhy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The reason: how it was compared, or why it is withdrawn."""

    reason: Reason


@get("/versions/{fingerprint:str}", opt=allow(Scope.READ), responses=declared())
async def version(
    context: NamedDependency[Context], request: CallerRequest, fingerprint: FingerprintPath
) -> FoundPrint:
    """What a fingerprint is of: a version as it stands, or an older one and what took its place. 404: of nothing."""
    without_nul(fingerprint=fingerprint)
    return await context.lanes.read(context.service.signing.papers.find, request.user, fingerprint)


@get("/", opt=allow(Scope.READ), responses=declared())
async def papers(
    context: NamedDependency[Context],
    request: CallerRequest,
    log: Annotated[str | None, QueryParameter(description="Of this log's entries alone.", max_length=200)] = None,
    index: Annotated[
        int | None, QueryParameter(description="Of this entry of the log alone.", ge=0, le=MAX_INDEX)
    ] = None,
) -> list[KnownPaper]:
    """Handwritten signatures on file, oldest first; not those that were withdrawn.

    With `log`, and with `index`: those on prints of its entries, or of that entry or electronic signature.
    """
    found = await context.lanes.read(context.service.signing.papers.all, request.user)
    if log is None:
        return found
    origin = context.log(log).origin
    if index is not None:
        return [one for one in found if one.printed.address == str(Address(origin, index))]
    return [one for one in found if parse_address(one.printed.address).origin == origin]


@post("/", opt=allow(Scope.READ), responses=declared(409, 413), request_max_body_size=MAX_BODY)
async def enter_paper(
    context: NamedDependency[Context], request: CallerRequest, data: JSONBody[PaperToEnter]
) -> KnownPaper:
    """Enters one with its scan. 404: the fingerprint is of nothing here; 409: it is of an older version."""
    without_nul(meaning=data.meaning, name=data.name, kept_at=data.kept_at, reason=data.reason, account=data.account)
    new = NewPaper(
        fingerprint=data.fingerprint,
        meaning=data.meaning,
        name=data.name,
        signed_on=data.signed_on,
        kept_at=data.kept_at,
        reason=data.reason,
        account=data.account,
        older=data.older,
    )
    return await context.lanes.append(context.service.signing.papers.enter, request.user, new, data.scan)


@get("/{paper:str}", opt=allow(Scope.READ), responses=declared())
async def paper_signature(context: NamedDependency[Context], request: CallerRequest, paper: PaperPath) -> KnownPaper:
    """One of them, also where it was withdrawn."""
    without_nul(paper=paper)
    return await context.lanes.read(context.service.signing.papers.get, request.user, paper)


@get("/{paper:str}/scan", opt=allow(Scope.EXPORT), responses=declared(), media_type="application/octet-stream")
async def paper_scan(context: NamedDependency[Context], request: CallerRequest, paper: PaperPath) -> Response[bytes]:
    """The scan, checked against its entry; only to be saved, never shown as a page."""
    without_nul(paper=paper)
    known, data = await context.lanes.read(context.service.signing.papers.scan, request.user, paper)
    return Response(
        data,
        media_type="application/octet-stream",
        headers={
            "Content-Disposition": f'attachment; filename="paper-{known.paper}.{known.media_type.partition("/")[2]}"',
            "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
        },
    )


@post("/{paper:str}/check", opt=allow(Scope.READ), responses=declared(409))
async def check_paper(
    context: NamedDependency[Context], request: CallerRequest, paper: PaperPath, data: JSONBody[PaperWhy]
) -> KnownPaper:
    """A second person has compared entry and scan."""
    without_nul(paper=paper, reason=data.reason)
    return await context.lanes.append(context.service.signing.papers.check, request.user, paper, data.reason)


@post("/{paper:str}/withdrawal", opt=allow(Scope.READ), responses=declared(409))
async def withdraw_paper(
    context: NamedDependency[Context], request: CallerRequest, paper: PaperPath, data: JSONBody[PaperWhy]
) -> KnownPaper:
    """It was entered in error; what was entered stays on record."""
    without_nul(paper=paper, reason=data.reason)
    return await context.lanes.append(context.service.signing.papers.withdraw, request.user, paper, data.reason)


router = Router(
    "/papers",
    route_handlers=[version, papers, enter_paper, paper_signature, paper_scan, check_paper, withdraw_paper],
    tags=["signatures"],
)
