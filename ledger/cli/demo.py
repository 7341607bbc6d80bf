"""`trailseal demo`: a small plant of real servers, and a ledger that follows it."""

import signal
import tempfile
import threading
from pathlib import Path
from typing import Annotated

import typer

from ledger.cli.ledgers import local
from ledger.cli.output import errors, say, say_json_line
from ledger.demo import Demo
from ledger.server import Server


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("demo")(demo)


def demo(
    once: Annotated[bool, typer.Option("--once", help="Do the whole job once and end.")] = False,
    folder: Annotated[
        Path | None, typer.Option("--dir", help="Folder for plant, ledger and package; by default a temporary one.")
    ] = None,
    port: Annotated[int, typer.Option(help="Port of the pages; 0 takes a free one.")] = 0,
) -> None:
    """Start an ERP and a control system on loopback, make one batch there, collect, verify, and write its package.

    Without --once the plant goes on, the service stays up, and its address is printed; Ctrl-C ends all.
    """
    with tempfile.TemporaryDirectory(prefix="trailseal-demo-") as temporary:
        place = folder or Path(temporary)
        with Demo(place, tell=lambda text: errors.print(text, highlight=False)) as shown:
            done = shown.run()
            if once:
                say_json_line(done)
                return
            _stay_up(shown, port)


def _stay_up(shown: Demo, port: int) -> None:
    authority = local(shown.service)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with Server(shown.service, authority, port=port) as server, shown.living(stop):
        say(f"Trailseal at {server.address}")
        say(f"Sign in once, within 15 minutes: {server.sign_in_link(authority)}")
        say(f"The batch of the story: {shown.batch}; its evidence package: {shown.package}")
        say("Ctrl-C ends all.")
        stop.wait()
