"""Pages of vouching: the keys that wait for the viewer, one of them with its fingerprint, and vouching or a refusal.

Plain forms, no script, where the viewer vouches by a sealed key; a passkey signs at the address of signing, as it does
elsewhere (`web.signing_ways`). Who administers accounts, and so sees no record, vouches here too.
"""

from typing import Any, Final
from urllib.parse import quote, urlsplit

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from ledger.core.errors import LedgerError, NotFound, SchemaViolation
from ledger.core.signature import Mode
from ledger.people.access import Door, allow
from ledger.present.messages import message
from ledger.signing.factors import Shown
from ledger.signing.key_views import ToAttest, fingerprint_of
from ledger.signing.passkeys import signing_site
from ledger.web.forms import form_of
from ledger.web.pages import PageRequest, peer
from ledger.web.provider import admit
from ledger.web.render import page
from ledger.web.signing_ways import asking, assertion

Context = NamedDependency[Any]
"""The application's context; of no type that a request could be checked against."""
_MODES: Final = {one.value: one for one in (Mode.SEALED_KEY, Mode.PASSKEY)}


@get("/vouching", opt=allow(Door.CALLER))
async def waiting(request: PageRequest, context: Context) -> Response[str]:
    """The keys that wait for somebody to vouch for them, of those that the viewer may vouch for."""
    return await _list(context, request)


@get("/vouching/{key:str}", opt=allow(Door.CALLER))
async def one_key(request: PageRequest, context: Context, key: FromPath[str]) -> Response[str]:
    """One of them: whose it is said to be, its fingerprint, and the forms to vouch or to refuse."""
    return await _one(context, request, key)


@post("/vouching/{key:str}", opt=allow(Door.CALLER, signs=True), status_code=200)
async def prepare(request: PageRequest, context: Context, key: FromPath[str]) -> Response[str]:
    """What the viewer would sign, and what signs it."""
    form, caller, service = await form_of(request), request.user, context.service

    def enter() -> ToAttest:
        how = form("how").strip()[:1000]
        if not how:
            raise SchemaViolation("vouching takes how you know whose key it is", advice="Say it in a sentence.")
        if form("compared") != "yes":
            raise SchemaViolation("the fingerprint was not compared", advice="Have its person read theirs out to you.")
        put: ToAttest = service.signing.vouching.to_attest(caller, key, how, _MODES.get(form("mode")))
        return put

    try:
        put = await context.lanes.append(enter)
    except LedgerError as error:
        return await _one(context, request, key, error)
    passkey = put.mode is Mode.PASSKEY
    return page(
        "vouch_statement.html",
        put=put,
        fingerprint=fingerprint_of(put.subject.key.key_id),
        address=f"{signing_site(service.settings.web.origin).origin}/attestations/{put.id}/device" if passkey else None,
        place="tasks",
        viewer=caller.account,
    )


@post("/vouching/{key:str}/signature", opt=allow(Door.CALLER, signs=True), status_code=200)
async def vouch(request: PageRequest, context: Context, key: FromPath[str]) -> Response[str]:
    """Vouches by the viewer's sealed key."""
    form, caller, vouching = await form_of(request), request.user, context.service.signing.vouching
    shown = Shown(secret=form("secret") or None)

    def enter() -> int:
        put = vouching.prepared(form("id"))
        index: int = vouching.attest(caller, put.id, put.statement.how, shown, network=peer(request))
        return index

    try:
        index = await context.lanes.argon(enter)
    except LedgerError as error:
        return await _one(context, request, key, error)
    return await _list(context, request, message("vouch.done", index=index))


@post("/vouching/{key:str}/refusal", opt=allow(Door.CALLER), status_code=200)
async def refuse(request: PageRequest, context: Context, key: FromPath[str]) -> Response[str]:
    """Ends the request for the key, with the reason."""
    form, caller, vouching = await form_of(request), request.user, context.service.signing.vouching
    try:
        index = await context.lanes.append(lambda: vouching.refuse(caller, key, form("reason").strip()[:1000]))
    except LedgerError as error:
        return await _one(context, request, key, error)
    return await _list(context, request, message("vouch.refused", index=index))


@get("/attestations/{ident:str}/device", opt=allow(Door.OPEN))
async def device(request: PageRequest, context: Context, ident: FromPath[str]) -> Response[str]:
    """At the address of signing: what the viewer's passkey signs, and a button for it.

    Whoever has the id, 128 random bits, sees it, for as long as it waits: the session's cookie stays at the pages.
    """
    admit(request, context)
    service = context.service
    try:
        put: ToAttest = await context.lanes.read(lambda: service.signing.vouching.prepared(ident))
        if put.mode is not Mode.PASSKEY:
            raise NotFound("nothing of that id is waiting for a passkey", advice="Begin again.")
    except NotFound:
        service.people.security.failed(peer(request))
        raise
    origin, subject = service.settings.web.origin or "", put.subject
    host = urlsplit(origin).netloc
    fingerprint = fingerprint_of(subject.key.key_id)
    return page(
        "keys_device.html",
        title=message("vouch.title"),
        does="sign",
        do=message("vouch.device.do"),
        about=message("vouch.device", host=host, fingerprint=fingerprint, name=subject.name, account=subject.account),
        options=asking(put.challenge, put.rp_id, put.credential),
        back=f"{origin}/attestations/{quote(ident, safe='')}/return",
        pages_at=origin,
        place="",
        viewer=None,
    )


@get("/attestations/{ident:str}/return", opt=allow(Door.OPEN))
async def back(ident: FromPath[str]) -> Response[str]:
    """Back at the pages: a form that the script fills with the passkey's answer."""
    action = f"/attestations/{quote(ident, safe='')}"
    return page("sign_return.html", action=action, do=message("vouch.do"), place="", viewer=None)


@post("/attestations/{ident:str}", opt=allow(Door.CALLER, signs=True), status_code=200)
async def answer(request: PageRequest, context: Context, ident: FromPath[str]) -> Response[str]:
    """Vouches by the passkey's answer."""
    form, caller, vouching = await form_of(request), request.user, context.service.signing.vouching
    text = form("passkey")

    def enter() -> int:
        how = vouching.prepared(ident).statement.how
        index: int = vouching.attest(caller, ident, how, passkey=assertion(text), network=peer(request))
        return index

    try:
        index = await context.lanes.append(enter)
    except LedgerError as error:
        return await _list(context, request, error=error)
    return await _list(context, request, message("vouch.done", index=index))


HANDLERS: Final[list[Any]] = [waiting, one_key, prepare, vouch, refuse, device, back, answer]


async def _list(context: Any, request: PageRequest, said: str = "", error: LedgerError | None = None) -> Response[str]:
    caller, vouching = request.user, context.service.signing.vouching
    return page(
        "vouching.html",
        status=200 if error is None else 409,
        keys=await context.lanes.read(lambda: vouching.waiting(caller)),
        said=said,
        error=error,
        place="tasks",
        viewer=caller.account,
    )


async def _one(context: Any, request: PageRequest, key: str, error: LedgerError | None = None) -> Response[str]:
    """The page of one key; where it waits no more for the viewer, the list, which says why."""
    caller, vouching = request.user, context.service.signing.vouching
    try:
        shown = await context.lanes.read(lambda: vouching.get(caller, key))
    except LedgerError as gone:
        return await _list(context, request, error=error or gone)
    return page(
        "vouch.html",
        status=200 if error is None else 409,
        key=shown,
        error=error,
        place="tasks",
        viewer=caller.account,
    )
