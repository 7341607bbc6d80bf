"""Signing by passkey and at the identity provider, by pages: the way there, and back.

A signing passkey belongs to an address of its own, `sign.` before the pages' host, so that one of sign-in can never
sign. The browser goes there without its session, is shown the statement again, and brings the authenticator's answer
back in the address's fragment, which no server sees. A provider sends it back with a code. Either way the browser comes
from another site, without the session's cookie (`SameSite=Strict`): a form of ours ends it, out of the session.
"""

from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit
from zoneinfo import ZoneInfo

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from ledger.core.errors import LedgerError, NotFound, RecordChangedSinceReview, SchemaViolation
from ledger.core.hashing import unb64
from ledger.core.passkey import b64url, unb64url
from ledger.core.signature import ExternalProof, Mode, PasskeyProof, ProviderProof
from ledger.people.access import Caller, Door, Scope, allow
from ledger.people.oidc_attempts import Begun
from ledger.present.manifest import fingerprint, target_text, withstands
from ledger.present.messages import message
from ledger.signing.answering import Answering
from ledger.signing.factors import Shown
from ledger.signing.signatures import ToSign
from ledger.store.logs import choose
from ledger.web import signing, tasks
from ledger.web.forms import form_of
from ledger.web.pages import PageRequest, peer
from ledger.web.provider import SIGN, admit, attempt_cookie, begun, going, returned
from ledger.web.render import PAGE_HEADERS, page

Context = NamedDependency[Any]
"""The application's context; of no type that a request could be checked against."""
_BACK: Final = "/sign/{ident}/return"
_TIMEOUT_MS: Final = 300_000


def handlers(zone: ZoneInfo) -> list[Any]:
    """The routes of these pages; `zone` is the site's."""

    @get("/sign/{ident:str}/passkey", opt=allow(Door.OPEN))
    async def show_passkey(request: PageRequest, context: Context, ident: FromPath[str]) -> Response[str]:
        """At the address of signing: the statement, and a button for the authenticator.

        Whoever has the id, 128 random bits, sees it, for as long as it waits: the session's cookie stays at the pages.
        """
        admit(request, context)
        service = context.service
        try:
            put = await context.lanes.read(lambda: waiting(service, ident, Mode.PASSKEY))
        except NotFound:
            service.people.security.failed(peer(request))
            raise
        origin = service.settings.web.origin or ""
        return page(
            "sign_passkey.html",
            put=put,
            said=put.statement,
            target=target_text(put.statement),
            fingerprint=fingerprint(put.statement),
            withstands=withstands(Mode.PASSKEY),
            options=asking(put.challenge, put.rp_id, put.credential),
            back=origin + _BACK.format(ident=put.id),
            other=origin + again(service, put),
            host=urlsplit(origin).netloc,
            pages_at=origin,
            place="",
            viewer=None,
        )

    @get("/sign/{ident:str}/return", opt=allow(Door.OPEN))
    async def back_from_passkey(ident: FromPath[str]) -> Response[str]:
        """Back at the pages: a form that the script fills with the authenticator's answer."""
        action = f"/sign/{quote(ident, safe='')}/passkey"
        return page("sign_return.html", action=action, do=message("sign-return.do"), place="", viewer=None)

    @post("/sign/{ident:str}/passkey", opt=allow(Scope.READ, signs=True))
    async def sign_by_passkey(request: PageRequest, context: Context, ident: FromPath[str]) -> Response[Any]:
        """Signs by the authenticator's answer, and goes to the signature's page."""
        form, caller, service, here = await form_of(request), request.user, context.service, peer(request)
        put = await context.lanes.read(lambda: waiting(service, ident, Mode.PASSKEY, caller))

        def sign() -> str:
            # The assertion itself is over exactly one statement: it fits no other that would lie under this id.
            return complete(service, put, assertion(form("passkey")), caller, here)

        return await _ended(context, request, zone, put, sign)

    @post("/sign/{ident:str}/provider", opt=allow(Scope.READ, signs=True), status_code=200)
    async def go_to_provider(request: PageRequest, context: Context, ident: FromPath[str]) -> Response[Any]:
        """Begins to authenticate for this statement, and sends the browser to the provider."""
        form, caller, service = await form_of(request), request.user, context.service
        put = await context.lanes.read(lambda: waiting(service, ident, Mode.PROVIDER, caller))

        def begin() -> Begun:
            if form("digest") != put.digest:
                raise RecordChangedSinceReview("what would be signed is not what was shown")
            made: Begun = service.provider_signing.begin(put.statement)
            return made

        try:
            made = await context.lanes.append(begin)
        except LedgerError as error:
            return await _refused(context, request, zone, put, error)
        return going(request, made.address, f"{SIGN}:{put.id}", made.secret, viewer=caller.account)

    @post("/sign/{ident:str}/answer", opt=allow(Scope.READ, signs=True))
    async def back_from_provider(request: PageRequest, context: Context, ident: FromPath[str]) -> Response[Any]:
        """Signs by the provider's token, and goes to the signature's page."""
        answer, caller, service, here = await returned(request), request.user, context.service, peer(request)
        put = await context.lanes.read(lambda: waiting(service, ident, Mode.PROVIDER, caller))
        secret = begun(request)[1]

        def sign() -> str:
            # What was begun is bound to the statement that was shown then: an answer for it ends no other.
            proof = service.provider_signing.complete(put.statement, secret, answer)
            return complete(service, put, proof, caller, here)

        done = await _ended(context, request, zone, put, sign)
        done.set_cookie(attempt_cookie(request, None, ""))
        return done

    return [show_passkey, back_from_passkey, sign_by_passkey, go_to_provider, back_from_provider]


async def _ended(context: Any, request: PageRequest, zone: ZoneInfo, put: ToSign, sign: Any) -> Response[Any]:
    """The page of the signature, or the one that says why nothing was signed."""
    try:
        place = await context.lanes.append(sign)
    except LedgerError as error:
        return await _refused(context, request, zone, put, error)
    return Redirect(place, status_code=303, headers=PAGE_HEADERS)


async def _refused(
    context: Any, request: PageRequest, zone: ZoneInfo, put: ToSign, error: LedgerError
) -> Response[Any]:
    if put.task is None:
        return await signing.refused(context, request, zone, put, error)
    return await tasks.request_page(context, request, zone, put.task[0], error)


def complete(
    service: Any,
    put: ToSign,
    proof: PasskeyProof | ProviderProof | ExternalProof,
    caller: Caller,
    here: str,
    shown: Shown = Shown(),  # noqa: B008 - frozen
) -> str:
    """Enters the signature; returns the address of the page that shows it. `shown`: what it takes besides the proof."""
    signatures = service.signing.signatures
    if put.task is None:
        made = signatures.complete(put.id, put.digest, shown, proof, caller, here)
        return f"/signatures/{made.index}"
    request, step = put.task
    flows = service.workflows
    answering = Answering(service.store, flows.requests, flows.decisions, signatures)
    answering.complete(request, step, put.id, put.digest, shown, proof, caller, here)
    return f"/tasks/{request}"


def waiting(service: Any, ident: str, mode: Mode, caller: Caller | None = None) -> ToSign:
    """What waits under that id to be signed so, by this caller; raises NotFound."""
    put: ToSign = service.signing.signatures.waiting(ident)
    said = put.statement
    if said.mode is not mode or (caller is not None and said.signer.account != caller.account):
        raise NotFound("nothing of that id is waiting to be signed so by you", advice="Begin again.")
    return put


def again(service: Any, put: ToSign) -> str:
    """Where the pages offer what waits to be signed another way."""
    if put.task is not None:
        return f"/tasks/{quote(put.task[0], safe='')}"
    target = put.statement.target
    log = choose(service.store.logs(), target.origin)
    return f"/sign?{urlencode({'log': log.name, 'entries': ','.join(map(str, target.entries))})}"


def assertion(text: str) -> PasskeyProof:
    """The authenticator's answer as the script brings it back: base64url of JSON; raises SchemaViolation."""
    if not text:
        raise SchemaViolation("no passkey answered", advice="Go to the address of signing again, and use your passkey.")
    try:
        return msgspec.json.decode(unb64url(text), type=PasskeyProof)
    except (msgspec.DecodeError, LedgerError):
        raise SchemaViolation("what came back is no passkey's answer", advice="Begin again.") from None


def asking(challenge: str, rp_id: str | None, credential: str | None) -> str:
    """What the browser asks the authenticator: this credential alone, for this challenge (base64) alone."""
    options = {
        "challenge": b64url(unb64(challenge, 32)),
        "rpId": rp_id,
        "allowCredentials": [{"type": "public-key", "id": credential}],
        "userVerification": "required",
        "timeout": _TIMEOUT_MS,
    }
    return msgspec.json.encode(options).decode()
