"""Pages of signatures made elsewhere: the bytes to take out, the signature to bring back; and a certificate to bind.

Whoever signs at a trust service comes back within the hour to the same address, and is told there what is wrong with
what they brought; nothing is lost by that. Plain forms, no script.
"""

from typing import Any, Final

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from ledger.core.admission import AdmissionEvent
from ledger.core.chain import MAX_CERTIFICATE, MAX_CERTIFICATES
from ledger.core.errors import LedgerError
from ledger.core.external import MAX_CMS, MAX_REVOCATION, brought
from ledger.core.signature import ExternalProof, Mode
from ledger.people.access import Door, Scope, allow
from ledger.people.own import require_person
from ledger.present.manifest import fingerprint, target_text, withstands
from ledger.signing.external import KnownAnchor
from ledger.signing.factors import Shown
from ledger.signing.key_views import ToProve, fingerprint_of
from ledger.signing.signatures import ToSign
from ledger.web.forms import file_of, form_of
from ledger.web.pages import PageRequest, peer
from ledger.web.render import PAGE_HEADERS, download, page
from ledger.web.signing import fields_of, status_of
from ledger.web.signing_ways import again, complete, waiting

Context = NamedDependency[Any]
"""The application's context; of no type that a request could be checked against."""
_MAX_BODY: Final = MAX_CMS + MAX_CERTIFICATE * MAX_CERTIFICATES + 2 * MAX_REVOCATION + 64 * 1024


class Uploaded(msgspec.Struct, frozen=True, kw_only=True):
    """What a form brought: a detached CMS; beside it certificates, and a list or response that tells of them."""

    cms: bytes
    certificates: bytes
    revocation: bytes

    def proof(self) -> ExternalProof:
        """As a proof; raises SchemaViolation where it is none."""
        return brought(self.cms, self.certificates, (self.revocation,))


@get("/sign/{ident:str}/elsewhere", opt=allow(Scope.READ))
async def statement(request: PageRequest, context: Context, ident: FromPath[str]) -> Response[str]:
    """What waits to be signed elsewhere: its bytes, and the form to bring the signature back."""
    return await _statement(context, request, ident)


@get("/sign/{ident:str}/bytes", opt=allow(Scope.READ))
async def statement_bytes(request: PageRequest, context: Context, ident: FromPath[str]) -> Response[bytes]:
    """The exact bytes that are to be signed."""
    service, caller = context.service, request.user

    def take() -> tuple[str, bytes]:
        put = waiting(service, ident, Mode.EXTERNAL, caller)
        return put.id, service.signing.signatures.exported(put.id)

    name, data = await context.lanes.read(take)
    return download(data, f"statement-{name}.bin")


@post("/sign/{ident:str}/elsewhere", opt=allow(Scope.READ, signs=True), request_max_body_size=_MAX_BODY)
async def bring(request: PageRequest, context: Context, ident: FromPath[str]) -> Response[Any]:
    """Signs by what was brought, and goes to the page that shows the signature; or says what is wrong with it."""
    form, caller, service, here = await form_of(request), request.user, context.service, peer(request)
    given = await _uploaded(request)
    shown = Shown(password=form("password") or None, code=form("code") or None)

    def sign() -> str:
        put = waiting(service, ident, Mode.EXTERNAL, caller)
        # The signature itself is over exactly one statement: it fits no other that would lie under this id.
        return complete(service, put, given.proof(), caller, here, shown)

    try:
        place = await context.lanes.argon(sign)
    except LedgerError as error:
        return await _statement(context, request, ident, error)
    return Redirect(place, status_code=303, headers=PAGE_HEADERS)


@post("/account/certificates", opt=allow(Door.CALLER), request_max_body_size=_MAX_BODY)
async def begin(request: PageRequest, context: Context) -> Response[Any]:
    """Begins to bind a certificate to the caller, and goes on to what it has to sign."""
    form, caller, external = await form_of(request), request.user, context.service.signing.external
    given = await file_of(request, "certificate")

    def enter() -> str:
        require_person(caller)
        put: ToProve = external.begin(caller, given, form("reason").strip()[:1000])
        return put.id

    try:
        ident = await context.lanes.append(enter)
    except LedgerError as error:
        return await _certificate(context, request, None, error)
    return Redirect(f"/account/certificates/{ident}", status_code=303, headers=PAGE_HEADERS)


@get(["/account/certificates", "/account/certificates/{ident:str}"], opt=allow(Door.CALLER))
async def certificate(request: PageRequest, context: Context, ident: FromPath[str] = "") -> Response[str]:
    """The form to begin with; or what a certificate has to sign, and the form to bring that back."""
    return await _certificate(context, request, ident or None)


@get("/account/certificates/{ident:str}/bytes", opt=allow(Door.CALLER))
async def request_bytes(request: PageRequest, context: Context, ident: FromPath[str]) -> Response[bytes]:
    """The exact bytes that the certificate has to sign."""
    caller, external = request.user, context.service.signing.external
    data = await context.lanes.read(lambda: external.request_bytes(caller, ident))
    return download(data, f"request-{ident}.bin")


@post("/account/certificates/{ident:str}", opt=allow(Door.CALLER), request_max_body_size=_MAX_BODY)
async def prove(request: PageRequest, context: Context, ident: FromPath[str]) -> Response[Any]:
    """Enters the request, signed by the certificate; two other people have yet to vouch for it."""
    given, caller, external = await _uploaded(request), request.user, context.service.signing.external

    def enter() -> None:
        require_person(caller)
        external.prove(caller, ident, given.cms, given.certificates, (given.revocation,))

    try:
        await context.lanes.append(enter)
    except LedgerError as error:
        return await _certificate(context, request, ident, error)
    return Redirect("/account/keys", status_code=303, headers=PAGE_HEADERS)


HANDLERS: Final[list[Any]] = [statement, statement_bytes, bring, begin, certificate, request_bytes, prove]


async def _statement(context: Any, request: PageRequest, ident: str, error: LedgerError | None = None) -> Response[str]:
    service, caller = context.service, request.user
    put: ToSign = await context.lanes.read(lambda: waiting(service, ident, Mode.EXTERNAL, caller))
    return page(
        "sign_elsewhere.html",
        status=status_of(error),
        put=put,
        said=put.statement,
        target=target_text(put.statement),
        fingerprint=fingerprint(put.statement),
        withstands=withstands(put.statement.mode),
        fields=fields_of(put),
        other=again(service, put),
        error=error,
        place="tasks" if put.task else "search",
        viewer=caller.account,
    )


async def _certificate(
    context: Any, request: PageRequest, ident: str | None, error: LedgerError | None = None
) -> Response[str]:
    """Raises what it raises where nothing of that id waits for this person."""
    service, caller = context.service, request.user
    require_person(caller)

    def read() -> tuple[ToProve | None, list[KnownAnchor]]:
        if ident is None:
            return None, [one for one in service.signing.external.anchors() if one.state is AdmissionEvent.CONFIRMED]
        service.signing.external.request_bytes(caller, ident)
        return service.signing.bindings.proposed(ident), []

    put, anchors = await context.lanes.read(read)
    return page(
        "certificate.html",
        status=200 if error is None else 409,
        put=put,
        fingerprint="" if put is None else fingerprint_of(put.statement.key.key_id),
        anchors=anchors,
        admin=caller.allows(Scope.ADMIN),
        error=error,
        place="account",
        viewer=caller.account,
    )


async def _uploaded(request: PageRequest) -> Uploaded:
    cms, certificates, revocation = [await file_of(request, name) for name in ("cms", "certificates", "revocation")]
    return Uploaded(cms=cms, certificates=certificates, revocation=revocation)
