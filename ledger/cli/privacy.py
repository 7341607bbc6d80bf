"""`trailseal privacy`: who looked for whom, and what is evaluated of persons."""

from typing import Annotated

import typer

from ledger.cli.ledgers import LedgerOption, local, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.people.evaluations import as_csv, evaluations
from ledger.present.messages import message
from ledger.privacy.erasure_kinds import ErasureEvent, Ground
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


@group.command("erasures")
def erasures(ledger: LedgerOption, as_json: AsJson = False) -> None:
    """Every request for erasure, and where it stands; of a refused one, the answer for the person."""
    with opened(ledger) as service:
        found = service.erasures.all()
    if as_json:
        say_json(found)
        return
    for one in found:
        say(f"{one.index:>9}  {one.erasure}  {one.state.value:9} {one.member} of {one.target}")
        if one.answer is not None:
            say(f"           {one.answer}")
    say(f"{len(found)} requests.")


@group.command("erase")
def erase(
    target: Annotated[str, typer.Argument(help="The entry's address, as ORIGIN#INDEX.")],
    member: Annotated[str, typer.Argument(help="The sealed member, as actor.name or title.")],
    ground: Annotated[Ground, typer.Option(help="Why the person may ask for it.")],
    reason: Annotated[str, typer.Option(help="What was asked, when and by whom; it stands in the entry.")],
    ledger: LedgerOption,
    as_json: AsJson = False,
) -> None:
    """Ask for a sealed value to be erased. Two people approve it, who sign in for that; exit 1 where it is refused."""
    with opened(ledger) as service:
        asked = service.erasures.request(target, member, ground, reason, local(service))
    if as_json:
        say_json(asked)
    else:
        say(f"Erasure {asked.erasure}: {asked.state.value}")
        say(asked.answer or "Two people other than who asked approve it.")
    if asked.state is ErasureEvent.REFUSED:
        raise typer.Exit(1)


@group.command("scrub")
def scrub(ledger: LedgerOption, as_json: AsJson = False) -> None:
    """Rewrite the vault's files so that nothing of erased values stays in their free space.

    On PostgreSQL this takes the owner's URL, and locks the vault meanwhile; its write-ahead log, replicas and backups
    keep what they have until they expire.
    """
    with opened(ledger) as service:
        service.erasures.scrub(service.settings.owner_url(service.folder))
    if as_json:
        say_json({"scrubbed": True})
        return
    say("Nothing of erased values is left in the database's files.")
