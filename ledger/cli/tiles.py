"""`trailseal tiles`: the log as a static folder that any C2SP tlog-tiles client can audit."""

from pathlib import Path
from typing import Annotated

import typer

from ledger.cli.ledgers import LedgerOption, LogOption, opened
from ledger.cli.output import AsJson, progress, say, say_json
from ledger.trust.export import export_tiles

group = typer.Typer(help="Published tiles (C2SP tlog-tiles).", no_args_is_help=True)


@group.callback()
def _group() -> None:
    """Keeps `export` a command of its own."""


@group.command("export")
def export(
    out: Annotated[Path, typer.Option(help="The folder to write; a second export adds what is new.")],
    ledger: LedgerOption,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Write checkpoint, tiles and entry bundles (leaf data only: free of content) as static files.

    Exit code 1, and nothing written, if the folder holds another log, or what this one can't be the continuation of.
    """
    with opened(ledger) as service, progress("export tiles", "files") as report:
        chosen = service.log(log)
        stored = service.publisher.publish(chosen)
        files = export_tiles(service.store, chosen, stored, out, report)
    if as_json:
        say_json({"folder": str(out), "origin": chosen.origin, "size": stored.size, "files": files})
    else:
        say(f"{chosen.origin}: {stored.size} entries in {out} ({files} files written)")
