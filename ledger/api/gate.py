"""Who may call what: every route declares its access, and one guard holds every request to it."""

from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlsplit

from litestar import Litestar, Request
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.handlers import BaseRouteHandler
from litestar.routes import HTTPRoute

from ledger.api.fields import without_nul
from ledger.api.lanes import Lanes
from ledger.api.tls import certified
from ledger.core.batch import key_id
from ledger.core.errors import AccessDenied, ConfigError, NotAuthenticated, NotFound, RateLimited
from ledger.core.hashing import unb64
from ledger.people.access import Access, Caller, Door, Scope, every_site
from ledger.people.defined import withheld
from ledger.people.kinds import SecuritySort
from ledger.people.person_kinds import Viewing
from ledger.people.places import SIGN, allowed_from
from ledger.people.security import network_of
from ledger.people.sessions import TERMINAL_COOKIE, cookie_name
from ledger.service import Service
from ledger.trust.agent_ca import Identity

CallerRequest = Request[Caller, None, State]
"""A request that the guard let through: its `user` is the caller."""

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SITE: Final = frozenset({"same-origin", "none"})


async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """The guard of the whole application: the gate of the ledger that is behind it. Raises as that does."""
    gate: Gate = connection.app.state.gate
    await gate(connection, handler)


class Gate:
    """Holds each request to what its route declares, for one ledger."""

    def __init__(self, service: Service, lanes: Lanes) -> None:
        self._service = service
        self._people = service.people
        self._lanes = lanes
        self._publish_tiles = service.settings.publish_tiles
        self._store = service.store
        self._agents = service.agents

    async def __call__(self, connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        """Lets the request through with its caller as `user`, or raises.

        SchemaViolation: its address holds U+0000, as no name does. NotAuthenticated, RateLimited: nobody known is
        calling. AccessDenied: the caller holds no grant for it, or a browser sends it for another site.
        """
        # The OPTIONS answers that Litestar adds to every route declare nothing: any caller may have them.
        access: Access = handler.opt.get("access", Door.CALLER)
        self._refuse_other_sites(connection)
        without_nul(**{name: str(value) for name, value in connection.path_params.items()})
        if access is Door.OPEN or (access is Door.PUBLISHED and self._publish_tiles):
            return
        if access is Door.SIGNED:
            self._admit_signed(connection)
            return
        shown = certified(connection) if access is Door.CERTIFIED else None
        if shown is not None:
            connection.scope["user"] = await self._lanes.read(self._by_certificate, shown)
            return
        caller = await self._identify(connection)
        connection.scope["user"] = caller
        if access is Door.CERTIFIED:
            self._people.security.note(SecuritySort.NO_GRANT, account=caller.account)
            raise AccessDenied("only an edge agent with its certificate may call this", advice="Use the agents' port.")
        needed = Scope.TILES if access is Door.PUBLISHED else access
        if isinstance(needed, Scope) and not self._allowed(connection, handler, caller, needed):
            self._people.security.note(SecuritySort.NO_GRANT, account=caller.account)
            why = await self._lanes.read(self._withheld, caller, needed)
            raise AccessDenied(f"{caller.account} holds no grant with scope {needed.value!r} for this{why}")
        self._require_place(connection, handler, caller, needed)
        if caller.watched:
            await self._enter_view(connection, access, caller)

    def _require_place(
        self, connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler, caller: Caller, needed: Access
    ) -> None:
        """Refuses what the site lets nobody do from there, by network or terminal, and counts it (21 CFR 11.10(h))."""
        if not caller.places:
            return
        uses = {needed.value} if isinstance(needed, Scope) else set()
        if handler.opt.get("signs"):
            uses.add(SIGN)
        peer, shown = peer_of(connection), connection.cookies.get(terminal_cookie_name(connection))
        if allowed_from(caller.places, uses, peer, caller.terminal, shown):
            return
        at = "no terminal" if caller.terminal is None else f"terminal {caller.terminal.terminal}"
        self._people.security.note(SecuritySort.WRONG_PLACE, caller.account, f"{network_of(peer)}, {at}", peer)
        raise AccessDenied(
            "the site does not let this be done from there",
            advice="Go to a terminal that is enrolled for it, and sign in there; or ask a security officer for the "
            "networks and terminals that the site's profile names.",
        )

    async def _enter_view(self, connection: ASGIConnection[Any, Any, Any, Any], access: Access, caller: Caller) -> None:
        """Enters what a watched caller asks for, before anything answers: no entry, no answer."""
        method = connection.scope.get("method")
        if method == "OPTIONS" or (access is Door.CALLER and method not in SAFE):
            return
        query = connection.scope.get("query_string", b"").decode("latin-1")
        address = f"{connection.url.path}?{query}" if query else connection.url.path
        how = Viewing.EXPORTED if access is Scope.EXPORT else Viewing.SEEN
        await self._lanes.append(self._people.views.enter, caller, address, how)

    def _allowed(
        self, connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler, caller: Caller, needed: Scope
    ) -> bool:
        """Whether a grant of the caller reaches what the address names: its site (the record log) and its source.

        A route that takes `log` and was given none means the only record log.
        """
        site = None
        if "log" in handler.parsed_fn_signature.parameters:
            named = connection.path_params.get("log") or connection.query_params.get("log")
            try:
                log = self._service.log(named)
            except NotFound:
                # The handler says so, to whom may ask at all.
                return needed in caller.scopes
            site = None if log == self._service.system else log.name
        source = connection.path_params.get("source") if needed is Scope.CONFIGURE else None
        if needed is Scope.INGEST:
            # Which source it is, the handler asks: it counts a wrong one apart.
            return any(right.scopes >= {needed} for right in caller.rights)
        return caller.allows(needed, site, source)

    def _withheld(self, caller: Caller, needed: Scope) -> str:
        """By which definition a role of the caller lacks the scope, as the refusal ends; empty where none takes it."""
        with self._store.reading() as connection:
            why = withheld(self._store, connection, caller.roles, needed)
        return f": {why}" if why else ""

    def _admit_signed(self, connection: ASGIConnection[Any, Any, Any, Any]) -> None:
        """Its signature is looked at once the body is read; who has shown many bad ones is not listened to."""
        peer = peer_of(connection)
        if certified(connection) is None and self._people.security.blocked_us(peer):
            self._people.security.failed(peer)
            raise RateLimited("too many calls without a valid credential came from there")

    def _by_certificate(self, shown: Identity) -> Caller:
        """The agent, if it is in use with the key that its certificate was issued for."""
        with self._store.reading() as connection:
            standing = self._agents.standing(connection, shown.agent)
        if standing is None or key_id(unb64(standing[0].public_key or "", 32)) != shown.key:
            self._people.security.note(SecuritySort.AGENT_REFUSED)
            raise AccessDenied(
                f"agent {shown.agent!r} is not in use with this certificate",
                advice="Have its key confirmed (`trailseal agent confirm`), or enrol it anew if it was revoked.",
            )
        now, authority = standing
        return Caller(account=authority.actor, rights=every_site((), now.sources), authority=authority)

    async def _identify(self, connection: ASGIConnection[Any, Any, Any, Any]) -> Caller:
        header = connection.headers.get("authorization")
        cookie = connection.cookies.get(cookie_name(connection.scope["scheme"] == "https"))
        if header is not None:
            found = self._people.directory.peek(_bearer(header))
            if found is not None and found.caller.grant is not None:
                return found.caller
        elif cookie is not None:
            self._require_own_site(connection)
            seen = self._people.sessions.peek(cookie)
            if seen is not None:
                return seen
        peer = peer_of(connection)
        shown = cookie or "" if header is None else _bearer(header)
        if self._people.security.blocked_us(peer) and not self._people.directory.was_good(shown):
            self._people.security.failed(peer)
            raise RateLimited("too many calls without a valid credential came from there")
        try:
            if header is not None:
                return await self._lanes.read(self._by_token, header)
            if cookie is not None:
                return await self._lanes.append(self._people.sessions.find, cookie)
            raise NotAuthenticated("this address needs a credential")
        except NotAuthenticated:
            self._people.security.failed(peer)
            raise

    def _by_token(self, header: str) -> Caller:
        text = _bearer(header)
        if not text:
            raise NotAuthenticated("the Authorization header is not of the form `Bearer TOKEN`")
        found = self._people.directory.find(text).caller
        if found.grant is None:
            raise NotAuthenticated("the credential is not a token")
        return found

    def _refuse_other_sites(self, connection: ASGIConnection[Any, Any, Any, Any]) -> None:
        """A browser says for whom it sends; what it sends for another site changes nothing here (CSRF)."""
        if connection.scope.get("method") not in SAFE and _own_site(connection) is False:
            self._people.security.note(SecuritySort.CROSS_SITE)
            raise AccessDenied("the request was sent by a page of another site", advice="Use Trailseal's own pages.")

    def _require_own_site(self, connection: ASGIConnection[Any, Any, Any, Any]) -> None:
        """A session's cookie alone changes nothing: the browser has to say that our own page sends it."""
        if connection.scope.get("method") not in SAFE and _own_site(connection) is not True:
            self._people.security.note(SecuritySort.CROSS_SITE)
            raise AccessDenied(
                "the request does not say which page sent it", advice="Use a current browser, or a token in its place."
            )


def terminal_cookie_name(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """Name of the cookie in which an enrolled terminal's browser holds its secret."""
    return cookie_name(connection.scope["scheme"] == "https", TERMINAL_COOKIE)


def peer_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """Where a request comes from, as refusals are counted."""
    return connection.client.host if connection.client else "local"


def _bearer(header: str) -> str:
    """The token of an Authorization header; empty where it is of another scheme."""
    scheme, _, text = header.partition(" ")
    return text if scheme.lower() == "bearer" else ""


def _own_site(connection: ASGIConnection[Any, Any, Any, Any]) -> bool | None:
    """Whether the browser says that a page of ours sends this; None: it says nothing."""
    site, origin = connection.headers.get("sec-fetch-site"), connection.headers.get("origin")
    if site is not None:
        return site in _OWN_SITE
    if origin is None:
        return None
    try:
        return urlsplit(origin).netloc == connection.headers.get("host", "")
    except ValueError:
        return False


def require_declared(app: Litestar) -> None:
    """Raises ConfigError unless every route declares who may call it."""
    for path, handler in declared_routes(app):
        if not isinstance(handler.opt.get("access"), Scope | Door):
            raise ConfigError(
                f"route {sorted(handler.http_methods)} {path} does not declare who may call it",
                advice="Give its handler opt=allow(…) of ledger.people.access.",
            )


def declared_routes(app: Litestar) -> Iterable[tuple[str, Any]]:
    """Every route of the application with its handler, but for the OPTIONS answers that Litestar adds."""
    for route in app.routes:
        if not isinstance(route, HTTPRoute):
            raise ConfigError(f"route {route.path} is not an HTTP route")
        for handler in route.route_handlers:
            if handler.http_methods != {"OPTIONS"}:
                yield route.path, handler
