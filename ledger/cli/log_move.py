"""`trailseal log move`: a ledger goes from one server to another, and never two of them sign."""

from typing import Annotated

import typer

from ledger.cli.ledgers import LedgerOption, local, opened
from ledger.cli.output import AsJson, say, say_json

Reason = Annotated[str, typer.Option(help="Why; it stands in the entry.")]

move = typer.Typer(help="Move this ledger to another server: `out` here, then `in` there.", no_args_is_help=True)


@move.command("out")
def out(
    to: Annotated[str, typer.Option(help="Where it goes on, in words; it stands in the entry.")],
    reason: Reason,
    ledger: LedgerOption,
    as_json: AsJson = False,
) -> None:
    """Sign for the last time here, and fence this server: nothing is entered or signed here any more.

    Prints the code that `trailseal log move in` asks for there. Then carry the whole folder over, and the database.
    Exit code 1, and no fence, if the last checkpoints could not be signed.
    """
    with opened(ledger) as service:
        left = service.mover.leave(to, reason, local(service))
    if as_json:
        say_json(left)
        return
    say(f"This ledger left for {to} (entry {left.entry} of the system log); nothing is signed here any more.")
    for name, size in left.sizes.items():
        say(f"  {name}: {size} entries")
    say(f"Code for the new server: {left.code}")


@move.command("in")
def move_in(
    code: Annotated[str, typer.Option(help="What `trailseal log move out` printed on the old server.")],
    place: Annotated[str, typer.Option(help="This server, in words; it stands in the entry.")],
    reason: Reason,
    ledger: LedgerOption,
    as_json: AsJson = False,
) -> None:
    """Go on here, with the folder and the database that were carried over.

    Exit code 1, and nothing changed, if what was signed last was not carried along, the database holds less or another
    past, or a witness has seen more.
    """
    with opened(ledger) as service:
        entry = service.mover.arrive(code, place, reason, local(service))
    if as_json:
        say_json({"entry": entry})
    else:
        say(f"This ledger goes on here (entry {entry} of the system log).")
