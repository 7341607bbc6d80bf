"""The browser's session: begun with a one-time code, ended on demand."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, delete, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import JSONBody

from ledger.api.context import Context
from ledger.api.gate import CallerRequest
from ledger.api.problems import declared
from ledger.core.errors import NotAuthenticated, NotFound, RateLimited
from ledger.people.access import Door, allow
from ledger.people.sessions import cookie_name


class SignIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The code of a one-time sign-in link."""

    code: Annotated[str, msgspec.Meta(max_length=200)]


def session_cookie(request: Request[Any, Any, Any], secret: str) -> Cookie:
    """The session's cookie: for this host only, not for scripts, not sent from other sites, gone with the browser."""
    secure = request.scope["scheme"] == "https"
    return Cookie(key=cookie_name(secure), value=secret, path="/", secure=secure, httponly=True, samesite="strict")


@post("/session", opt=allow(Door.OPEN), responses=declared(), security=[{}], status_code=204, tags=["session"])
async def begin_session(
    context: NamedDependency[Context], request: Request[Any, Any, Any], data: JSONBody[SignIn]
) -> Response[None]:
    """Uses a sign-in code up and sets the session's cookie; a session that the browser had before ends."""
    security = context.service.people.security
    peer = request.client.host if request.client else "local"
    if security.blocked_us(peer):
        security.failed(peer)
        raise RateLimited("too many calls without a valid credential came from there")
    previous = request.cookies.get(cookie_name(request.scope["scheme"] == "https"))
    try:
        secret = await context.lanes.append(context.service.people.sessions.redeem, data.code, previous)
    except NotAuthenticated:
        security.failed(peer)
        raise
    return Response(None, status_code=204, cookies=[session_cookie(request, secret)])


@delete("/session", opt=allow(Door.CALLER), responses=declared(), status_code=204, tags=["session"])
async def end_session(context: NamedDependency[Context], request: CallerRequest) -> Response[None]:
    """Ends the session of the cookie that came with the request, at once."""
    name = cookie_name(request.scope["scheme"] == "https")
    text = request.cookies.get(name)
    if text is None or request.user.session is None:
        raise NotFound("the request came with no session to end")
    await context.lanes.append(context.service.people.sessions.end, text, "signed out")
    gone = Cookie(key=name, value="", path="/", max_age=0, httponly=True, samesite="strict")
    return Response(None, status_code=204, cookies=[gone])
