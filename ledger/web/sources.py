"""The pages of a source, with its challenges, and of imports of old audit trails."""

from functools import partial
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from sqlalchemy import Connection

from ledger.core.address import LogId
from ledger.core.errors import LedgerError
from ledger.core.retention import RetentionClass
from ledger.core.source import ARCHIVE
from ledger.people.access import Scope, allow
from ledger.signing.sign_off import sign_off
from ledger.sources.imports import Known
from ledger.store.logs import SYSTEM_LOG
from ledger.web import pages
from ledger.web.forms import entered, file_of, form_of
from ledger.web.pages import PageRequest
from ledger.web.render import page
from ledger.web.source_changes import MAX_BODY, configured, fitting, mapped, propose
from ledger.web.views.common import Scope as ViewScope
from ledger.web.views.sources import ImportView, SourceView, challenge_view, import_view, source_view

SHOWN: Final = 50
"""Imports on a page."""
Context = NamedDependency[Any]
OfLog = Annotated[str | None, QueryParameter(max_length=200)]
After = Annotated[str | None, QueryParameter(max_length=512)]


def handlers(zone: ZoneInfo) -> list[Any]:
    """The routes; `zone` is the site's time zone."""

    @get("/imports", opt=allow(Scope.READ))
    async def imports(request: PageRequest, context: Context, log: OfLog = None, after: After = None) -> Response[str]:
        """Imports of a record log, by id; of the first that the caller may read, if none is named."""

        def make(scope: ViewScope, connection: Connection) -> tuple[list[str], str, list[ImportView], str | None]:
            names = [one.name for one in scope.logs if one.number != SYSTEM_LOG]
            chosen = scope.record_log(log or None)
            known = context.service.record_log(chosen.name).imports.list(
                None, after and after.replace("\0", ""), SHOWN + 1
            )
            shown = [_import(scope, context, connection, chosen, one) for one in known[:SHOWN]]
            return names, chosen.name, shown, known[SHOWN - 1].last.id if len(known) > SHOWN else None

        names, chosen, found, more = await pages.read(context, request.user, zone, make)
        return page(
            "imports.html", found=found, logs=names, log=chosen, more=more, place="home", viewer=request.user.account
        )

    async def shown(
        context: Any, request: PageRequest, log: str, source: str, error: LedgerError | None = None
    ) -> Response[str]:
        def make(scope: ViewScope, connection: Connection) -> SourceView:
            chosen = scope.record_log(log)
            records, now_us = context.service.record_log(chosen.name), scope.clock.now_us()
            config = records.sources.get(source)
            challenges = []
            for known in records.challenges.list(config.id):
                past = records.challenges.history(known.challenge.challenge, limit=1)
                due_us = records.challenges.due(known, now_us)
                challenges.append(challenge_view(scope, known, due_us, past[0] if past else None))
            imported = [
                _import(scope, context, connection, chosen, one)
                for one in records.imports.list(config.id if config.type == ARCHIVE else None)
                if config.id in (one.last.source, one.last.continues_in)
            ]
            adopted = [one.entry for one in records.sources.mappings(config.id) if one.until is None and one.text]
            standing = records.lives.standing(config.id)
            return source_view(chosen.name, config, adopted, standing, tuple(challenges), tuple(imported))

        view = await pages.read(context, request.user, zone, make)
        may = request.user.allows(Scope.CONFIGURE, view.log)
        return page(
            "source.html",
            status=200 if error is None else 409,
            view=view,
            templates=await context.lanes.read(lambda: fitting(view.type)) if may else [],
            classes=list(RetentionClass),
            proposes=may,
            error=error,
            place="home",
            viewer=request.user.account,
        )

    @get("/sources/{log:str}/{source:str}", opt=allow(Scope.READ))
    async def source_page(
        request: PageRequest, context: Context, log: FromPath[str], source: FromPath[str]
    ) -> Response[str]:
        """A source: where it stands, its challenges, and the imports that belong to it."""
        return await shown(context, request, log, source)

    @post("/sources/{log:str}/{source:str}/mapping", opt=allow(Scope.CONFIGURE), request_max_body_size=MAX_BODY)
    async def propose_mapping(
        request: PageRequest, context: Context, log: FromPath[str], source: FromPath[str]
    ) -> Response[Any]:
        """Proposes another mapping for the source: that of a template, or of a file that is sent along."""
        form, file = await form_of(request), await file_of(request, "file")
        enter = partial(propose, context, log, source, form, request.user.authority, partial(mapped, form, file))
        return await entered(context, enter, str, partial(shown, context, request, log, source))

    @post("/sources/{log:str}/{source:str}/configuration", opt=allow(Scope.CONFIGURE))
    async def propose_configuration(
        request: PageRequest, context: Context, log: FromPath[str], source: FromPath[str]
    ) -> Response[Any]:
        """Proposes other options, sealed members, zone or class of retention."""
        form = await form_of(request)
        enter = partial(propose, context, log, source, form, request.user.authority, partial(configured, form))
        return await entered(context, enter, str, partial(shown, context, request, log, source))

    return [imports, source_page, propose_mapping, propose_configuration]


def _import(scope: ViewScope, context: Any, connection: Connection, log: LogId, known: Known) -> ImportView:
    signed = None
    if known.true_copy is not None:
        signed = sign_off(context.service.store, connection, log, known.entry, known.true_copy)
    return import_view(scope, log.name, known, signed)
