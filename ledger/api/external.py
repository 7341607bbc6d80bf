"""Signatures made elsewhere: trust anchors, certificates bound to persons, bytes that are taken out to be signed.

What is brought back completes a statement as every other signature does (`/signing/statements/{ident}`), with the CMS
in place of a passkey's answer.
"""

from typing import Annotated

import msgspec
from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from ledger.api.context import Context
from ledger.api.fields import without_nul
from ledger.api.gate import CallerRequest, peer_of
from ledger.api.people import Entered, Reason
from ledger.api.problems import declared
from ledger.core.chain import MAX_CERTIFICATE, MAX_CERTIFICATES
from ledger.core.errors import Conflict
from ledger.core.external import MAX_CMS, MAX_REVOCATION, MAX_REVOCATIONS, brought
from ledger.people.access import Door, Scope, allow
from ledger.signing.external import KnownAnchor
from ledger.signing.factors import Shown
from ledger.signing.key_views import ToProve
from ledger.signing.looking import LookedAt, look

Bundle = Annotated[bytes, msgspec.Meta(max_length=MAX_CERTIFICATE * MAX_CERTIFICATES)]
"""Certificates in PEM, or one in DER; in base64, as all bytes in JSON."""
Cms = Annotated[bytes, msgspec.Meta(min_length=1, max_length=MAX_CMS)]
Revocations = Annotated[
    tuple[Annotated[bytes, msgspec.Meta(min_length=1, max_length=MAX_REVOCATION * 2)], ...],
    msgspec.Meta(max_length=MAX_REVOCATIONS),
]
"""Revocation lists (PEM or DER) and OCSP responses (DER), kept as evidence of whether a certificate was revoked."""
AnchorPath = Annotated[str, PathParameter(description="A trust anchor: SHA-256 of its certificate.", max_length=64)]
IdPath = Annotated[str, PathParameter(description="What was prepared, by its id.", max_length=100)]


class NewAnchor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The certificate of an authority, and why it is to be trusted here."""

    certificate: Bundle
    reason: Reason


class AnchorWhy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The reason."""

    reason: Reason


class NewCertificate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A certificate of the caller's (the first of the bundle), and why they sign with it."""

    certificate: Bundle
    reason: Reason


class Brought(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A detached CMS (CAdES-BES, DER) over exactly the bytes that were taken out, and its certificates if they are not
    in it; and what tells whether they were revoked.
    """

    cms: Cms
    certificates: Bundle = b""
    revocation: Revocations = ()


class BroughtStatement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The digest of the statement that the signer saw, the signature that was made of it, and what they show here."""

    digest: Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
    cms: Cms
    certificates: Bundle = b""
    revocation: Revocations = ()
    shown: Shown = Shown()


@get("/anchors", opt=allow(Door.CALLER), responses=declared())
async def anchors(context: NamedDependency[Context]) -> list[KnownAnchor]:
    """Every authority whose certificates sign here, or did; and who said so."""
    return await context.lanes.read(context.service.signing.external.anchors)


@post("/anchors", opt=allow(Scope.ADMIN), responses=declared(409))
async def propose_anchor(
    context: NamedDependency[Context], request: CallerRequest, data: JSONBody[NewAnchor]
) -> KnownAnchor:
    """Proposes an authority; it counts once a second administrator confirmed it."""
    without_nul(reason=data.reason)
    propose = context.service.signing.external.propose
    return await context.lanes.append(propose, data.certificate, data.reason, request.user.authority)


@post("/anchors/{anchor:str}/confirmation", opt=allow(Scope.ADMIN), responses=declared(409))
async def confirm_anchor(
    context: NamedDependency[Context], request: CallerRequest, anchor: AnchorPath, data: JSONBody[AnchorWhy]
) -> KnownAnchor:
    """Confirms an authority that somebody else proposed."""
    without_nul(anchor=anchor, reason=data.reason)
    confirm = context.service.signing.external.confirm
    return await context.lanes.append(confirm, anchor, data.reason, request.user.authority)


@post("/anchors/{anchor:str}/withdrawal", opt=allow(Scope.ADMIN), responses=declared(409))
async def withdraw_anchor(
    context: NamedDependency[Context], request: CallerRequest, anchor: AnchorPath, data: JSONBody[AnchorWhy]
) -> KnownAnchor:
    """From here on its certificates sign nothing new here."""
    without_nul(anchor=anchor, reason=data.reason)
    withdraw = context.service.signing.external.withdraw
    return await context.lanes.append(withdraw, anchor, data.reason, request.user.authority)


@post("/certificates", opt=allow(Door.CALLER), responses=declared(409), status_code=200)
async def begin_certificate(
    context: NamedDependency[Context], request: CallerRequest, data: JSONBody[NewCertificate]
) -> ToProve:
    """Begins to bind a certificate to the caller: what it has to sign, good for an hour."""
    without_nul(reason=data.reason)
    begin = context.service.signing.external.begin
    return await context.lanes.append(begin, request.user, data.certificate, data.reason)


@get("/certificates/{ident:str}/bytes", opt=allow(Door.CALLER), responses=declared())
async def request_bytes(context: NamedDependency[Context], request: CallerRequest, ident: IdPath) -> Response[bytes]:
    """The exact bytes that the certificate has to sign."""
    without_nul(ident=ident)
    take = context.service.signing.external.request_bytes
    return _bytes(await context.lanes.read(take, request.user, ident), f"request-{ident}")


@post("/certificates/{ident:str}", opt=allow(Door.CALLER), responses=declared(409))
async def prove_certificate(
    context: NamedDependency[Context], request: CallerRequest, ident: IdPath, data: JSONBody[Brought]
) -> Entered:
    """Enters the request, signed by the certificate; two other people have yet to vouch for it, as for any key."""
    without_nul(ident=ident)
    prove = context.service.signing.external.prove
    return Entered(
        index=await context.lanes.append(prove, request.user, ident, data.cms, data.certificates, data.revocation)
    )


@get("/statements/{ident:str}/bytes", opt=allow(Door.CALLER), responses=declared())
async def statement_to_sign(context: NamedDependency[Context], ident: IdPath) -> Response[bytes]:
    """The exact bytes of a statement that is to be signed elsewhere."""
    without_nul(ident=ident)
    taken = await context.lanes.read(context.service.signing.signatures.exported, ident)
    return _bytes(taken, f"statement-{ident}")


@post("/statements/{ident:str}/external", opt=allow(Door.CALLER, signs=True), responses=declared(409))
async def complete_external(
    context: NamedDependency[Context], request: CallerRequest, ident: IdPath, data: JSONBody[BroughtStatement]
) -> LookedAt:
    """Signs by what was made elsewhere. Answered with the signature as it stands in the system log."""
    without_nul(ident=ident)
    service, caller, peer = context.service, request.user, peer_of(request)

    def sign() -> LookedAt:
        if service.signing.signatures.waiting(ident).statement.request is not None:
            raise Conflict("this answers a step of a request", advice="Bring it to the step (`…/signature`).")
        proof = brought(data.cms, data.certificates, data.revocation)
        done = service.signing.signatures.complete(ident, data.digest, data.shown, proof, caller, peer)
        with service.store.reading() as connection:
            return look(service.store, connection, done.index)

    return await context.lanes.argon(sign)


def _bytes(data: bytes, name: str) -> Response[bytes]:
    return Response(
        data,
        media_type="application/octet-stream",
        headers={"Content-Disposition": f'attachment; filename="{name}.bin"', "Cache-Control": "no-store"},
    )


router = Router(
    "/signing",
    route_handlers=[
        anchors,
        propose_anchor,
        confirm_anchor,
        withdraw_anchor,
        begin_certificate,
        request_bytes,
        prove_certificate,
        statement_to_sign,
        complete_external,
    ],
    tags=["signatures"],
)
