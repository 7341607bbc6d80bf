"""Documents of the site that the ledger keeps a copy of: the non-repudiation letter (21 CFR 11.100(c)), for one."""

from typing import Annotated, Final

import msgspec
from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from ledger.api.context import Context
from ledger.api.fields import without_nul
from ledger.api.gate import CallerRequest
from ledger.api.people import Entered, Reason
from ledger.api.problems import declared
from ledger.core.vault import MAX_ORIGINAL
from ledger.people.access import Scope, allow
from ledger.people.documents import KnownDocument

MAX_BODY: Final = MAX_ORIGINAL * 4 // 3 + 64 * 1024
DocumentPath = Annotated[str, PathParameter(max_length=100)]


class NewDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A document and its copy (base64); of an id that is there already it is the next version."""

    document: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,99}$")]
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    dated: Annotated[str, msgspec.Meta(max_length=10)]
    media_type: Annotated[str, msgspec.Meta(pattern=r"^[a-z]+/[a-zA-Z0-9.+-]{1,100}$")]
    copy: bytes
    reason: Reason


@get("/", opt=allow(Scope.READ), responses=declared())
async def documents(context: NamedDependency[Context]) -> list[KnownDocument]:
    """The site's documents, as they are now."""
    return list(await context.lanes.read(context.service.people.documents.list))


@get("/{document:str}/copy", opt=allow(Scope.EXPORT), responses=declared(), media_type="application/octet-stream")
async def copy_of_document(context: NamedDependency[Context], document: DocumentPath) -> Response[bytes]:
    """The copy, checked against its entry; only to be saved, never shown as a page."""
    without_nul(document=document)
    known, data = await context.lanes.read(context.service.people.documents.get, document)
    return Response(
        data,
        media_type="application/octet-stream",
        headers={
            "Content-Disposition": f'attachment; filename="{known.document}"',
            "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
        },
    )


@post("/", opt=allow(Scope.ADMIN), responses=declared(413), request_max_body_size=MAX_BODY)
async def put_document(
    context: NamedDependency[Context], request: CallerRequest, data: JSONBody[NewDocument]
) -> Entered:
    """Keeps a copy of a document; earlier versions stay on record."""
    without_nul(title=data.title, reason=data.reason)
    index = await context.lanes.append(
        context.service.people.documents.put,
        data.document,
        data.title,
        data.dated,
        data.copy,
        data.media_type,
        data.reason,
        request.user.authority,
    )
    return Entered(index=index)


router = Router("/documents", route_handlers=[documents, copy_of_document, put_document], tags=["people"])
