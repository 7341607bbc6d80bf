"""The routes of the pages. Handlers only ask for a view and draw it; what a page shows is made in `views`."""

from functools import partial
from pathlib import PurePosixPath
from typing import Any, Final
from zoneinfo import ZoneInfo

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException
from litestar.params import FromPath
from litestar.response import Redirect
from sqlalchemy import Connection

from ledger.core.binding import short_fingerprint
from ledger.core.errors import LedgerError, NotAuthenticated, NotFound, RateLimited
from ledger.core.record import Action, LinkKind, Outcome
from ledger.people.access import Door, Scope, allow
from ledger.present.messages import message
from ledger.present.sentences import disposed_sentence
from ledger.present.times import site_zone
from ledger.present.values import plain
from ledger.privacy.look_up_kinds import Purpose
from ledger.signing.looking import over
from ledger.signing.paper import papers_of
from ledger.sources.narrowing import PLACE
from ledger.store.disposed import disposal_of
from ledger.store.logs import SYSTEM_LOG
from ledger.store.ordering import SortKey
from ledger.store.question import TIMES
from ledger.store.reading import LogReader, VaultReader
from ledger.trace.columns import chosen
from ledger.web import (
    alcoa,
    all_keys,
    anchors,
    changes,
    coverage,
    decisions,
    elsewhere,
    errors,
    exclusions,
    hands,
    incidents,
    objects,
    pages,
    privacy,
    provider,
    reviews,
    roles,
    rules,
    saved,
    set_items,
    signing,
    signing_keys,
    signing_ways,
    sources,
    tasks,
    terminals,
    trace,
    vouching,
)
from ledger.web import papers as by_hand
from ledger.web import sign_in as entrance
from ledger.web.looked_up import looked_up
from ledger.web.pages import PageRequest
from ledger.web.render import PAGE_HEADERS, download, page
from ledger.web.static_files import static_file, version
from ledger.web.views.common import Allow
from ledger.web.views.common import Scope as ViewScope
from ledger.web.views.entry import EntryView, entry_view, proof_bundle
from ledger.web.views.home import home_view
from ledger.web.views.regulation import regulation_view
from ledger.web.views.saved import saved_rows
from ledger.web.views.search import SearchView, search_view
from ledger.web.views.tasks import asked_over

HELP_TOPICS: Final = (
    "proof",
    "verify",
    "people",
    "connect",
    "trace",
    "alcoa",
    "configuration",
    "agents",
    "witness",
    "regulation",
    "support",
)
_CHOICES: Final = {
    "action": [member.value for member in Action],
    "outcome": [member.value for member in Outcome],
    "link": [member.value for member in LinkKind],
    "purpose": [member.value for member in Purpose],
    "reasoned": ["yes", "no"],
    "time": list(TIMES),
    "place": list(PLACE),
    "sort": [member.value for member in SortKey],
}
_FOR_EVER: Final = {"Cache-Control": "public, max-age=31536000, immutable"}
Context = NamedDependency[Any]
"""The application's context (`pages.PageContext`); of no type that a request could be checked against."""


def handlers(zone: str = "UTC") -> list[Router]:
    """All routes of the pages, with their errors shown as pages. `zone` is the site's IANA time zone.

    The application gives them `context` and guards them by the access that each declares. Raises InvalidEntry for a
    zone that is not known.
    """
    return [
        Router(
            path="/",
            route_handlers=[
                *_views(site_zone(zone)),
                *tasks.handlers(site_zone(zone)),
                *signing.handlers(site_zone(zone)),
                *set_items.handlers(site_zone(zone)),
                *sources.handlers(site_zone(zone)),
                *alcoa.handlers(site_zone(zone)),
                *objects.handlers(site_zone(zone)),
                *saved.handlers(site_zone(zone)),
                *changes.handlers(site_zone(zone)),
                *coverage.handlers(site_zone(zone)),
                *hands.handlers(site_zone(zone)),
                *exclusions.handlers(site_zone(zone)),
                *reviews.handlers(site_zone(zone)),
                *decisions.handlers(site_zone(zone)),
                *rules.handlers(site_zone(zone)),
                *trace.handlers(site_zone(zone)),
                *signing_ways.handlers(site_zone(zone)),
                sign_in,
                sign_out,
                *entrance.HANDLERS,
                *provider.HANDLERS,
                *signing_keys.HANDLERS,
                *all_keys.HANDLERS,
                *anchors.HANDLERS,
                *elsewhere.HANDLERS,
                *vouching.HANDLERS,
                *privacy.HANDLERS,
                *incidents.HANDLERS,
                *by_hand.HANDLERS,
                *terminals.HANDLERS,
                *roles.HANDLERS,
                static,
                nowhere,
            ],
            exception_handlers={
                LedgerError: errors.ledger_error,
                HTTPException: errors.http_error,
                Exception: errors.unexpected,
            },
            include_in_schema=False,
        )
    ]


def _views(zone: ZoneInfo) -> list[Any]:
    @get("/", opt=allow(Scope.READ))
    async def home(request: PageRequest, context: Context) -> Response[str]:
        make = partial(home_view, broker=context.service.broker.now)
        view = await pages.read(context, request.user, zone, make)
        return page("home.html", view=view, place="home", viewer=request.user.account)

    @get("/search", opt=allow(Scope.READ))
    async def search(request: PageRequest, context: Context) -> Response[str]:
        parameters = dict(request.query_params.items())
        user = request.user

        def make(scope: ViewScope, connection: Connection, allowed: Allow) -> SearchView:
            return search_view(scope, lambda log: LogReader(connection, log.number), parameters, allowed)

        view = await looked_up(context, user, zone, make)
        kept = await context.lanes.read(lambda: context.service.quality.saved.listed(user.account))
        return page(
            "search.html",
            status=400 if view.errors else 200,
            view=view,
            saved=saved_rows(kept, user),
            choices=_CHOICES,
            columns=chosen(None),
            exports=user.allows(Scope.EXPORT, view.log),
            zone=zone.key,
            place="search",
            viewer=request.user.account,
        )

    @get("/entries/{log:str}/{index:int}", opt=allow(Scope.READ))
    async def entry(request: PageRequest, context: Context, log: FromPath[str], index: FromPath[int]) -> Response[str]:
        def make(scope: ViewScope, connection: Connection) -> EntryView:
            found = scope.log(log)
            return entry_view(scope, LogReader(connection, found.number), found, index)

        view = await pages.read(context, request.user, zone, make)
        store = context.service.store
        signed = await pages.read(
            context, request.user, zone, lambda scope, found: over(store, found, scope.log(log), index)
        )
        asked = await pages.read(
            context, request.user, zone, lambda scope, found: asked_over(store, found, scope.log(log).origin, index)
        )
        papers = await pages.read(
            context, request.user, zone, lambda scope, found: papers_of(store, found, [view.address])
        )
        exports = request.user.allows(Scope.EXPORT, log if view.log.number != SYSTEM_LOG else None)
        return page(
            "entry.html",
            view=view,
            exports=exports,
            enters=view.record is not None and request.user.allows(Scope.ENTER, log),
            reviews=view.record is not None and request.user.allows(Scope.REVIEW, log),
            signed=signed,
            papers=papers,
            fingerprint=short_fingerprint(view.proof.leaf_hash),
            asked=asked,
            place="search",
            viewer=request.user.account,
        )

    @get("/entries/{log:str}/{index:int}/{part:str}", opt=allow(Scope.EXPORT))
    async def part_of_entry(
        request: PageRequest, context: Context, log: FromPath[str], index: FromPath[int], part: FromPath[str]
    ) -> Response[bytes]:
        def make(scope: ViewScope, connection: Connection) -> Response[bytes]:
            reader = LogReader(connection, scope.log(log).number)
            if not 0 <= index < reader.head().size:
                raise NotFound(f"log {log} has no entry {index}")
            return _part(reader, index, part)

        return await pages.read(context, request.user, zone, make)

    @get(["/help", "/help/{topic:str}"], opt=allow(Scope.READ))
    async def help_page(request: PageRequest, topic: FromPath[str] = HELP_TOPICS[0]) -> Response[str]:
        if topic not in HELP_TOPICS:
            raise NotFound(f"there is no help on {topic[:40]!r}", advice=message("help.advice"))
        return page(
            f"help/{topic}.html",
            regulation=regulation_view() if topic == "regulation" else (),
            topics=HELP_TOPICS,
            topic=topic,
            place="help",
            viewer=request.user.account,
        )

    return [home, search, entry, part_of_entry, help_page]


def _part(reader: LogReader, index: int, part: str) -> Response[bytes]:
    match part:
        case "leaf":
            return download(reader.entry(index).leaf, f"leaf-{index}.json", "application/json")
        case "body":
            body = reader.entry(index).body
            if body is None:
                gone = disposal_of(reader.connection, reader.log, index)
                raise NotFound(plain(disposed_sentence(None if gone is None else gone.entry)))
            return download(body, f"body-{index}.json", "application/json")
        case "original":
            kept = VaultReader(reader.connection).original(reader.log, index)
            if kept is None:
                raise NotFound(message("entry.original.gone"))
            return download(kept.value, f"original-{index}.bin")
        case "proof":
            return download(proof_bundle(reader, index).encode(), f"entry-{index}.tlog-proof", "text/plain")
    raise NotFound(f"an entry has no part {part[:40]!r}")


@get("/sign-in/{code:str}", opt=allow(Door.OPEN))
async def sign_in(request: PageRequest, context: Context, code: FromPath[str]) -> Response[Any]:
    """Exchanges a one-time link for a session, at once, unless it is not clear that a person opened it here."""
    # A browser that looks ahead, or a page elsewhere, must not use the link up.
    ahead = "prefetch" in request.headers.get("sec-purpose", request.headers.get("purpose", ""))
    if ahead or request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return page("sign_in.html", code=code, place="", viewer=None)
    security = context.service.people.security
    if security.blocked_us(pages.peer(request)):
        security.failed(pages.peer(request))
        raise RateLimited(message("sign-in.many"))
    try:
        cookie = await pages.begin_session(context, request, code)
    except NotAuthenticated:
        security.failed(pages.peer(request))
        raise NotAuthenticated(message("sign-in.used"), advice=message("sign-in.used.advice")) from None
    return Redirect("/", status_code=303, cookies=[cookie], headers=PAGE_HEADERS)


@post("/sign-out", status_code=200, opt=allow(Door.CALLER))
async def sign_out(request: PageRequest, context: Context) -> Response[Any]:
    """Ends the session on the server, and takes its cookie away."""
    cookie = await pages.end_session(context, request)
    answer = page("signed_out.html", place="", viewer=None)
    answer.set_cookie(cookie)
    return answer


@get("/static/{digest:str}/{name:str}", opt=allow(Door.OPEN), sync_to_thread=False)
def static(digest: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """Style sheet, font and icon: they hold nothing of the ledger."""
    found = static_file(PurePosixPath(name).name)
    if digest != version():
        raise NotFound(f"{name[:80]!r} is not of this version")
    return Response(found.data, media_type=found.media_type, headers=_FOR_EVER)


@get("/{rest:path}", opt=allow(Door.OPEN), sync_to_thread=False)
def nowhere(rest: FromPath[str]) -> Response[str]:
    """Any other address: a page that says so."""
    raise NotFound(message("error.no-page"), advice=message("error.no-page.advice"))
