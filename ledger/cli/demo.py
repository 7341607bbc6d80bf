"""`trailseal demo`: a small plant of real servers, and a ledger that follows it."""

import signal
import tempfile
import threading
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.ledgers import local
from ledger.cli.output import AsJson, say, say_json_line, tell
from ledger.core.errors import ConfigError

if TYPE_CHECKING:
    from ledger.demo import Demo


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("demo")(demo)


def demo(
    once: Annotated[bool, typer.Option("--once", help="Do the whole job once and end.")] = False,
    folder: Annotated[
        Path | None, typer.Option("--dir", help="Folder for plant, ledger and package; by default a temporary one.")
    ] = None,
    port: Annotated[int, typer.Option(help="Port of the pages; 0 takes a free one.", min=0, max=65535)] = 0,
    as_json: AsJson = False,
) -> None:
    """Start a small plant on loopback, make one batch there, collect, verify, and write its package.

    The plant: an ERP, a control system, a PLC, a batch record, recipe files, and the log of a gateway.

    With --once the last line is one JSON object with the paths of package and ledger, the number of records, the
    checkpoint's size and the log's verifier key; exit code 0 only if the ledger verified. Without it the plant goes on,
    the service stays up, and its address is printed (with --json as one line); Ctrl-C ends all.
    """
    if once and folder is None:
        raise ConfigError("--once leaves a package and a ledger", advice="Say where: --dir DIR.")
    # Imported here: servers and report take a second to load, which other commands should not wait for.
    from ledger.demo import Demo

    signal.signal(signal.SIGTERM, _interrupt)
    with (
        tempfile.TemporaryDirectory(prefix="trailseal-demo-") as temporary,
        Demo(folder or Path(temporary), tell=tell) as shown,
    ):
        done = shown.run()
        if once:
            say_json_line(done)
        else:
            _stay_up(shown, port, as_json)


def _stay_up(shown: "Demo", port: int, as_json: bool) -> None:
    from ledger.server import Server

    authority = local(shown.service)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with Server(shown.service, authority, port=port) as server, shown.living(stop):
        link = server.sign_in_link(authority)
        if as_json:
            people = {one.account: one.shown() for one in shown.staff.members.values()}
            say_json_line(
                {
                    "address": server.address,
                    "sign_in": link,
                    "batch": shown.batch,
                    "package": str(shown.package),
                    "people": people,
                }
            )
        else:
            say(f"Trailseal at {server.address}")
            say(f"Sign in once, within 15 minutes: {link}")
            say("Or sign in as one of the demo's people, who exist in this demo alone:")
            for member in shown.staff.members.values():
                said = member.shown()
                say(
                    f"  {member.account} ({said['role']}): password {said['password']}, signing secret "
                    f"{said['signing_secret']}, device {said['device']}"
                )
            say("  device: the secret of a one-time code (TOTP); type it into an authenticator")
            say(f"The batch of the story: {shown.batch}; its evidence package: {shown.package}")
            say("Ctrl-C ends all.")
        stop.wait()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    # Whoever ends the demo early, by whatever signal, gets its servers ended too.
    raise KeyboardInterrupt
