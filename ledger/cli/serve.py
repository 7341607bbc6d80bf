"""`trailseal serve`: the API, the pages and the scheduler, and beside them the process that signs."""

import signal
import threading
from types import FrameType
from typing import Annotated

import typer

from ledger.cli.ledgers import LedgerOption, local, opened, require_writable
from ledger.cli.output import AsJson, say, say_json_line
from ledger.signer import SignerChild
from ledger.trust.signer_process import SOCKET, RemoteSigner, SignerServer

WRITTEN = ("signed", "kept")
"""Folders of a ledger without which nothing is signed: who serves must be able to write there."""


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("serve")(serve)
    app.command("signer")(sign_for_others)


def serve(
    ledger: LedgerOption,
    port: Annotated[int | None, typer.Option(help="Another port than the settings name; 0 takes a free one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run API, pages and scheduler until Ctrl-C or SIGTERM; then the exit code is 0.

    The logs' keys are opened by a process of its own beside it (`trailseal signer` where one runs already). Prints the
    address and a sign-in link for the pages, good once, once it answers; with --json as one line.
    """
    require_writable(ledger, *(ledger / part for part in WRITTEN))
    with SignerChild() as signer, opened(ledger, signer=RemoteSigner(ledger / "signed")) as service:
        signer.begin(ledger)
        # Imported here: pages and API take a second to load, which neither other commands nor the signer wait for.
        from ledger.server import Server

        authority = local(service)
        with Server(service, authority, port=port, signer=signer) as server:
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


def sign_for_others(ledger: LedgerOption, as_json: AsJson = False) -> None:
    """Sign checkpoints for the other processes of this ledger, until Ctrl-C or SIGTERM; then the exit code is 0.

    `serve` starts one by itself. Run it alone to keep the logs' keys from the account that runs the API.
    """
    require_writable(ledger, *(ledger / part for part in WRITTEN))
    stopped = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    with opened(ledger) as service, SignerServer(ledger / "signed", service.own_signer()):
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, end)
        if as_json:
            say_json_line({"socket": str(ledger / "signed" / SOCKET)})
        else:
            say(f"Signing for {service.settings.origin}")
        stopped.wait()
