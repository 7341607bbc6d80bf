"""`trailseal privacy`: who looked for whom, and what is evaluated of persons."""

from typing import Annotated

import typer

from ledger.cli.ledgers import LedgerOption, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.people.evaluations import as_csv, evaluations
from ledger.present.messages import message
from ledger.privacy.look_ups import MAX_SHOWN

group = typer.Typer(help="Who looked for whom; what is evaluated of persons.", no_args_is_help=True)


@group.command("look-ups")
def look_ups(
    ledger: LedgerOption,
    account: Annotated[str | None, typer.Option(help="Only searches by this account.")] = None,
    person: Annotated[str | None, typer.Option(help="Only searches for this person, as typed.")] = None,
    limit: Annotated[int, typer.Option(help="How many at most.", min=1, max=MAX_SHOWN)] = 50,
    as_json: AsJson = False,
) -> None:
    """Who searched for which person, what for and when, the newest first."""
    with opened(ledger) as service:
        found = service.look_ups.report(account, person, limit)
    if as_json:
        say_json(found)
        return
    for one in found:
        who = message("look-up.erased") if one.persons is None else ", ".join(one.persons)
        purpose = message(f"purpose.{one.purpose.value}")
        say(f"{one.index:>9}  {one.at}  {one.account}: {who} ({purpose}; {one.count} records)")
    say(f"{len(found)} searches for persons.")


@group.command("evaluations")
def evaluated(
    ledger: LedgerOption,
    csv: Annotated[bool, typer.Option("--csv", help="Answer with CSV.")] = False,
    as_json: AsJson = False,
) -> None:
    """All that is evaluated of persons: rule, data, purpose, who sees it, and what is off at this site."""
    with opened(ledger) as service, service.store.reading() as connection:
        listed = evaluations(connection)
    if as_json:
        say_json(listed)
        return
    if csv:
        typer.echo(as_csv(listed), nl=False)
        return
    for one in listed:
        say(f"{one.evaluation.value} ({'on' if one.on else 'off'}): {one.rule}")
        for part in ("data", "purpose", "seen_by", "without"):
            say(f"  {part:8} {getattr(one, part)}")
