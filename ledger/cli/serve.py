"""`trailseal serve`: the API, the pages and the scheduler."""

from typing import Annotated

import typer

from ledger.cli.ledgers import LedgerOption, local, opened
from ledger.cli.output import say
from ledger.server import Server


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("serve")(serve)


def serve(
    ledger: LedgerOption,
    port: Annotated[int | None, typer.Option(help="Another port than the settings name; 0 takes a free one.")] = None,
) -> None:
    """Run API, pages and scheduler until Ctrl-C; prints the address and a one-time sign-in link for the pages."""
    with opened(ledger) as service:
        authority = local(service)
        with Server(service, authority, port=port) as server:
            say(f"Trailseal at {server.address}")
            say(f"Sign in once, within 15 minutes: {server.sign_in_link(authority)}")
            server.wait()
