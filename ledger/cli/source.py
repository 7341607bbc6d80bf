"""`trailseal source`: register, list and try sources; show what is covered."""

from typing import Annotated

import typer

from collectors.base import CheckReport
from collectors.registry import COLLECTORS, open_collector
from ledger.cli.ledgers import LedgerOption, LogOption, local, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.core.clock import SystemClock
from ledger.core.errors import ConfigError
from ledger.core.source import SourceConfig

group = typer.Typer(help="Source systems: register, list, try, coverage.", no_args_is_help=True)


@group.command("types")
def types(as_json: AsJson = False) -> None:
    """The source types there are, with their options and secrets."""
    if as_json:
        say_json(
            [
                {"type": kind.type, "title": kind.title, "options": kind.options, "secrets": kind.secrets}
                for kind in COLLECTORS.values()
            ]
        )
        return
    for kind in COLLECTORS.values():
        say(f"{kind.type}: {kind.title}")
        for option in kind.options:
            needed = "required" if option.required else f"default {option.default or 'none'}"
            say(f"    --option {option.name}=…  {option.meaning} ({needed})")
        for secret in kind.secrets:
            say(f"    --secret {secret.name}=file:PATH or env:NAME  {secret.meaning}")


@group.command("add")
def add(
    source_id: Annotated[str, typer.Argument(help="The source's id in this ledger; it never changes.")],
    source_type: Annotated[str, typer.Option("--type", help="See `trailseal source types`.")],
    ledger: LedgerOption,
    title: Annotated[str | None, typer.Option(help="What people call the system.")] = None,
    option: Annotated[list[str] | None, typer.Option(help="NAME=VALUE, as often as needed.")] = None,
    secret: Annotated[list[str] | None, typer.Option(help="NAME=file:PATH or NAME=env:VARIABLE.")] = None,
    seal: Annotated[
        list[str] | None, typer.Option(help="Member with personal or third-party values, such as actor.name.")
    ] = None,
    zone: Annotated[str | None, typer.Option(help="IANA zone of the source's times without offset.")] = None,
    owner: Annotated[str | None, typer.Option(help="The role that answers for the source.")] = None,
    untried: Annotated[bool, typer.Option("--untried", help="Register without trying the source.")] = False,
    log: LogOption = None,
) -> None:
    """Register a source, after trying it; registering it again changes its configuration."""
    config = SourceConfig(
        id=source_id,
        type=source_type,
        title=title or source_id,
        options=_pairs(option or []),
        secrets=_pairs(secret or []),
        seal=tuple(seal) if seal is not None else SourceConfig(id="x", type="x", title="x").seal,
        zone=zone,
        owner=owner,
    )
    collector = open_collector(config, SystemClock())
    if not untried and not _try(collector.check()):
        raise typer.Exit(1)
    with opened(ledger) as service:
        index = service.record_log(log).sources.register(config, local(service))
        say(f"Source {source_id} is registered: entry {index}.")


@group.command("list")
def list_sources(ledger: LedgerOption, log: LogOption = None, as_json: AsJson = False) -> None:
    """The registered sources, with their last run."""
    with opened(ledger) as service:
        chosen = service.record_log(log)
        found = [(config, chosen.ingest.state(config.id)) for config in chosen.sources.list()]
    if as_json:
        say_json([{"source": config, "last_run": state.last_run_ended_at} for config, state in found])
        return
    if not found:
        say("No source is registered yet. Add one: trailseal source add ID --type TYPE")
    for config, state in found:
        say(f"{config.id:20} {config.type:10} {config.title:30} last run {state.last_run_ended_at or 'never'}")


@group.command("test")
def try_registered(source_id: str, ledger: LedgerOption, log: LogOption = None, as_json: AsJson = False) -> None:
    """Try a registered source: reachability, rights, clock. Exit code 1 if anything does not hold."""
    with opened(ledger) as service:
        config = service.record_log(log).sources.get(source_id)
    report = open_collector(config, SystemClock()).check()
    if as_json:
        say_json(report)
    elif _try(report):
        return
    if not report.ok:
        raise typer.Exit(1)


@group.command("coverage")
def coverage(source_id: str, ledger: LedgerOption, log: LogOption = None, as_json: AsJson = False) -> None:
    """What is covered of a source, run by run: since when, until when, where it could not be reached, what is a gap."""
    with opened(ledger) as service:
        chosen = service.record_log(log)
        spans = list(chosen.coverage(source_id))
    if as_json:
        say_json(spans)
        return
    if not spans:
        say(f"Source {source_id} has not been collected yet: nothing is covered.")
    for span in spans:
        say(f"{span.after}  {span.before}  {span.state.value:12} run {span.run}  {span.reason}")


def _pairs(texts: list[str]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise ConfigError(f"{text!r} is not NAME=VALUE")
        pairs[name] = value
    return pairs


def _try(report: CheckReport) -> bool:
    for check in report.checks:
        say(f"{'●' if check.ok else '▲'} {check.name}: {check.says}")
        if not check.ok and check.advice:
            say(f"  {check.advice}")
    return report.ok
