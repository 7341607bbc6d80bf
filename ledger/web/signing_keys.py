"""Pages of one's own signing keys: which there are, who vouched, a key made or revoked.

A sealed key is made by a secret that its person types, in a plain form.

A passkey that signs is made at the address of signing (`web.signing_ways`): twice the browser goes there and comes
back, first with the new key, then with the key's own signature of the request for it. Two people vouch for it after.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final
from urllib.parse import quote, urlsplit

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from ledger.core.binding import BindingEvent
from ledger.core.errors import AccessDenied, LedgerError, NotFound, SchemaViolation
from ledger.core.passkey import unb64url
from ledger.core.signature import Mode
from ledger.people.access import Door, allow
from ledger.people.own import require_person
from ledger.people.profile import read_profile
from ledger.present.messages import message
from ledger.signing.factors import SECRET_LENGTH
from ledger.signing.key_views import ToProve, fingerprint_of
from ledger.signing.modes import modes_of
from ledger.signing.passkeys import signing_site
from ledger.signing.person_keys import LEAST_SECRET
from ledger.web.forms import form_of
from ledger.web.pages import PageRequest, peer
from ledger.web.provider import admit
from ledger.web.render import PAGE_HEADERS, page
from ledger.web.signing_ways import asking, assertion

Context = NamedDependency[Any]
"""The application's context; of no type that a request could be checked against."""


@get("/account/keys", opt=allow(Door.CALLER))
async def keys_page(request: PageRequest, context: Context) -> Response[str]:
    """The caller's signing keys, and how to make a passkey that signs."""
    return await _keys(context, request)


@post("/account/keys", opt=allow(Door.CALLER), status_code=200)
async def begin(request: PageRequest, context: Context) -> Response[str]:
    """Begins to make a signing passkey, and says where the browser goes."""
    form, caller, passkeys = await form_of(request), request.user, context.service.signing.passkeys
    title, reason = form("title").strip()[:100], form("reason").strip()[:1000]

    def enter() -> str:
        require_person(caller)
        if not title or not reason:
            raise SchemaViolation("a key has a name and a reason", advice="Say what you call it, and why you make it.")
        made: str = passkeys.begin(caller, title, reason).id
        return made

    try:
        ident = await context.lanes.append(enter)
    except LedgerError as error:
        return await _keys(context, request, error)
    return _going(context, request, ident, message("keys.make.about"))


@post("/account/keys/sealed", opt=allow(Door.CALLER), status_code=200)
async def make_sealed(request: PageRequest, context: Context) -> Response[str]:
    """Makes a key that is sealed by a secret of its person's."""
    form, caller, bindings = await form_of(request), request.user, context.service.signing.bindings
    secret, reason = form("secret"), form("reason").strip()[:1000]

    def enter() -> int:
        require_person(caller)
        if not reason or len(secret) > SECRET_LENGTH:
            raise SchemaViolation("a key has a secret and a reason", advice="Say why you make it.")
        if secret != form("again"):
            raise SchemaViolation("the two secrets differ", advice="Nothing was made: type both once more.")
        index: int = bindings.request(caller, secret, reason)
        return index

    return await _done(context, request, partial(context.lanes.argon, enter), "keys.seal.done")


@post("/account/keys/{key:str}/revocation", opt=allow(Door.CALLER), status_code=200)
async def revoke(request: PageRequest, context: Context, key: FromPath[str]) -> Response[str]:
    """Ends one of the viewer's own keys, at once."""
    form, caller, bindings = await form_of(request), request.user, context.service.signing.bindings
    reason = form("reason").strip()[:1000]

    def enter() -> int:
        if bindings.one(key).account != require_person(caller):
            raise NotFound(f"you have no signing key {key[:80]!r}")
        if not reason:
            raise SchemaViolation("a key ends with a reason", advice="Say in a sentence why it ends.")
        index: int = bindings.revoke(key, reason, caller.authority, caller)
        return index

    return await _done(context, request, partial(context.lanes.append, enter), "keys.revoke.done")


@get("/account/keys/{ident:str}/device", opt=allow(Door.OPEN))
async def device(request: PageRequest, context: Context, ident: FromPath[str]) -> Response[str]:
    """At the address of signing: what the browser's authenticator is asked for, and a button for it.

    Whoever has the id, 128 random bits, sees it, for as long as it waits: the session's cookie stays at the pages.
    """
    admit(request, context)
    service = context.service
    begun = await context.lanes.read(lambda: service.signing.passkeys.waiting(ident))
    origin = service.settings.web.origin or ""
    host = urlsplit(origin).netloc
    if begun is not None:
        account, wanted = begun
        does, options = "make", msgspec.json.encode(wanted.options).decode()
        about = message("keys.device.make", account=account, host=host)
    else:
        try:
            put: ToProve = await context.lanes.read(lambda: service.signing.bindings.proposed(ident))
            if put.statement.key.mode is not Mode.PASSKEY:
                raise NotFound("nothing of that id is waiting for a passkey", advice="Begin again.")
        except LedgerError:
            service.people.security.failed(peer(request))
            raise
        said, key = put.statement, put.statement.key
        does, options = "sign", asking(put.challenge, key.rp_id, key.credential)
        about = message("keys.device.sign", account=said.account, name=said.name, host=host)
    return page(
        "keys_device.html",
        title=message("keys.make"),
        about=about,
        does=does,
        do=message(f"keys.device.{does}.do"),
        options=options,
        back=f"{origin}/account/keys/{quote(ident, safe='')}/return",
        pages_at=origin,
        place="",
        viewer=None,
    )


@get("/account/keys/{ident:str}/return", opt=allow(Door.OPEN))
async def back(ident: FromPath[str]) -> Response[str]:
    """Back at the pages: a form that the script fills with the authenticator's answer."""
    action = f"/account/keys/{quote(ident, safe='')}"
    return page("sign_return.html", action=action, do=message("keys.go-on"), place="", viewer=None)


@post("/account/keys/{ident:str}", opt=allow(Door.CALLER), status_code=200)
async def answer(request: PageRequest, context: Context, ident: FromPath[str]) -> Response[Any]:
    """Takes the new key, which has yet to sign its request; or that signature, with which the request is entered."""
    form, caller, signing = await form_of(request), request.user, context.service.signing
    text = form("passkey")

    def enter() -> str | None:
        require_person(caller)
        begun = signing.passkeys.waiting(ident)
        if begun is not None:
            registered: str = signing.passkeys.register(caller, ident, _made(text)).id
            return registered
        if signing.bindings.proposed(ident).statement.account != caller.account:
            raise AccessDenied("this key was registered for somebody else")
        signing.bindings.prove(caller, ident, assertion(text))
        return None

    try:
        following = await context.lanes.append(enter)
    except LedgerError as error:
        return await _keys(context, request, error)
    if following is not None:
        return _going(context, request, following, message("keys.prove.about"))
    return Redirect("/account/keys", status_code=303, headers=PAGE_HEADERS)


HANDLERS: Final[list[Any]] = [keys_page, begin, make_sealed, revoke, device, back, answer]


async def _done(context: Any, request: PageRequest, work: Callable[[], Awaitable[int]], said: str) -> Response[str]:
    try:
        index = await work()
    except LedgerError as error:
        return await _keys(context, request, error)
    return await _keys(context, request, said=message(said, index=index))


async def _keys(context: Any, request: PageRequest, error: LedgerError | None = None, said: str = "") -> Response[str]:
    service, account = context.service, request.user.account
    require_person(request.user)

    def read() -> tuple[Any, Any, bool]:
        with service.store.reading() as connection:
            external = Mode.EXTERNAL.value in read_profile(connection).signing_modes
        modes = modes_of(service.store, service.provider_signing, account)
        return service.signing.bindings.all(account), modes, external

    keys, modes, external = await context.lanes.read(read)
    return page(
        "keys.html",
        status=200 if error is None else 409,
        keys=keys,
        fingerprint=fingerprint_of,
        modes=modes,
        external=external,
        sealed=any(one.mode is Mode.SEALED_KEY and one.state != BindingEvent.REVOKED.value for one in keys),
        least=LEAST_SECRET,
        passkeys=service.settings.web.origin is not None,
        error=error,
        said=said,
        place="account",
        viewer=account,
    )


def _going(context: Any, request: PageRequest, ident: str, about: str) -> Response[str]:
    address = f"{signing_site(context.service.settings.web.origin).origin}/account/keys/{ident}/device"
    return page("keys_going.html", address=address, about=about, place="account", viewer=request.user.account)


def _made(text: str) -> dict[str, Any]:
    """The authenticator's registration as the script brings it back: base64url of JSON; raises SchemaViolation."""
    try:
        return msgspec.json.decode(unb64url(text), type=dict[str, Any])
    except (msgspec.DecodeError, LedgerError):
        raise SchemaViolation("what came back is no new passkey", advice="Begin again.") from None
