"""The site's identity provider: the agreement, whose subject is whose account, and signing in there."""

from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from ledger.api.context import Context
from ledger.api.fields import without_nul
from ledger.api.gate import CallerRequest, peer_of, terminal_cookie_name
from ledger.api.people import AccountPath, Entered, Reason, Why
from ledger.api.problems import declared
from ledger.api.session import session_cookie
from ledger.core.errors import NotAuthenticated, NotFound, RateLimited
from ledger.core.signature import Statement
from ledger.people.access import Door, Scope, allow
from ledger.people.oidc import Agreement
from ledger.people.oidc_attempts import ATTEMPT_US, COOKIE, Answer, Begun
from ledger.people.oidc_door import ProviderView, provider_view
from ledger.people.oidc_links import Link
from ledger.people.sessions import cookie_name
from ledger.service import Service
from ledger.signing.factors import Shown

IdPath = Annotated[str, PathParameter(description="What was prepared, by its id.", max_length=100)]
LinkPath = Annotated[str, PathParameter(max_length=100)]
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Url = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]


class WantedAgreement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is agreed with the provider; `acr`: one of these to sign in, `signing_acr`: one of these to sign."""

    issuer: Url
    client_id: Word
    redirect_uri: Url
    acr: Annotated[tuple[Word, ...], msgspec.Meta(min_length=1, max_length=20)]
    reason: Reason
    signing_acr: Annotated[tuple[Word, ...], msgspec.Meta(max_length=20)] = ()
    claim: Word = "sub"


class NewLink(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The subject that the provider knows the account's person as."""

    subject: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    reason: Reason


class Returned(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the provider sent the browser back with."""

    state: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    code: Annotated[str, msgspec.Meta(max_length=8000)] | None = None
    iss: Annotated[str, msgspec.Meta(max_length=1000)] | None = None
    error: Annotated[str, msgspec.Meta(max_length=200)] | None = None

    def answer(self) -> Answer:
        """As it is ended with."""
        return Answer(state=self.state, code=self.code, iss=self.iss, error=self.error)


class SignedThere(Returned, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the browser came back with, and the digest of the statement that the signer saw."""

    digest: Annotated[str, msgspec.Meta(min_length=44, max_length=44)]


class Going(msgspec.Struct, frozen=True, kw_only=True):
    """Where the browser goes to authenticate."""

    address: str


@get("/identity-provider", responses=declared())
async def agreement(context: NamedDependency[Context]) -> ProviderView:
    """The agreement in force, and the provider's keys as they were entered."""
    return await context.lanes.read(_view, context.service)


@post("/identity-provider", responses=declared(409))
async def agree(
    context: NamedDependency[Context], request: CallerRequest, data: JSONBody[WantedAgreement]
) -> ProviderView:
    """From here on the provider is used so. It is asked for its description and keys first."""
    without_nul(**{name: str(value) for name, value in msgspec.structs.asdict(data).items()})
    wanted = msgspec.convert(
        {name: value for name, value in msgspec.structs.asdict(data).items() if name != "reason"}, Agreement
    )
    await context.lanes.append(context.service.provider.set, wanted, data.reason, request.user.authority)
    return await context.lanes.read(_view, context.service)


@post("/identity-provider/retirement", responses=declared(409))
async def retire(context: NamedDependency[Context], request: CallerRequest, data: JSONBody[Why]) -> Entered:
    """From here on nobody signs in at the provider."""
    without_nul(reason=data.reason)
    end = context.service.provider.retire
    return Entered(index=await context.lanes.append(end, data.reason, request.user.authority))


@post("/identity-provider/keys", responses=declared(409))
async def refresh(context: NamedDependency[Context], request: CallerRequest, data: JSONBody[Why]) -> ProviderView:
    """Fetches the provider's keys, and enters them if they changed."""
    without_nul(reason=data.reason)
    await context.lanes.append(context.service.provider.refresh, data.reason, request.user.authority)
    return await context.lanes.read(_view, context.service)


@get("/accounts/{account:str}/provider-links", responses=declared())
async def links(context: NamedDependency[Context], account: AccountPath) -> list[Link]:
    """The subjects that an account is linked to; `counts` is false until a second administrator confirmed it."""
    without_nul(account=account)
    return await context.lanes.read(context.service.provider_door.links.list, account)


@post("/accounts/{account:str}/provider-links", responses=declared(409))
async def link(
    context: NamedDependency[Context], request: CallerRequest, account: AccountPath, data: JSONBody[NewLink]
) -> Link:
    """Says that a subject of the provider is another person's account; it counts once a second one confirmed it."""
    without_nul(account=account, subject=data.subject, reason=data.reason)
    service, authority = context.service, request.user.authority

    def make() -> Link:
        issuer = service.provider.agreed().body.issuer
        return service.provider_door.links.link(account, issuer, data.subject, data.reason, authority)

    return await context.lanes.append(make)


@post("/provider-links/{link:str}/confirmation", responses=declared(409))
async def confirm(
    context: NamedDependency[Context], request: CallerRequest, link: LinkPath, data: JSONBody[Why]
) -> Link:
    """A second administrator, who is not the person, says so too."""
    without_nul(link=link, reason=data.reason)
    sure = context.service.provider_door.links.confirm
    return await context.lanes.append(sure, link, data.reason, request.user.authority)


@post("/provider-links/{link:str}/retirement", responses=declared(409))
async def unlink(
    context: NamedDependency[Context], request: CallerRequest, link: LinkPath, data: JSONBody[Why]
) -> Entered:
    """From here on the subject is nobody's account."""
    without_nul(link=link, reason=data.reason)
    end = context.service.provider_door.links.unlink
    return Entered(index=await context.lanes.append(end, link, data.reason, request.user.authority))


@post("/sign-in", opt=allow(Door.OPEN), security=[{}], responses=declared(), status_code=200)
async def begin_sign_in(context: NamedDependency[Context], request: Request[Any, Any, Any]) -> Response[Going]:
    """Begins to sign in at the provider: sets a cookie, and says where the browser goes."""
    _admit(context.service, request)
    begun = await context.lanes.append(context.service.provider_door.begin)
    return Response(Going(address=begun.address), status_code=200, cookies=[attempt_cookie(request, begun.secret)])


@post("/sign-in/answer", opt=allow(Door.OPEN), security=[{}], responses=declared(), status_code=204)
async def end_sign_in(
    context: NamedDependency[Context], request: Request[Any, Any, Any], data: JSONBody[Returned]
) -> Response[None]:
    """Ends it with what the provider sent back: sets the session's cookie; an earlier session ends."""
    without_nul(state=data.state, code=data.code, iss=data.iss, error=data.error)
    cookie = await sign_in(context, request, data.answer(), attempt_of(request))
    return Response(None, status_code=204, cookies=[cookie, attempt_cookie(request, None)])


@post("/link", opt=allow(Door.CALLER), responses=declared(), status_code=200)
async def begin_link(context: NamedDependency[Context], request: CallerRequest) -> Response[Going]:
    """Begins to link the caller's own account, out of a session that other components began."""
    begun = await context.lanes.append(context.service.provider_door.begin_link, request.user)
    return Response(Going(address=begun.address), status_code=200, cookies=[attempt_cookie(request, begun.secret)])


@post("/link/answer", opt=allow(Door.CALLER), responses=declared(409))
async def end_link(
    context: NamedDependency[Context], request: CallerRequest, data: JSONBody[Returned]
) -> Response[Link]:
    """Links the caller's account to whom the provider authenticated."""
    without_nul(state=data.state, code=data.code, iss=data.iss, error=data.error)
    end = context.service.provider_door.complete_link
    made = await context.lanes.append(end, request.user, attempt_of(request), data.answer())
    return Response(made, status_code=201, cookies=[attempt_cookie(request, None)])


@post("/statements/{ident:str}", opt=allow(Door.CALLER, signs=True), responses=declared(409), status_code=200)
async def begin_signing(context: NamedDependency[Context], request: CallerRequest, ident: IdPath) -> Response[Going]:
    """Begins to sign a prepared statement at the provider; the person authenticates there anew, for it alone."""
    without_nul(ident=ident)
    service, account = context.service, request.user.account

    def begin() -> Begun:
        return service.provider_signing.begin(_statement(service, ident, account))

    begun = await context.lanes.append(begin)
    return Response(Going(address=begun.address), status_code=200, cookies=[attempt_cookie(request, begun.secret)])


@post("/statements/{ident:str}/answer", opt=allow(Door.CALLER, signs=True), responses=declared(409))
async def end_signing(
    context: NamedDependency[Context], request: CallerRequest, ident: IdPath, data: JSONBody[SignedThere]
) -> Response[Entered]:
    """Signs with the provider's token: it is verified as it will be offline, and entered with the signature."""
    without_nul(ident=ident, state=data.state, code=data.code, iss=data.iss, error=data.error)
    service, caller, peer, secret = context.service, request.user, peer_of(request), attempt_of(request)

    def sign() -> int:
        statement = _statement(service, ident, caller.account)
        proof = service.provider_signing.complete(statement, secret, data.answer())
        signatures = service.signing.signatures
        return signatures.complete(ident, data.digest, Shown(), proof, caller, peer).index

    index = await context.lanes.append(sign)
    return Response(Entered(index=index), status_code=201, cookies=[attempt_cookie(request, None)])


def _statement(service: Service, ident: str, account: str) -> Statement:
    """A statement that waits for this person's signature; raises NotFound."""
    statement = service.signing.signatures.waiting(ident).statement
    if statement.signer.account != account:
        raise NotFound("nothing of that id is waiting to be signed by you", advice="Begin again.")
    return statement


async def sign_in(context: Any, request: Request[Any, Any, Any], answer: Answer, secret: str | None) -> Cookie:
    """Ends a sign-in, and returns the session's cookie; refusals are counted by where they come from, outages not."""
    service: Service = context.service
    _admit(service, request)
    previous = request.cookies.get(cookie_name(request.scope["scheme"] == "https"))
    terminal = request.cookies.get(terminal_cookie_name(request))
    complete = service.provider_door.complete
    try:
        text = await context.lanes.append(lambda: complete(secret, answer, peer_of(request), previous, terminal))
    except NotAuthenticated:
        service.people.security.failed(peer_of(request))
        raise
    return session_cookie(request, text)


def attempt_cookie(request: Request[Any, Any, Any], secret: str | None) -> Cookie:
    """The cookie that binds what was begun to this browser; it comes back with the provider's redirect (`lax`)."""
    secure = request.scope["scheme"] == "https"
    return Cookie(
        key=_cookie_name(secure),
        value=secret or "",
        path="/",
        max_age=0 if secret is None else _SECONDS,
        secure=secure,
        httponly=True,
        samesite="lax",
    )


def attempt_of(request: Request[Any, Any, Any]) -> str | None:
    """The secret of what this browser began."""
    return request.cookies.get(_cookie_name(request.scope["scheme"] == "https")) or None


_SECONDS: Final = ATTEMPT_US // 1_000_000


def _cookie_name(secure: bool) -> str:
    return f"__Host-{COOKIE}" if secure else COOKIE


def _admit(service: Service, request: Request[Any, Any, Any]) -> None:
    peer = peer_of(request)
    if service.people.security.blocked_us(peer):
        service.people.security.failed(peer)
        raise RateLimited("too many calls without a valid credential came from there")


def _view(service: Service) -> ProviderView:
    found = service.provider.agreed()
    return provider_view(found, service.provider.held())


router = Router(
    "/",
    route_handlers=[agreement, agree, retire, refresh, links, link, confirm, unlink],
    opt=allow(Scope.ADMIN),
    tags=["identity provider"],
)
open_routes = Router(
    "/provider",
    route_handlers=[begin_sign_in, end_sign_in, begin_link, end_link, begin_signing, end_signing],
    tags=["identity provider"],
)
