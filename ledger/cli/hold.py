"""`trailseal hold`: legal holds, which win over every retention."""

from typing import Annotated

import typer

from ledger.cli.instants import utc_of
from ledger.cli.ledgers import LedgerOption, LogOption, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.cli.persons import AsPerson, Reason, person
from ledger.cli.searching import link_option
from ledger.core.retention import Subject
from ledger.present.messages import message
from ledger.retention.holds import Scope

group = typer.Typer(help="Legal holds: what they cover is neither erased nor disposed of.", no_args_is_help=True)
HoldName = Annotated[str, typer.Argument(help="The hold's name.")]


@group.command("place")
def place(
    hold: HoldName,
    ledger: LedgerOption,
    reason: Reason,
    log: LogOption = None,
    source: Annotated[str | None, typer.Option(help="Only what is of this source.")] = None,
    link: Annotated[str | None, typer.Option(help="Only what is linked to KIND:ID, as batch:B-42.")] = None,
    from_: Annotated[str | None, typer.Option("--from", help="Only what has a time from here on.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="Only what has a time before this.")] = None,
    entry: Annotated[list[int] | None, typer.Option(help="Only these entries; may be given again.", min=0)] = None,
    account: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Place a hold over what meets all that is given. Sign its entry with `trailseal sign entries --log system`."""
    kind, ident = link_option(link)
    with opened(ledger) as service, person(service, account) as caller:
        scope = Scope(
            log=service.log(log).name,
            source=source,
            subject=None if kind is None or ident is None else Subject(kind=kind, id=ident),
            from_at=None if from_ is None else utc_of("--from", from_),
            until_at=None if until is None else utc_of("--until", until),
            entries=tuple(entry or ()),
        )
        index = service.holds.place(hold, scope, reason, caller.authority, person=caller.person)
    if as_json:
        say_json({"index": index})
        return
    say(f"Hold {hold} is in force (system entry {index}).")


@group.command("release")
def release(
    hold: HoldName, ledger: LedgerOption, reason: Reason, account: AsPerson = None, as_json: AsJson = False
) -> None:
    """Release a hold that somebody else placed."""
    with opened(ledger) as service, person(service, account) as caller:
        index = service.holds.release(hold, reason, caller.authority, person=caller.person)
    if as_json:
        say_json({"index": index})
        return
    say(f"Hold {hold} is released (system entry {index}).")


@group.command("list")
def listed(ledger: LedgerOption, as_json: AsJson = False) -> None:
    """Every hold, those in force first."""
    with opened(ledger) as service:
        found = service.holds.all()
    if as_json:
        say_json(found)
        return
    for one in found:
        state = (
            message("holds.in-force") if one.released is None else message("holds.released", by=one.released_by or "")
        )
        say(f"{one.index:>9}  {one.hold}: {state}; {one.placed_by}, {one.placed_at[:10]}: {one.reason}")
    say(f"{len(found)} holds.")
