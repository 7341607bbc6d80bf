"""`trailseal rebuild`: all projections anew, from the log alone."""

import typer

from ledger.cli.ledgers import LedgerOption, opened
from ledger.cli.output import AsJson, progress, say, say_json
from ledger.store.rebuild import rebuild as rebuild_projections


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("rebuild")(rebuild)


def rebuild(ledger: LedgerOption, as_json: AsJson = False) -> None:
    """Rebuild every table that answers questions from the log, while appends go on; then swap it in."""
    with opened(ledger) as service, progress("rebuild") as report:
        result = rebuild_projections(service.store, service.settings.owner_url(ledger), report)
    if as_json:
        say_json(result)
        return
    say("All projections are rebuilt from the log.")
