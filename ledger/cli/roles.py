"""`trailseal role`: which scopes each role has at this site, how it was before, and another definition proposed."""

from typing import Annotated

import typer

from ledger.cli.configuring import AsPerson, Request, Why, say_proposed, setting
from ledger.cli.ledgers import LedgerOption, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.cli.persons import Reason
from ledger.people.access import Scope
from ledger.people.definition_kinds import RoleDefinition
from ledger.people.definitions import ShownDefinition
from ledger.people.roles import Role

group = typer.Typer(help="What roles may do at this site: narrowed by change request and second signature.")
Named = Annotated[Role, typer.Argument(help="The role.")]


@group.command("list")
def show_all(ledger: LedgerOption, as_json: AsJson = False) -> None:
    """Every role with the scopes that it has now."""
    with opened(ledger) as service:
        found = service.people.definitions.all()
    _say(found, as_json)


@group.command("history")
def history(role: Named, ledger: LedgerOption, as_json: AsJson = False) -> None:
    """How a role was and is defined, the oldest first."""
    with opened(ledger) as service:
        found = service.people.definitions.versions(role)
    _say(found, as_json)


@group.command("propose")
def propose(
    role: Named,
    ledger: LedgerOption,
    scope: Annotated[list[Scope], typer.Option(help="A scope that it is to have; once for each.")],
    reason: Reason,
    request: Request = None,
    account: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Propose other scopes for a role as a change: they hold once a second person has signed it."""
    with opened(ledger) as service, setting(service, Why(reason, request, account)) as authority:
        entry = RoleDefinition(role=role, scopes=tuple(scope), reason=reason, authority=authority)
        made = service.quality.proposals.propose(service.system, [entry], request, reason, authority)
    say_proposed(made, as_json, "system")


def _say(found: list[ShownDefinition], as_json: bool) -> None:
    if as_json:
        say_json(found)
        return
    for one in found:
        without = f"; without {', '.join(one.withheld)}" if one.withheld else ""
        since = (
            "as the program has it"
            if one.index is None
            else f"entry {one.index}, {(one.at or '')[:10]}, {one.by}: {one.reason}"
        )
        say(f"{one.role.value:16} {', '.join(one.scopes)}{without} ({since})")
