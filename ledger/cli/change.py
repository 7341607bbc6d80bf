"""`trailseal change`: changes of configuration, which take effect once a second person has signed them."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ledger.changes.reading import bodies_of
from ledger.changes.shown import ShownChange, shown, shown_lines
from ledger.cli.configuring import AsPerson, Why, say_proposed, setting
from ledger.cli.files import text_of
from ledger.cli.ledgers import LedgerOption, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.core.change import ChangeState
from ledger.core.errors import ConfigError, InvalidEntry

group = typer.Typer(help="Changes of configuration, by change request and second signature.", no_args_is_help=True)
Named = Annotated[str, typer.Argument(help="The change, as it was proposed.")]
Because = Annotated[str, typer.Option("--reason", help="Why; it stands in the entry.")]
OfLog = Annotated[
    str | None,
    typer.Option("--log", help="The log: by default the only record log; system for routes, lists and roles."),
]


@group.command("propose")
def propose(
    file: Annotated[
        Path, typer.Argument(help="JSON Lines: the bodies to be entered, with schema and without authority.")
    ],
    ledger: LedgerOption,
    request: Annotated[str, typer.Option("--change-request", help="The number of the change request.")],
    reason: Because,
    by: AsPerson = None,
    log: OfLog = None,
    as_json: AsJson = False,
) -> None:
    """Propose that entries be made, all of them at once."""
    lines = [line.encode() for line in text_of(file, "JSON Lines").splitlines() if line.strip()]
    with opened(ledger) as service, setting(service, Why(reason, request, by)) as authority:
        try:
            bodies = list(bodies_of(service.store.kinds, lines, authority))
            made = service.quality.proposals.propose(service.log(log), bodies, request, reason, authority)
        except InvalidEntry as error:
            raise ConfigError(f"{file}: {error.message}", advice=error.advice) from None
    say_proposed(made, as_json)


@group.command("list")
def show_all(
    ledger: LedgerOption,
    state: Annotated[ChangeState | None, typer.Option(help="Only those that stand so.")] = None,
    log: OfLog = None,
    as_json: AsJson = False,
) -> None:
    """The changes of a log, the newest first."""
    with opened(ledger) as service:
        found = service.quality.proposals.all(service.log(log), state)
        with service.store.reading() as connection:
            told = [shown(service.store, connection, one) for one in found]
    if as_json:
        say_json(told)
        return
    for one in told:
        say(_sentence(one))
    say(f"{len(told)} changes.")


@group.command("show")
def show(change: Named, ledger: LedgerOption, log: OfLog = None, as_json: AsJson = False) -> None:
    """A change with what it sets, old beside new."""
    with opened(ledger) as service:
        standing = service.quality.proposals.get(service.log(log), change)
        with service.store.reading() as connection:
            told = shown(service.store, connection, standing)
            lines = shown_lines(service.store, connection, standing, 0, standing.proposal.count)
    if as_json:
        say_json({"change": told, "lines": lines})
        return
    say(_sentence(told))
    for line in lines:
        say(f"{line.number + 1:>6}  {line.kind}: {_differing(line.old, line.new)}")
    for one in told.altered:
        moved = f": {one.joined} join, {one.left} leave" if one.joined or one.left else ""
        say(f"{'alters' if one.certain else 'can alter'}  {one.sort.value} {one.id}{moved} ({one.at})")


@group.command("effect")
def effect(
    change: Named,
    ledger: LedgerOption,
    signature: Annotated[str, typer.Option(help="The address of the second person's signature: ORIGIN#INDEX.")],
    reason: Because = "signed by a second person",
    by: AsPerson = None,
    log: OfLog = None,
    as_json: AsJson = False,
) -> None:
    """Bring a change into effect by a second person's signature; the service does so by itself within half a minute."""
    with opened(ledger) as service, setting(service, Why(reason, None, by)) as authority:
        index = service.quality.effects.bring(service.log(log), change, signature, reason, authority)
    if as_json:
        say_json({"index": index})
        return
    say(f"Change {change} took effect: entry {index}, and those after it.")


@group.command("withdraw")
def withdraw(
    change: Named,
    ledger: LedgerOption,
    reason: Because,
    by: AsPerson = None,
    log: OfLog = None,
    as_json: AsJson = False,
) -> None:
    """Take back a proposal that waits."""
    with opened(ledger) as service, setting(service, Why(reason, None, by)) as authority:
        index = service.quality.proposals.withdraw(service.log(log), change, reason, authority)
    if as_json:
        say_json({"index": index})
        return
    say(f"Change {change} is withdrawn: entry {index}.")


def _sentence(one: ShownChange) -> str:
    open_ = "" if one.state is not ChangeState.PROPOSED else ", signed" if not one.sign_off.open else ", to be signed"
    return (
        f"{one.change}  {one.state.value}{open_}: {one.request}, {one.count} of {', '.join(one.kinds)} by "
        f"{one.proposed_by}, {one.proposed_at[:10]} (entry {one.index}): {one.reason}"
    )


def _differing(old: dict[str, Any] | None, new: dict[str, Any]) -> str:
    if old is None:
        return ", ".join(f"{name} {value}" for name, value in new.items() if value is not None)
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return ", ".join(f"{name} {old.get(name)} -> {new.get(name)}" for name in names) or "as before"
