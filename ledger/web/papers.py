"""The page of signatures by hand: what a fingerprint is of, an entry by hand with its scan, and what is on file.

Plain forms, no script. A scan is only ever saved, never shown by the page.
"""

from functools import partial
from typing import Any, Final

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from ledger.core.errors import LedgerError, NotFound
from ledger.core.scans import MAX_SCAN
from ledger.people.access import Scope, allow
from ledger.signing.paper import FoundPrint, KnownPaper, NewPaper
from ledger.web.forms import entered, file_of, form_of
from ledger.web.pages import PageRequest
from ledger.web.render import download, page

Context = NamedDependency[Any]
"""The application's context; of no type that a request could be checked against."""
_MAX_BODY: Final = MAX_SCAN + 64 * 1024
_FIELDS: Final = ("fingerprint", "meaning", "name", "account", "signed_on", "kept_at", "reason")


@get("/papers", opt=allow(Scope.READ))
async def papers(request: PageRequest, context: Context) -> Response[str]:
    """What is on file; with a fingerprint, what that is of, and the form to enter a signature by hand."""
    typed = str(request.query_params.get("fingerprint", ""))[:100]
    return await _page(request, context, {"fingerprint": typed})


@post("/papers", opt=allow(Scope.READ), request_max_body_size=_MAX_BODY)
async def enter_paper(request: PageRequest, context: Context) -> Response[Any]:
    """Enters one, and goes back to the page, on which it then stands."""
    form, caller = await form_of(request), request.user
    scan = await file_of(request, "scan")
    typed = {name: form(name).strip() for name in _FIELDS}

    def enter() -> KnownPaper:
        new = NewPaper(
            fingerprint=typed["fingerprint"],
            meaning=typed["meaning"],
            name=typed["name"],
            signed_on=typed["signed_on"],
            kept_at=typed["kept_at"],
            reason=typed["reason"],
            account=typed["account"] or None,
            older=form("older") == "yes",
        )
        entered: KnownPaper = context.service.signing.papers.enter(caller, new, scan)
        return entered

    again = partial(_page, request, context, typed)
    return await entered(context, enter, lambda done: f"/papers#paper-{done.paper}", again)


@post("/papers/{paper:str}/check", opt=allow(Scope.READ))
async def check_paper(request: PageRequest, context: Context, paper: FromPath[str]) -> Response[Any]:
    """A second person says that entry and scan agree."""
    form, caller = await form_of(request), request.user

    def enter() -> KnownPaper:
        checked: KnownPaper = context.service.signing.papers.check(caller, paper, form("reason"))
        return checked

    return await entered(context, enter, f"/papers#paper-{paper}", partial(_page, request, context, {}))


@get("/papers/{paper:str}/scan", opt=allow(Scope.EXPORT))
async def paper_scan(request: PageRequest, context: Context, paper: FromPath[str]) -> Response[bytes]:
    """The scan, checked against its entry, to be saved."""
    caller = request.user
    known, data = await context.lanes.read(lambda: context.service.signing.papers.scan(caller, paper))
    return download(data, f"paper-{known.paper}.{known.media_type.partition('/')[2]}")


HANDLERS: Final[list[Any]] = [papers, enter_paper, check_paper, paper_scan]


async def _page(
    request: PageRequest, context: Context, typed: dict[str, str], error: LedgerError | None = None
) -> Response[str]:
    caller, domain = request.user, context.service.signing.papers
    trouble = error

    def look() -> tuple[FoundPrint | None, list[KnownPaper], LedgerError | None]:
        on_file, found = domain.all(caller), None
        if typed.get("fingerprint"):
            try:
                found = domain.find(caller, typed["fingerprint"])
            except LedgerError as wrong:
                return None, on_file, trouble or wrong
        return found, on_file, trouble

    found, on_file, wrong = await context.lanes.read(look)
    return page(
        "papers.html",
        status=200 if wrong is None else 404 if isinstance(wrong, NotFound) else 409,
        typed={**dict.fromkeys(_FIELDS, ""), **typed},
        found=found,
        papers=list(reversed(on_file)),
        error=wrong,
        exports=caller.allows(Scope.EXPORT),
        place="search",
        viewer=caller.account,
    )
