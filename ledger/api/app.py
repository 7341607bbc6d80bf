"""Assembles the HTTP application: routes, guard, errors, headers, and the upkeep that runs beside it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import structlog
from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.types import ControllerRouterHandler

from ledger.api import (
    access_reviews,
    agents,
    alcoa,
    alcoa_runs,
    back_tests,
    challenges,
    changes,
    coverage,
    deferrals,
    deliveries,
    dispositions,
    documents,
    entries,
    erasures,
    exclusions,
    exporting,
    external,
    hands,
    histories,
    holds,
    identity,
    import_files,
    imports,
    incidents,
    inventory,
    lives,
    locks,
    logs,
    look_ups,
    map_imports,
    maps,
    notices,
    openapi,
    papers,
    parameters,
    people,
    persons,
    profile,
    reconciliations,
    requests,
    retention,
    review_plans,
    reviews,
    role_definitions,
    routes,
    rule_life,
    rule_statistics,
    rules,
    saved_queries,
    searching,
    sign_in,
    signatures,
    sources,
    suppressions,
    tasks,
    terminals,
    tiles,
    timestamps,
    tracing,
    verification,
    vouching,
)
from ledger.api.context import Context
from ledger.api.gate import Gate, guard, require_declared
from ledger.api.headers import harden
from ledger.api.health import health, key_history, public_keys
from ledger.api.lanes import Lanes
from ledger.api.problems import HANDLERS
from ledger.api.session import begin_session, end_session
from ledger.core.structs import make_ready
from ledger.people.receipts import forget_old
from ledger.people.uses import forget_spent
from ledger.service import Service

MAX_BODY: Final = 1024 * 1024
"""Bytes of the largest request body, unless a route says otherwise."""
UPKEEP_SECONDS: Final = 1.0
TOUCHES_EVERY: Final = 60
HOURLY: Final = 3600
"""In rounds of upkeep."""
AGENT_READERS: Final = 2
"""Threads that read for agents."""


API: Final = Router(
    "/api/v1",
    route_handlers=[
        health,
        public_keys,
        key_history,
        begin_session,
        end_session,
        logs.router,
        entries.router,
        searching.search_records,
        exporting.export_found,
        tracing.trace,
        tracing.no_batch,
        tracing.of_record,
        histories.router,
        hands.router,
        exclusions.router,
        look_ups.router,
        saved_queries.router,
        saved_queries.save_query,
        erasures.router,
        changes.router,
        holds.router,
        retention.router,
        notices.router,
        sources.router,
        lives.router,
        import_files.router,
        imports.router,
        imports.every,
        challenges.router,
        challenges.every,
        alcoa.router,
        alcoa_runs.router,
        rule_life.router,
        suppressions.router,
        back_tests.router,
        rule_statistics.router,
        rules.router,
        dispositions.router,
        reviews.router,
        review_plans.router,
        deferrals.router,
        coverage.router,
        reconciliations.router,
        maps.router,
        map_imports.router,
        parameters.router,
        inventory.router,
        people.router,
        persons.router,
        role_definitions.router,
        profile.router,
        access_reviews.router,
        documents.router,
        routes.router,
        requests.router,
        signatures.router,
        vouching.router,
        external.router,
        papers.router,
        tasks.router,
        terminals.router,
        identity.router,
        identity.open_routes,
        sign_in.router,
        locks.router,
        agents.router,
        deliveries.router,
        deliveries.enrol,
        timestamps.router,
        verification.router,
        incidents.router,
    ],
)
"""Made once: each application takes a copy."""


def create_app(service: Service, *, web_handlers: Sequence[ControllerRouterHandler] = ()) -> Litestar:
    """The application of one opened ledger, which stays the caller's to close.

    `web_handlers`: the pages' routes; they find `context` as a dependency, and declare their access as every route
    does. Raises ConfigError if a route does not.
    """
    app = make_app(web_handlers)
    attach(app, service)
    return app


def make_app(web_handlers: Sequence[ControllerRouterHandler] = ()) -> Litestar:
    """All routes, with no ledger behind them yet (`attach`). Raises as `create_app`."""
    make_ready()
    app = Litestar(
        route_handlers=[API, tiles.router, openapi.docs, *web_handlers],
        guards=[guard],
        dependencies={"context": Provide(_context)},
        exception_handlers=HANDLERS,
        before_send=[harden],
        openapi_config=openapi.config(),
        request_max_body_size=MAX_BODY,
        lifespan=[_running],
        logging_config=None,
        debug=False,
        # A context is the application's own object, not data of a request.
        signature_types=[Context],
    )
    require_declared(app)
    return app


def create_agents_app(service: Service, *, enrolment: bool) -> Litestar:
    """What edge agents reach over TLS, and nothing else: their deliveries, or else enrolment alone."""
    make_ready()
    routes: list[ControllerRouterHandler] = [deliveries.enrol] if enrolment else [deliveries.router]
    app = Litestar(
        route_handlers=[Router("/api/v1", route_handlers=routes)],
        guards=[guard],
        dependencies={"context": Provide(_context)},
        exception_handlers=HANDLERS,
        before_send=[harden],
        openapi_config=None,
        request_max_body_size=MAX_BODY,
        lifespan=[_open],
        logging_config=None,
        debug=False,
        signature_types=[Context],
    )
    require_declared(app)
    attach(app, service, AGENT_READERS)
    return app


def attach(app: Litestar, service: Service, readers: int | None = None) -> None:
    """Puts a ledger behind an application that does not run; `readers`: threads that read, else as its settings say."""
    lanes = Lanes(readers or service.settings.readers)
    app.state.context = Context(service, lanes)
    app.state.gate = Gate(service, lanes)


async def _context(state: State) -> Context:
    context: Context = state.context
    return context


@contextlib.asynccontextmanager
async def _open(app: Litestar) -> AsyncIterator[None]:
    context = await _context(app.state)
    try:
        yield
    finally:
        context.lanes.close()


@contextlib.asynccontextmanager
async def _running(app: Litestar) -> AsyncIterator[None]:
    context = await _context(app.state)
    upkeep = asyncio.create_task(_upkeep(context))
    try:
        yield
    finally:
        upkeep.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await upkeep
        await context.lanes.append(context.service.people.security.enter, final=True)
        await context.lanes.append(context.service.people.sessions.save_touches)
        context.lanes.close()


async def _upkeep(context: Context) -> None:
    """Reads what the system log says of rights, then enters counted refusals when they are due, saves session touches,
    drops old receipts and files that nobody went on with.
    """
    people, store, uploads = context.service.people, context.service.store, context.service.uploads
    rounds = 0
    with contextlib.suppress(Exception):  # whoever asks for a right is told what is wrong
        await context.lanes.read(people.follow)
    while True:
        await asyncio.sleep(UPKEEP_SECONDS)
        rounds += 1
        work: list[Any] = [people.security.enter]
        if rounds % TOUCHES_EVERY == 0:
            work.append(people.sessions.save_touches)
        if rounds % HOURLY == 0:
            work += [lambda: forget_old(store), lambda: forget_spent(store), uploads.forget]
        for task in work:
            try:
                await context.lanes.append(task)
            except Exception as error:
                # The next round tries again; a failing database shows in every request anyway.
                structlog.get_logger("ledger.api").error("upkeep failed", exc_info=error)
