"""`trailseal log time-epoch`: logs go on after this machine's clock ran ahead and was set right."""

from typing import Annotated

import typer

from ledger.cli.ledgers import LedgerOption, local, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.cli.sign import hidden
from ledger.core.clock import utc_text


def time_epoch(
    ledger: LedgerOption,
    first: Annotated[str, typer.Option("--as", help="The account of one signer; their signing secret is asked for.")],
    second: Annotated[str, typer.Option("--and", help="The account of the other signer.")],
    reason: Annotated[str, typer.Option(help="Why the clock ran ahead; both sign it.")],
    as_json: AsJson = False,
) -> None:
    """Let logs go on whose last entry is ahead of this machine's clock: two people sign what they go back over.

    Set the clock right first. Nothing is taken back: what was entered meanwhile stays, with the wrong time.
    """
    with opened(ledger) as service:
        epochs = service.time_epochs
        statement = epochs.statement((first, second), reason)
        for one in statement.logs:
            typer.echo(f"{one.origin}: {one.size} entries, the last one of {one.head_at}", err=True)
        typer.echo(f"They go on at {statement.goes_on_at}; this machine's clock has to be right.", err=True)
        signatures = tuple(
            epochs.sign(statement, account, hidden(f"Signing secret of {account}")) for account in (first, second)
        )
        entered = epochs.enter(statement, signatures, local(service))
        now = utc_text(service.clock.now_us())
    if as_json:
        say_json({"entries": entered})
        return
    say(f"Entered at {now}: {', '.join(entered)}. Entries are taken in again.")
