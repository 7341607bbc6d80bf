"""`trailseal source change`: another configuration of a source that is there, under a change request."""

from typing import Annotated, Any

import typer

from collectors.base import CheckReport
from ledger.changes.proposing import Proposed
from ledger.cli.configuring import AsPerson, Request, Why, enter, say_proposed, setting
from ledger.cli.ledgers import LedgerOption, LogOption, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.cli.source_add import answer, read_pairs, tried
from ledger.core.errors import ConfigError
from ledger.core.retention import RetentionClass
from ledger.core.source import ARCHIVE
from ledger.sources.configuring import configured_otherwise
from ledger.sources.kinds import SourceRegistered


def add_to(group: typer.Typer) -> None:
    """Adds the command."""
    group.command("change")(change)


def change(
    source_id: Annotated[str, typer.Argument(help="The source.")],
    ledger: LedgerOption,
    reason: Annotated[str, typer.Option(help="Why; it stands in the change.")],
    option: Annotated[list[str] | None, typer.Option(help="NAME=VALUE, in place of what it has.")] = None,
    without: Annotated[list[str] | None, typer.Option(help="An option that it has no longer.")] = None,
    seal: Annotated[list[str] | None, typer.Option(help="A member to be sealed; all of them.")] = None,
    zone: Annotated[str | None, typer.Option(help="IANA zone of its times without offset.")] = None,
    retention: Annotated[RetentionClass | None, typer.Option("--class", help="Class its records are kept by.")] = None,
    untried: Annotated[bool, typer.Option("--untried", help="Do not try the source so configured.")] = False,
    request: Request = None,
    by: AsPerson = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Configure a source that is there otherwise, after trying it so; a validated source is to be validated anew.

    What is not named stays. Exit code 1 if it could not be read so: then nothing is proposed.
    """
    why = Why(reason, request, by)
    with opened(ledger) as service:
        chosen = service.record_log(log)
        now = chosen.sources.get(source_id)
        options = {name: value for name, value in now.options.items() if name not in (without or [])}
        members: dict[str, Any] = {"options": options | read_pairs(option or [])}
        members |= {} if seal is None else {"seal": tuple(seal)}
        members |= {} if zone is None else {"zone": zone}
        members |= {} if retention is None else {"retention": retention}
        config = configured_otherwise(now, members)
        if config == now:
            raise ConfigError(f"source {source_id!r} is configured so already", advice="Name what is to be otherwise.")
        report = CheckReport(checks=()) if config.type == ARCHIVE else tried(config, untried)
        if not report.readable:
            answer(report, as_json)
            raise typer.Exit(1)
        with setting(service, why) as authority:
            made = enter(service, chosen.log, [SourceRegistered.of(config, authority)], why, authority)
    if isinstance(made, Proposed):
        say_proposed(made, as_json)
    elif as_json:
        say_json({"entry": made[0]})
    else:
        say(f"Source {source_id} is configured so: entry {made[0]}.")
