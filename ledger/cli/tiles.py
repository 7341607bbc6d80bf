"""`trailseal tiles`: the log as a static folder that any C2SP tlog-tiles client can audit."""

import signal
import threading
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.exc import DBAPIError

from ledger.cli.ledgers import LedgerOption, LogOption, database_trouble, opened
from ledger.cli.output import AsJson, progress, say, say_json, say_json_line, tell
from ledger.core.address import LogId
from ledger.service import Service
from ledger.trust.export import Exported, export_tiles

group = typer.Typer(help="Published tiles (C2SP tlog-tiles).", no_args_is_help=True)


@group.callback()
def _group() -> None:
    """Keeps `export` a command of its own."""


@group.command("export")
def export(
    out: Annotated[Path, typer.Option(help="The folder to write; a second export adds what is new.")],
    ledger: LedgerOption,
    log: LogOption = None,
    every: Annotated[
        float | None, typer.Option(help="Seconds: export again and again, until Ctrl-C or SIGTERM.", min=0.1)
    ] = None,
    whole: Annotated[
        bool, typer.Option("--whole", help="Look at every file, not only at those that are new; mend what is damaged.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write checkpoint, tiles and entry bundles (leaf data only: free of content) as static files.

    Goes on from the folder's own checkpoint; whatever cuts it off, the folder stays valid at its earlier checkpoint.
    Partial tiles go once the full one is there. Exit code 1, and nothing written, if the folder holds another log, or
    what this one can't be the continuation of.
    """
    with opened(ledger) as service:
        chosen = service.log(log)
        if every is not None:
            _again_and_again(service, chosen, out, every, whole, as_json)
            return
        done = _export(service, chosen, out, whole)
    if as_json:
        say_json(_told(chosen, out, done))
    else:
        say(_line(chosen, out, done))


def _export(service: Service, log: LogId, out: Path, whole: bool) -> Exported:
    with progress("export tiles", "files") as report:
        return export_tiles(service.store, log, service.publisher.publish(log), out, report, whole=whole)


def _again_and_again(service: Service, log: LogId, out: Path, every: float, whole: bool, as_json: bool) -> None:
    """What may pass (the disk is full, the database away) is told of and tried again; what does not hold ends it."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stopped.set())
    while not stopped.is_set():
        try:
            done = _export(service, log, out, whole)
        except DBAPIError as error:
            tell(f"Error: {database_trouble(error).message}")
        except OSError as error:
            tell(f"Error: {error.filename or out}: {error.strerror or error}")
        else:
            whole = False
            if as_json:
                say_json_line(_told(log, out, done))
            elif done.files:
                say(_line(log, out, done))
        stopped.wait(every)


def _told(log: LogId, out: Path, done: Exported) -> dict[str, object]:
    return {"folder": str(out), "origin": log.origin, "size": done.size, "files": done.files, "mended": done.mended}


def _line(log: LogId, out: Path, done: Exported) -> str:
    mended = f", {done.mended} of them damaged before" if done.mended else ""
    return f"{log.origin}: {done.size} entries in {out} ({done.files} files written{mended})"
