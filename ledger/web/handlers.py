"""The routes of the pages. Handlers only ask for a view and draw it; what a page shows is made in `views`."""

from pathlib import PurePosixPath
from typing import Any, Final

from litestar import Response, Router, get, post
from litestar.exceptions import HTTPException
from litestar.response import Redirect

from ledger.core.errors import LedgerError, NotAuthenticated, NotFound
from ledger.core.record import Action, LinkKind, Outcome
from ledger.people.access import Door, Scope, allow
from ledger.present.messages import message
from ledger.present.times import site_zone
from ledger.store.reading import LogReader, VaultReader
from ledger.web import errors
from ledger.web.pages import PageRequest, Pages, PageService
from ledger.web.render import PAGE_HEADERS, download, page
from ledger.web.static_files import static_file, version
from ledger.web.views.entry import entry_view, proof_bundle
from ledger.web.views.home import home_view
from ledger.web.views.search import search_view

HELP_TOPICS: Final = ("proof", "verify", "connect", "support")
_CHOICES: Final = {
    "action": [member.value for member in Action],
    "outcome": [member.value for member in Outcome],
    "link": [member.value for member in LinkKind],
}
_FOR_EVER: Final = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def handlers(service: PageService, zone: str = "UTC", threads: int = 4) -> list[Router]:
    """All routes of the pages, with their errors shown as pages. `zone` is the site's IANA time zone.

    `threads` read at once; they need as many of the store's reading connections. Raises InvalidEntry for a zone that
    is not known.
    """
    pages = Pages(service, site_zone(zone), threads)
    return [
        Router(
            path="/",
            route_handlers=[*_views(pages), *_downloads(pages), *_doors(pages)],
            exception_handlers={
                LedgerError: errors.ledger_error,
                HTTPException: errors.http_error,
                Exception: errors.unexpected,
            },
            include_in_schema=False,
        )
    ]


def _views(pages: Pages) -> list[Any]:
    @get("/", opt=allow(Scope.READ))
    async def home(request: PageRequest) -> Response[str]:
        view = await pages.read(home_view)
        return page("home.html", view=view, place="home", viewer=request.user.account)

    @get("/search", opt=allow(Scope.READ))
    async def search(request: PageRequest) -> Response[str]:
        parameters = dict(request.query_params.items())
        view = await pages.read(
            lambda scope, connection: search_view(scope, lambda log: LogReader(connection, log.number), parameters)
        )
        return page(
            "search.html",
            status=400 if view.errors else 200,
            view=view,
            choices=_CHOICES,
            zone=pages.zone.key,
            place="search",
            viewer=request.user.account,
        )

    @get("/entries/{log:str}/{index:int}", opt=allow(Scope.READ))
    async def entry(request: PageRequest, log: str, index: int) -> Response[str]:
        view = await pages.read(
            lambda scope, connection: entry_view(
                scope, LogReader(connection, scope.log(log).number), scope.log(log), index
            )
        )
        return page("entry.html", view=view, place="search", viewer=request.user.account)

    @get(["/help", "/help/{topic:str}"], opt=allow(Scope.READ))
    async def help_page(request: PageRequest, topic: str = HELP_TOPICS[0]) -> Response[str]:
        if topic not in HELP_TOPICS:
            raise NotFound(f"there is no help on {topic[:40]!r}", advice=message("help.advice"))
        return page(f"help/{topic}.html", topics=HELP_TOPICS, topic=topic, place="help", viewer=request.user.account)

    return [home, search, entry, help_page]


def _downloads(pages: Pages) -> list[Any]:
    @get("/entries/{log:str}/{index:int}/{part:str}", opt=allow(Scope.READ))
    async def part_of_entry(log: str, index: int, part: str) -> Response[bytes]:
        def work(scope: Any, connection: Any) -> Response[bytes]:
            reader = LogReader(connection, scope.log(log).number)
            if not 0 <= index < reader.head().size:
                raise NotFound(f"log {log} has no entry {index}")
            return _part(reader, index, part)

        return await pages.read(work)

    return [part_of_entry]


def _part(reader: LogReader, index: int, part: str) -> Response[bytes]:
    match part:
        case "leaf":
            return download(reader.entry(index).leaf, f"leaf-{index}.json", "application/json")
        case "body":
            body = reader.entry(index).body
            if body is None:
                raise NotFound(message("entry.disposed"))
            return download(body, f"body-{index}.json", "application/json")
        case "original":
            kept = VaultReader(reader.connection).original(reader.log, index)
            if kept is None:
                raise NotFound(message("entry.original.gone"))
            return download(kept.value, f"original-{index}.bin")
        case "proof":
            return download(proof_bundle(reader, index).encode(), f"entry-{index}.tlog-proof", "text/plain")
    raise NotFound(f"an entry has no part {part[:40]!r}")


def _doors(pages: Pages) -> list[Any]:
    @get("/sign-in/{code:str}", opt=allow(Door.OPEN))
    async def sign_in(request: PageRequest, code: str) -> Response[Any]:
        # A browser that looks ahead, or a page elsewhere, must not use the link up.
        ahead = "prefetch" in request.headers.get("sec-purpose", "") or request.headers.get("purpose") == "prefetch"
        if ahead or request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return page("sign_in.html", code=code, place="", viewer=None)
        try:
            secret = await pages.run(lambda: pages.sessions.redeem(code, pages.secret(request)))
        except NotAuthenticated:
            raise NotAuthenticated(message("sign-in.used"), advice=message("sign-in.used.advice")) from None
        return Redirect("/", status_code=303, cookies=[pages.cookie(request, secret)], headers=PAGE_HEADERS)

    @post("/sign-out", status_code=200, opt=allow(Door.CALLER))
    async def sign_out(request: PageRequest) -> Response[Any]:
        secret = pages.secret(request)
        if secret is not None:
            await pages.run(lambda: pages.sessions.end(secret, "signed out"))
        answer: Response[Any] = page("signed_out.html", place="", viewer=None)
        answer.set_cookie(pages.cookie(request, None))
        return answer

    @get("/static/{digest:str}/{name:str}", opt=allow(Door.OPEN))
    async def static(digest: str, name: str) -> Response[bytes]:
        found = static_file(PurePosixPath(name).name)
        if digest != version():
            raise NotFound(f"{name[:80]!r} is not of this version")
        return Response(found.data, media_type=found.media_type, headers=_FOR_EVER)

    return [sign_in, sign_out, static]
