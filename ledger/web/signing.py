"""Pages of signing: a set of entries is chosen, shown as it would be signed, signed; and each signature as it stands.

Plain forms, no script: a sealed key signs here. A passkey and the identity provider sign elsewhere, and come back
(`web.signing_ways`); what a trust service signed is brought back (`web.elsewhere`).
"""

from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from sqlalchemy import Connection

from ledger.core.address import LogId
from ledger.core.errors import AccessDenied, LedgerError, NotFound, SchemaViolation, SignInUnreachable
from ledger.core.signature import MAX_ENTRIES, Mode
from ledger.people.access import Caller, Scope, allow
from ledger.present.manifest import fingerprint, withstands
from ledger.signing.factors import PASSWORD, SECOND, SIGNING_SECRET, Shown
from ledger.signing.lists import ACCOUNTABILITY, ACTIONS, SigningList
from ledger.signing.looking import LookedAt, look
from ledger.signing.modes import Modes, modes_of
from ledger.signing.paper import KnownPaper, papers_of
from ledger.signing.passkeys import signing_site
from ledger.signing.signatures import Asked, ToSign
from ledger.store.logs import SYSTEM_LOG
from ledger.store.logs import choose as choose_log
from ledger.store.reading import LogReader
from ledger.web import pages
from ledger.web.forms import form_of
from ledger.web.pages import PageRequest, peer
from ledger.web.render import PAGE_HEADERS, page
from ledger.web.views.common import Line, entry_line
from ledger.web.views.common import Scope as ViewScope

Context = NamedDependency[Any]
"""The application's context; of no type that a request could be checked against."""
_FIELDS: Final = {PASSWORD: "password", SECOND: "code", SIGNING_SECRET: "secret"}
_CHOSEN: Final = tuple(action for action in ACTIONS if action != ACCOUNTABILITY)
_HERE: Final = {one.value: one for one in (Mode.SEALED_KEY, Mode.PASSKEY, Mode.PROVIDER, Mode.EXTERNAL)}
"""Modes that pages sign by."""


class SetView(msgspec.Struct, frozen=True, kw_only=True):
    """Entries that somebody wants to sign, each with its sentence."""

    log: LogId
    entries: tuple[int, ...]
    lines: tuple[Line, ...]

    @property
    def listed(self) -> str:
        return ",".join(map(str, self.entries))


class Ways(msgspec.Struct, frozen=True, kw_only=True):
    """How a statement that is shown gets signed: by components `fields` here, or at `address`, or at `host`.

    `others`: the modes besides that its signer has, each by a form with these `fields_again` to `action`.
    """

    mode: Mode
    fields: tuple[str, ...]
    action: str
    hidden: dict[str, str]
    address: str | None
    host: str | None
    again: str
    others: tuple[Mode, ...]
    fields_again: dict[str, str]


def handlers(zone: ZoneInfo) -> list[Any]:
    """The routes of these pages; `zone` is the site's."""

    @get("/sign", opt=allow(Scope.READ))
    async def choose(request: PageRequest, context: Context) -> Response[str]:
        """What is to be signed, and the words to choose from."""
        query = request.query_params
        return await _choose(context, request, zone, str(query.get("log", "")), str(query.get("entries", "")))

    @post("/sign", opt=allow(Scope.READ, signs=True), status_code=200)
    async def prepare(request: PageRequest, context: Context) -> Response[str]:
        """The statement as it would be signed, with every entry that it is over."""
        form, caller = await form_of(request), request.user
        action, _, meaning = form("meaning").partition("/")
        log, entries = form("log"), form("entries")

        def enter() -> ToSign:
            _require(context, caller, log)
            asked = Asked(
                log=log,
                entries=_indices(entries),
                action=action,
                meaning=meaning,
                reason=form("reason"),
                added=form("added") or None,
                role=form("role") or None,
                mode=mode_of(form("mode")),
            )
            put: ToSign = context.service.signing.signatures.prepare(caller, asked, peer(request))
            return put

        try:
            put = await context.lanes.append(enter)
        except LedgerError as error:
            return await _choose(context, request, zone, log, entries, error)
        view = await pages.read(context, caller, zone, lambda scope, found: _set(scope, found, log, entries))
        hidden = {"digest": put.digest, "log": view.log.name, "entries": view.listed}
        chosen = {name: form(name) for name in ("log", "entries", "meaning", "reason", "added", "role")}
        ways = await ways_of(context, put, f"/sign/{put.id}", hidden, "/sign", chosen)
        return _statement(request, view, put, ways)

    @post("/sign/{ident:str}", opt=allow(Scope.READ, signs=True))
    async def sign(request: PageRequest, context: Context, ident: FromPath[str]) -> Response[Any]:
        """Signs it, and goes to the signature's page."""
        form, caller = await form_of(request), request.user
        shown = Shown(password=form("password") or None, code=form("code") or None, secret=form("secret") or None)
        log, entries = form("log"), form("entries")

        def enter() -> int:
            signatures = context.service.signing.signatures
            index: int = signatures.complete(ident, form("digest"), shown, None, caller, peer(request)).index
            return index

        try:
            index = await context.lanes.argon(enter)
        except LedgerError as error:
            return await _choose(context, request, zone, log, entries, error)
        return Redirect(f"/signatures/{index}", status_code=303, headers=PAGE_HEADERS)

    @get("/signatures/{index:int}", opt=allow(Scope.READ))
    async def signature(request: PageRequest, context: Context, index: FromPath[int]) -> Response[str]:
        """A signature as it is shown, verified for the page."""
        store = context.service.store

        def make(scope: ViewScope, connection: Connection) -> tuple[LookedAt, str, list[KnownPaper]]:
            if not 0 <= index < LogReader(connection, SYSTEM_LOG).head().size:
                raise NotFound(f"the system log has no entry {index} yet")
            found = look(store, connection, index)
            log = next((one for one in scope.logs if one.origin == found.origin), None)
            return found, "" if log is None else log.name, papers_of(store, connection, [found.address])

        found, log, papers = await pages.read(context, request.user, zone, make)
        return page(
            "signature.html",
            view=found,
            log=log,
            papers=papers,
            withstands=withstands(found.mode),
            place="search",
            viewer=request.user.account,
        )

    return [choose, prepare, sign, signature]


def mode_of(text: str) -> Mode:
    """The mode that a form asks for, without one the sealed key; raises SchemaViolation for one that is none here."""
    if text and text not in _HERE:
        raise SchemaViolation("this is no mode that pages sign by", advice="Choose one of those that are offered.")
    return _HERE.get(text, Mode.SEALED_KEY)


async def ways_of(
    context: Any, put: ToSign, action: str, hidden: dict[str, str], again: str, fields_again: dict[str, str]
) -> Ways:
    """How what was put before its signer gets signed, and by which other modes they could sign it."""
    service, said = context.service, put.statement
    found = await modes(context, said.signer.account)
    address = None
    if said.mode is Mode.PASSKEY:
        address = f"{signing_site(service.settings.web.origin).origin}/sign/{put.id}/passkey"
    elif said.mode is Mode.EXTERNAL:
        address = f"/sign/{put.id}/elsewhere"
    return Ways(
        mode=said.mode,
        fields=fields_of(put),
        action=action,
        hidden=hidden,
        address=address,
        host=found.host,
        again=again,
        others=tuple(mode for mode in found.modes if mode is not said.mode),
        fields_again=fields_again,
    )


def fields_of(put: ToSign) -> tuple[str, ...]:
    """The components that its signer types in a form."""
    return tuple(_FIELDS[one] for one in put.needed if one in _FIELDS)


async def modes(context: Any, account: str) -> Modes:
    """What somebody can sign by now."""
    service = context.service
    found: Modes = await context.lanes.read(lambda: modes_of(service.store, service.provider_signing, account))
    return found


def status_of(error: LedgerError | None) -> int:
    """The status of a page that says why nothing was signed."""
    return 200 if error is None else 503 if isinstance(error, SignInUnreachable) else 409


async def refused(context: Any, request: PageRequest, zone: ZoneInfo, put: ToSign, error: LedgerError) -> Response[str]:
    """The page that says why a statement over entries was not signed; it can be prepared again there."""
    target = put.statement.target
    log = choose_log(context.service.store.logs(), target.origin)
    return await _choose(context, request, zone, log.name, ",".join(map(str, target.entries)), error)


async def _choose(
    context: Any, request: PageRequest, zone: ZoneInfo, log: str, entries: str, error: LedgerError | None = None
) -> Response[str]:
    """The page on which words are chosen; with an error, that it was refused, and why."""
    caller, service = request.user, context.service
    view = await pages.read(context, caller, zone, lambda scope, found: _set(scope, found, log, entries))
    lists: list[SigningList] = await context.lanes.read(service.signing.lists.all)
    return page(
        "sign_set.html",
        status=status_of(error),
        view=view,
        modes=await modes(context, caller.account),
        lists=[one for one in lists if one.action in _CHOSEN],
        reasons={reason.code: reason for one in lists for reason in one.reasons if one.action in _CHOSEN}.values(),
        roles=caller.roles,
        error=error,
        place="search",
        viewer=caller.account,
    )


def _statement(request: PageRequest, view: SetView, put: ToSign, ways: Ways) -> Response[str]:
    return page(
        "sign_statement.html",
        view=view,
        put=put,
        said=put.statement,
        leaves=dict(zip(put.statement.target.entries, put.statement.target.leaves, strict=True)),
        withstands=withstands(put.statement.mode),
        fingerprint=fingerprint(put.statement),
        ways=ways,
        place="search",
        viewer=request.user.account,
    )


def _set(scope: ViewScope, connection: Connection, log: str, entries: str) -> SetView:
    found, chosen = scope.log(log), _indices(entries)
    reader = LogReader(connection, found.number)
    size = reader.head().size
    missing = [index for index in chosen if index >= size]
    if missing:
        raise NotFound(f"log {found.name} has no entry {missing[0]} yet")
    lines = tuple(entry_line(scope, stored, reader) for stored in reader.chosen(chosen))
    return SetView(log=found, entries=chosen, lines=lines)


def _indices(text: str) -> tuple[int, ...]:
    """Entries as `1,2,7`; raises SchemaViolation for anything else, and for more than can be signed at once."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdecimal() and len(part) < 14 for part in parts):
        raise SchemaViolation("entries are named by their numbers", advice="Write them as 12,13,20.")
    chosen = tuple(sorted({int(part) for part in parts}))
    if len(chosen) > MAX_ENTRIES:
        raise SchemaViolation(f"{len(chosen)} entries are too many to sign one by one")
    return chosen


def _require(context: Any, caller: Caller, log: str) -> None:
    found = context.service.log(log or None)
    if not caller.allows(Scope.READ, None if found.number == SYSTEM_LOG else found.name):
        raise AccessDenied(f"{caller.account} may not see what is to be signed")
