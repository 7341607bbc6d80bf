"""`trailseal sign route set` and `retire`: routes are configuration, and change as all of it does."""

import tomllib
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from ledger.cli.configuring import AsPerson, Request, Why, enter_system
from ledger.cli.ledgers import LedgerOption
from ledger.cli.output import AsJson
from ledger.cli.sign_routes import Reason, RouteName
from ledger.core.authority import Authority
from ledger.core.errors import ConfigError
from ledger.core.workflow import RouteEntry, Stage
from ledger.service import Service


def set_route(
    file: Annotated[
        Path,
        typer.Argument(help="TOML: route, title, [[stages]] with [[stages.steps]]: step, role, meaning, needed, …"),
    ],
    ledger: LedgerOption,
    reason: Reason,
    request: Request = None,
    by: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Set a route, or a new version of it; requests that run keep theirs."""
    try:
        given = tomllib.loads(file.read_text(encoding="utf-8"))
        stages = msgspec.convert(given.get("stages", []), tuple[Stage, ...])
    except (OSError, ValueError, msgspec.ValidationError) as error:
        raise ConfigError(f"{file} is no route: {error}", advice="See `trailseal sign route set --help`.") from None
    name, title = str(given.get("route", "")), str(given.get("title", ""))

    def made(_: Service, authority: Authority) -> RouteEntry:
        return RouteEntry(route=name, title=title, stages=stages, reason=reason, authority=authority)

    enter_system(ledger, made, Why(reason, request, by), as_json)


def retire_route(
    name: RouteName,
    ledger: LedgerOption,
    reason: Reason,
    request: Request = None,
    by: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """From here on no request is opened by a route."""

    def made(service: Service, authority: Authority) -> RouteEntry:
        return service.workflows.routes.retired(name, reason, authority)

    enter_system(ledger, made, Why(reason, request, by), as_json)


def add_to(route: typer.Typer) -> None:
    """Adds both to the commands of routes."""
    route.command("set")(set_route)
    route.command("retire")(retire_route)
