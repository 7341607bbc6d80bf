"""`trailseal parameter`: by what records are judged, for a source and type or for all; dated entries."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from ledger.cli.configuring import AsPerson, Request, Why, enter_one, setting
from ledger.cli.files import text_of
from ledger.cli.instants import utc_of
from ledger.cli.ledgers import LedgerOption, LogOption, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.core.clock import parse_utc
from ledger.core.parameters import ParameterName, written
from ledger.sources.parameter_kinds import Parameter

group = typer.Typer(help="Parameters: by what records are judged.", no_args_is_help=True)

Named = Annotated[ParameterName, typer.Argument(help="Which parameter.")]
OfSource = Annotated[str | None, typer.Option("--source", help="The source; without it, of all.")]
OfType = Annotated[str | None, typer.Option("--type", help="The type of object; without it, of all.")]
AsOf = Annotated[int | None, typer.Option("--size", help="Answer as of this size of the log.", min=0)]


@group.command("put")
def put(
    name: Named,
    value: Annotated[
        str, typer.Argument(help="Its members as JSON, such as '{\"late_s\": 60}', or @FILE; - for none.")
    ],
    ledger: LedgerOption,
    source: OfSource = None,
    type_: OfType = None,
    applies_from: Annotated[
        str | None, typer.Option("--from", help="Since when, such as 2026-01-01T00:00:00Z; without it, always.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; it stands in the entry.")] = "set at the terminal",
    request: Request = None,
    by: AsPerson = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Set a parameter. The same source, type and time again corrects what was set.

    With - there is none of its own any more for that source and type from then on, and a more general one holds.
    """
    text = None if value == "-" else _text(value)
    since = None if applies_from is None else utc_of("--from", applies_from)
    why = Why(reason, request, by)
    with opened(ledger) as service, setting(service, why) as authority:
        entry = Parameter(
            name=name,
            source=source,
            type=type_,
            value=text,
            applies_from=since,
            reason=reason,
            authority=authority,
        )
        enter_one(service, service.record_log(log).log, entry, why, authority, as_json)


@group.command("list")
def show_all(
    ledger: LedgerOption,
    name: Annotated[ParameterName | None, typer.Option(help="Of this name only.")] = None,
    source: Annotated[str | None, typer.Option(help="Of this source only.")] = None,
    size: AsOf = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """All that is set, now or as of a size of the log."""
    with opened(ledger) as service:
        chosen = service.record_log(log)
        found = chosen.parameters.listed(chosen.log.number, name, size, source)
    if as_json:
        say_json(found)
        return
    if not found:
        say("No parameter is set yet.")
    for one in found:
        where = f"{one.source or 'all sources'}, {one.type or 'all types'}, from {one.applies_from or 'the beginning'}"
        say(f"{one.name.value:14} {where}: {'none' if one.value is None else written(one.value)} (entry {one.entry})")


@group.command("show")
def show(
    name: Named,
    ledger: LedgerOption,
    source: OfSource = None,
    type_: OfType = None,
    at: Annotated[str | None, typer.Option(help="For a record of this moment; by default now.")] = None,
    size: AsOf = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Which value holds for a record of that source and type. Exit code 1 if nobody has set any."""
    with opened(ledger) as service:
        moment = service.clock.now_us() if at is None else parse_utc(utc_of("--at", at))
        chosen = service.record_log(log)
        with service.store.reading() as connection:
            found = chosen.parameters.at(connection, chosen.log.number, size, name, source, type_, moment)
    if as_json:
        say_json(found)
    elif found is None:
        say(f"Nobody has set {name.value} for that: what it judges cannot be assessed.")
    else:
        for member, told in msgspec.structs.asdict(found.value).items():
            say(f"{member:22} {msgspec.json.encode(told).decode()}")
        say(f"{'entry':22} {found.entry}")
    if found is None:
        raise typer.Exit(1)


def _text(value: str) -> str:
    return text_of(Path(value[1:]), "JSON") if value.startswith("@") else value
