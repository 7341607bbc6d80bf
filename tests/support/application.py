"""The HTTP application for tests: its routes are put together once a process, a test's own ledger behind them."""

from litestar import Litestar

from ledger.api.app import attach, make_app
from ledger.service import Service
from ledger.web.handlers import handlers

_made: list[tuple[str | None, Litestar]] = []


def app_of(service: Service, zone: str | None = None) -> Litestar:
    """The application of a ledger, with pages if a time zone is given.

    Putting the routes together takes half a second and more: one whose run is over is taken again.
    """
    for pages, app in _made:
        if pages == zone and app.state.context.lanes.closed:
            break
    else:
        app = make_app([] if zone is None else handlers(zone))
        _made.append((zone, app))
    attach(app, service)
    return app


def give_back(app: Litestar) -> None:
    """Ends an application that was called without a client, so that another test may take it."""
    app.state.context.lanes.close()
