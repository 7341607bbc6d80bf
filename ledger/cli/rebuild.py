"""`trailseal rebuild`: all projections anew, from the log alone."""

import typer

from ledger.cli.ledgers import LedgerOption, opened
from ledger.cli.output import AsJson, progress, say, say_json
from ledger.store.rebuild import rebuild as rebuild_projections


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("rebuild")(rebuild)


def rebuild(ledger: LedgerOption, as_json: AsJson = False) -> None:
    """Rebuild every table that answers questions from the log, while appends go on; then swap it in.

    Exit code 0 once the new tables answer. What was wrong before is not judged: `trailseal verify` does that.
    """
    with opened(ledger) as service, progress("rebuild") as report:
        result = rebuild_projections(service.store, service.settings.owner_url(ledger), progress=report)
    if as_json:
        say_json(result)
        return
    say(f"{result.entries} entries replayed.")
    for one in result.projections:
        say(f"{one.name}/{one.version}: {sum(one.rows.values())} rows")
    for head in result.heads_corrected:
        say(f"▲ the head of log {head.log} was wrong in {', '.join(head.columns)}; run `trailseal verify`")
