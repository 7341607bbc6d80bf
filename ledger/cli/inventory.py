"""`trailseal inventory`: the site's systems, connected or not, and how the audit trail of each is looked after."""

from typing import Annotated

import typer

from ledger.cli.ledgers import LedgerOption, LogOption, local, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.present.messages import message
from ledger.sources.life_kinds import Criticality, SystemListed, Trail
from ledger.sources.systems import counts

group = typer.Typer(help="The site's systems: connected, reviewed elsewhere, or open.", no_args_is_help=True)


@group.command("put")
def put(
    system: Annotated[str, typer.Argument(help="The system's id in the inventory.")],
    ledger: LedgerOption,
    title: Annotated[str, typer.Option(help="What people call it.")],
    owner: Annotated[str, typer.Option(help="The role that answers for it.")],
    system_class: Annotated[str, typer.Option("--class", help="Of what class: erp, mes, lims, plc, scada, …")],
    criticality: Annotated[Criticality, typer.Option(help="How much it bears on product quality.")],
    trail: Annotated[Trail, typer.Option(help="Whether it has an audit trail, and whether that is on.")],
    source: Annotated[str | None, typer.Option(help="The source that connects it here.")] = None,
    reviewed: Annotated[str | None, typer.Option(help="How its trail is reviewed, if not here.")] = None,
    why: Annotated[str | None, typer.Option(help="Why it is not connected.")] = None,
    retired: Annotated[bool, typer.Option("--retired", help="The site has it no more.")] = False,
    reason: Annotated[str, typer.Option(help="Why this is said; it stands in the entry.")] = "set at the terminal",
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """List a system, or say anew how it is."""
    with opened(ledger) as service:
        listed = SystemListed(
            system=system,
            title=title,
            system_class=system_class,
            owner=owner,
            criticality=criticality,
            trail=trail,
            source=source,
            reviewed=reviewed,
            why=why,
            retired=retired,
            reason=reason,
            authority=local(service),
        )
        index = service.record_log(log).systems.put(listed)
    if as_json:
        say_json({"entry": index})
    else:
        say(f"Entry {index}.")


@group.command("list")
def show(ledger: LedgerOption, log: LogOption = None, as_json: AsJson = False) -> None:
    """All systems that the site has; those that nobody looks after are marked."""
    with opened(ledger) as service:
        found = service.record_log(log).systems.list()
    if as_json:
        say_json(found)
        return
    if not found:
        say("No system is listed yet. List one: trailseal inventory put ID --title … --owner … --class …")
    for one in found:
        listed = one.listed
        mark = "▲" if one.standing.value == "open" else "●"
        how = listed.source or listed.reviewed or listed.why or ""
        say(
            f"{mark} {listed.system:16} {listed.title:30} {listed.criticality.value:7} trail {listed.trail.value:8} "
            f"{one.standing.value}  {how}"
        )
    told = counts(found)
    if told.total:
        say(
            message(
                "inventory.counts", total=told.total, connected=told.connected, elsewhere=told.elsewhere, open=told.open
            )
        )
