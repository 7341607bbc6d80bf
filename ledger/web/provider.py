"""Pages of the site's identity provider: on the way there, and back. Plain pages; no script.

A provider sends the browser back from another site, so the session's cookie (`SameSite=Strict`) does not come with it:
a sign-in is ended at once and goes on from a page of ours, whatever needs a session is ended by a form of ours.
"""

from typing import Any, Final
from urllib.parse import urlsplit

from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency

from ledger.core.errors import InvalidEntry, NotAuthenticated, RateLimited
from ledger.people.access import Door, allow
from ledger.people.oidc import CALLBACK
from ledger.people.oidc_attempts import ATTEMPT_US, COOKIE, Answer
from ledger.people.sessions import TERMINAL_COOKIE, cookie_name
from ledger.present.messages import message
from ledger.web.pages import PageRequest, peer, session_cookie
from ledger.web.render import page

Context = NamedDependency[Any]
"""The application's context; of no type that a request could be checked against."""
SIGN_IN, LINK, SIGN = "sign-in", "link", "sign"
"""What was begun: it stands before the secret in the cookie, so that the way back is known. A signing's is followed by
the id of what was prepared."""
_LONGEST: Final = 10_000
_ANSWER: Final = ("state", "code", "iss", "error")


@get("/sign-in/provider", opt=allow(Door.OPEN))
async def sign_in_page(context: Context) -> Response[str]:
    """Says where one authenticates, and what the site learns."""
    host = await _host(context)
    return page("provider.html", host=host, place="", viewer=None)


@post("/sign-in/provider", opt=allow(Door.OPEN), status_code=200)
async def begin_sign_in(request: PageRequest, context: Context) -> Response[str]:
    """Begins to sign in, and sends the browser there."""
    admit(request, context)
    made = await context.lanes.append(context.service.provider_door.begin)
    return going(request, made.address, SIGN_IN, made.secret, viewer=None)


@get(CALLBACK, opt=allow(Door.OPEN))
async def back(request: PageRequest, context: Context) -> Response[str]:
    """Ends a sign-in; asks for one more step where something else was begun."""
    admit(request, context)
    fields = {name: request.query_params.get(name) for name in _ANSWER}
    what, secret = begun(request)
    if what != SIGN_IN:
        host, ident = await _host(context), signing_of(what)
        return page("provider_back.html", fields=fields, host=host, ident=ident, place="", viewer=None)
    secure = request.url.scheme == "https"
    previous = request.cookies.get(cookie_name(secure))
    terminal = request.cookies.get(cookie_name(secure, TERMINAL_COOKIE))
    door, answer, here = context.service.provider_door, answer_of(fields), peer(request)
    try:
        text = await context.lanes.append(lambda: door.complete(secret, answer, here, previous, terminal))
    except NotAuthenticated:
        context.service.people.security.failed(here)
        raise
    done = page("provider_done.html", place="", viewer=None)
    done.headers["Refresh"] = "0; url=/"
    done.set_cookie(session_cookie(request, text))
    done.set_cookie(attempt_cookie(request, None, ""))
    return done


@get("/account/provider", opt=allow(Door.CALLER))
async def link_page(request: PageRequest, context: Context) -> Response[str]:
    """Whom the provider knows the caller as, and how to say so."""
    host = await _host(context)
    return await _linked(request, context, host)


@post("/account/provider", opt=allow(Door.CALLER), status_code=200)
async def begin_link(request: PageRequest, context: Context) -> Response[str]:
    """Begins to link the caller's account, and sends the browser there."""
    door, caller = context.service.provider_door, request.user
    made = await context.lanes.append(lambda: door.begin_link(caller))
    return going(request, made.address, LINK, made.secret, viewer=caller.account)


@post("/account/provider/answer", opt=allow(Door.CALLER), status_code=200)
async def end_link(request: PageRequest, context: Context) -> Response[str]:
    """Links the caller's account to whom the provider authenticated."""
    answer = await returned(request)
    door, caller, secret = context.service.provider_door, request.user, begun(request)[1]
    await context.lanes.append(lambda: door.complete_link(caller, secret, answer))
    done = await _linked(request, context, await _host(context))
    done.set_cookie(attempt_cookie(request, None, ""))
    return done


async def _linked(request: PageRequest, context: Context, host: str) -> Response[str]:
    account, links = request.user.account, context.service.provider_door.links
    found = await context.lanes.read(lambda: links.list(account)) if request.user.person else []
    return page("provider_link.html", host=host, links=found, place="", viewer=account)


def going(request: PageRequest, address: str, what: str, secret: str, viewer: str | None) -> Response[str]:
    """A page that goes on by itself: a form may not be answered with a redirect to another site (CSP)."""
    shown = page("provider_going.html", address=address, host=urlsplit(address).netloc, place="", viewer=viewer)
    shown.headers["Refresh"] = f"0; url={address}"
    shown.set_cookie(attempt_cookie(request, what, secret))
    return shown


async def returned(request: PageRequest) -> Answer:
    """What the provider sent the browser back with, as our own form gives it on; raises InvalidEntry."""
    if len(await request.body()) > _LONGEST:
        raise InvalidEntry("the form is too long")
    form = await request.form()
    return answer_of({name: str(form.get(name) or "") or None for name in _ANSWER})


async def _host(context: Context) -> str:
    provider = context.service.provider
    found = await context.lanes.read(provider.agreed)
    host: str = urlsplit(found.body.issuer).netloc
    return host


def answer_of(fields: dict[str, str | None]) -> Answer:
    """The provider's answer; raises InvalidEntry for what has no form that it can have."""
    if any(value is not None and (len(value) > _LONGEST or "\0" in value) for value in fields.values()):
        raise InvalidEntry(message("provider.back.wrong"))
    return Answer(
        state=fields["state"] or "", code=fields["code"], iss=fields["iss"] or None, error=fields["error"] or None
    )


def signing_of(what: str) -> str | None:
    """The id of the statement whose signing was begun; None where something else was."""
    kind, _, ident = what.partition(":")
    return ident if kind == SIGN and ident.isascii() and ident.isalnum() else None


def begun(request: PageRequest) -> tuple[str, str | None]:
    """What this browser began, and its secret."""
    secure = request.url.scheme == "https"
    what, _, secret = request.cookies.get(_name(secure), "").partition(".")
    return what, secret or None


def attempt_cookie(request: PageRequest, what: str | None, secret: str) -> Cookie:
    """It comes back with the provider's redirect (`lax`), for ten minutes."""
    secure = request.url.scheme == "https"
    return Cookie(
        key=_name(secure),
        value="" if what is None else f"{what}.{secret}",
        path="/",
        max_age=0 if what is None else ATTEMPT_US // 1_000_000,
        secure=secure,
        httponly=True,
        samesite="lax",
    )


def _name(secure: bool) -> str:
    return f"__Host-{COOKIE}-page" if secure else f"{COOKIE}-page"


def admit(request: PageRequest, context: Context) -> None:
    """Raises RateLimited for where too many refusals came from; what is open to strangers asks this first."""
    security = context.service.people.security
    if security.blocked_us(peer(request)):
        security.failed(peer(request))
        raise RateLimited(message("sign-in.many"))


HANDLERS: Final = (sign_in_page, begin_sign_in, back, link_page, begin_link, end_link)
