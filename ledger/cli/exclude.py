"""`trailseal exclude`: records that do not count in an evaluation; they stay, and are shown with the justification."""

from typing import Annotated

import typer

from ledger.cli.hand import Why, require
from ledger.cli.ledgers import LedgerOption, LogOption, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.cli.sign import Account, acting
from ledger.core.members import Members
from ledger.people.access import Scope
from ledger.present.messages import message
from ledger.sources.exclusions import Excluded
from ledger.sources.hand_kinds import Evaluation, EvaluationSort
from ledger.sources.hand_marks import excluded_told

group = typer.Typer(help="Records that do not count in an evaluation.", no_args_is_help=True)


@group.command("add")
def add(
    entries: Annotated[list[int], typer.Argument(help="The records, by their entries.", min=0)],
    ledger: LedgerOption,
    account: Account,
    sort: Annotated[EvaluationSort, typer.Option("--from", help="What sort of evaluation they are excluded from.")],
    name: Annotated[str, typer.Option(help="The evaluation, such as a period or 'yield of B-1'.")],
    reason: Why,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Exclude records from an evaluation. They stay in every list and total."""
    with opened(ledger) as service, acting(service, account) as caller:
        chosen = service.record_log(log)
        require(caller, Scope.REVIEW, chosen)
        of = Evaluation(sort=sort, name=name)
        _say(chosen.exclusions.exclude(entries, of, reason, caller.authority), as_json)


@group.command("lift")
def lift(
    exclusion: Annotated[str, typer.Argument(help="The id, as `exclude list` shows it.")],
    ledger: LedgerOption,
    account: Account,
    reason: Why,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Have the records of an exclusion count again; both stay on record."""
    with opened(ledger) as service, acting(service, account) as caller:
        chosen = service.record_log(log)
        require(caller, Scope.REVIEW, chosen)
        _say(chosen.exclusions.lift(exclusion, reason, caller.authority), as_json)


@group.command("list")
def list_all(
    ledger: LedgerOption,
    before: Annotated[int | None, typer.Option(help="Those made before this entry.", min=0)] = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=500)] = 50,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Every exclusion, those that were lifted too, newest first."""
    with opened(ledger) as service:
        found = service.record_log(log).exclusions.listed(before, limit)
    if as_json:
        say_json(found)
        return
    for one in found:
        _say(one, False)
    if not found:
        say(message("exclusions.none"))


def _entries(one: Excluded) -> str:
    runs = Members.read(one.members).runs()
    return ", ".join(f"{low}" if low == high else f"{low}–{high}" for low, high in runs)


def _say(one: Excluded, as_json: bool) -> None:
    if as_json:
        say_json(one)
        return
    by = one.excluded.by if one.lifted is None else f"{one.excluded.by}, {one.lifted.by}"
    say(f"{one.exclusion}  entries {_entries(one)}: {excluded_told(one)} ({by})")
