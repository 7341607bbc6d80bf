"""`trailseal serve`: the API, the pages and the scheduler."""

from typing import Annotated

import typer

from ledger.cli.ledgers import LedgerOption, local, opened
from ledger.cli.output import AsJson, say, say_json_line


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("serve")(serve)


def serve(
    ledger: LedgerOption,
    port: Annotated[int | None, typer.Option(help="Another port than the settings name; 0 takes a free one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run API, pages and scheduler until Ctrl-C or SIGTERM; then the exit code is 0.

    Prints the address and a sign-in link for the pages, good once, once it answers; with --json as one line.
    """
    # Imported here: pages and API take a second to load, which other commands should not wait for.
    from ledger.server import Server

    with opened(ledger) as service:
        authority = local(service)
        with Server(service, authority, port=port) as server:
            link = server.sign_in_link(authority)
            if as_json:
                agents = {"agents": server.agent_addresses} if server.agent_addresses else {}
                say_json_line({"address": server.address, "sign_in": link, **agents})
            else:
                say(f"Trailseal at {server.address}")
                for name, address in server.agent_addresses.items():
                    say(f"Agents' {name} at {address}")
                say(f"Sign in once, within 15 minutes: {link}")
            server.wait()
