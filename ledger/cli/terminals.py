"""`trailseal terminal list|fail|retire`: devices at which people work, which are enrolled and tested at themselves."""

from typing import Annotated

import typer

from ledger.cli.acting import acting
from ledger.cli.ledgers import LedgerOption, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.people.terminal_kinds import TerminalEvent

group = typer.Typer(
    help="Terminals: their tests, and the end of their use. One is enrolled, and passes a test, on the page Terminals "
    "at the device itself, whose browser gets the secret.",
    no_args_is_help=True,
)

Terminal = Annotated[str, typer.Argument(help="The terminal's id, as `terminal list` shows it.")]
Reason = Annotated[str, typer.Option(help="Why; it stands in the entry.")]


@group.command("list")
def list_terminals(ledger: LedgerOption, as_json: AsJson = False) -> None:
    """The terminals in use, with their last tests and when the next are due."""
    with opened(ledger) as service:
        found = service.people.terminals.all()
    if as_json:
        say_json(found)
        return
    for one in found:
        due = "" if one.due_at is None else f", next test {'OVERDUE since' if one.overdue else 'due'} {one.due_at[:10]}"
        say(f"{one.terminal}  {one.title}: tested {one.tested_at[:10]} by {one.tested_by} ({one.how}){due}")
    if not found:
        say("No terminal is in use.")


@group.command("fail")
def fail(
    terminal: Terminal,
    how: Annotated[str, typer.Option(help="What was tested, and what came of it.")],
    ledger: LedgerOption,
    reason: Reason,
    as_json: AsJson = False,
) -> None:
    """Record that a terminal failed a test: it is in use no longer."""
    _end(ledger, terminal, TerminalEvent.FAILED, how, reason, as_json)


@group.command("retire")
def retire(terminal: Terminal, ledger: LedgerOption, reason: Reason, as_json: AsJson = False) -> None:
    """Take a terminal out of use."""
    _end(ledger, terminal, TerminalEvent.RETIRED, "retired", reason, as_json)


def _end(ledger: LedgerOption, terminal: str, event: TerminalEvent, how: str, reason: str, as_json: bool) -> None:
    with opened(ledger) as service:
        index = service.people.terminals.ended(terminal, event, how, reason, acting(service))
    if as_json:
        say_json({"terminal": terminal, "entry": index})
    else:
        say(f"{terminal}: entry {index} of the system log")
