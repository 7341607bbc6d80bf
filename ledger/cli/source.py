"""`trailseal source`: register, list and try sources; show what is covered."""

from typing import Annotated

import msgspec
import typer

from collectors.base import CheckReport, Option, Secret
from ledger.cli.ledgers import LedgerOption, LogOption, local, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.core.clock import SystemClock
from ledger.core.errors import ConfigError, InvalidEntry
from ledger.core.sealing import check_members
from ledger.core.source import PUSH, SourceConfig
from ledger.present.times import site_zone

group = typer.Typer(help="Source systems: register, list, try, coverage.", no_args_is_help=True)


class SourceType(msgspec.Struct, frozen=True, kw_only=True):
    """A source type, as `source types` shows it."""

    type: str
    title: str
    options: tuple[Option, ...] = ()
    secrets: tuple[Secret, ...] = ()


@group.command("types")
def types(as_json: AsJson = False) -> None:
    """The source types there are, with their options and secrets."""
    from collectors.registry import COLLECTORS, collector_type

    known = [
        SourceType(type=one.type, title=one.title, options=one.options, secrets=one.secrets)
        for one in map(collector_type, sorted(COLLECTORS))
    ]
    known.append(SourceType(type=PUSH, title="records that are brought: by `trailseal append`, or by the API"))
    if as_json:
        say_json(known)
        return
    for one in known:
        say(f"{one.type}: {one.title}")
        for option in one.options:
            needed = "required" if option.required else f"default {option.default or 'none'}"
            say(f"    --option {option.name}=…  {option.meaning} ({needed})")
        for secret in one.secrets:
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
        list[str] | None,
        typer.Option(help="Member with personal or third-party values, such as actor.name (the default) or reason."),
    ] = None,
    zone: Annotated[str | None, typer.Option(help="IANA zone of the source's times without offset.")] = None,
    owner: Annotated[str | None, typer.Option(help="The role that answers for the source.")] = None,
    untried: Annotated[bool, typer.Option("--untried", help="Register without trying the source.")] = False,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Register a source, after trying it; registering it again changes its configuration.

    Exit code 1 if it could not be read: then it is not registered.
    """
    config = _config(
        id=source_id,
        type=source_type,
        title=title or source_id,
        options=_pairs(option or []),
        secrets=_pairs(secret or []),
        zone=zone,
        owner=owner,
        **({} if seal is None else {"seal": tuple(seal)}),
    )
    report = _tried(config, untried)
    if not report.ok:
        _answer(report, as_json)
        raise typer.Exit(1)
    with opened(ledger) as service:
        index = service.record_log(log).sources.register(config, local(service))
    if as_json:
        say_json({"source": source_id, "entry": index, "checks": report.checks})
        return
    _answer(report, as_json)
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
    if config.type == PUSH:
        raise ConfigError(
            f"source {source_id!r} is of type {PUSH}: there is nothing to try",
            advice="Its records are brought; `trailseal source list` shows the last run.",
        )
    report = _tried(config)
    _answer(report, as_json)
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


def _config(**members: object) -> SourceConfig:
    try:
        config = msgspec.convert(members, SourceConfig)
        check_members(config.seal)
        if config.zone is not None:
            site_zone(config.zone)
    except (msgspec.ValidationError, InvalidEntry) as error:
        advice = error.advice if isinstance(error, InvalidEntry) else "Correct the option; nothing was registered."
        raise ConfigError(f"source {members['id']!r}: {error}", advice=advice) from None
    return config


def _tried(config: SourceConfig, untried: bool = False) -> CheckReport:
    """What came of trying the source; without any check for one that is not to be tried, or brings its records."""
    # Imported here: the sources' own libraries take a second to load, which other commands should not wait for.
    from collectors.registry import COLLECTORS, open_collector

    if config.type == PUSH:
        if config.options or config.secrets:
            raise ConfigError(f"a source of type {PUSH} has neither options nor secrets")
        return CheckReport(checks=())
    if config.type not in COLLECTORS:
        raise ConfigError(
            f"there is no source type {config.type!r}", advice=f"Use one of: {', '.join(sorted([*COLLECTORS, PUSH]))}."
        )
    collector = open_collector(config, SystemClock())
    return CheckReport(checks=()) if untried else collector.check()


def _pairs(texts: list[str]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise ConfigError(f"{text!r} is not NAME=VALUE", advice="Write --option NAME=VALUE.")
        pairs[name] = value
    return pairs


def _answer(report: CheckReport, as_json: bool) -> None:
    if as_json:
        say_json(report)
        return
    for check in report.checks:
        say(f"{'●' if check.ok else '▲'} {check.name}: {check.says}")
        if not check.ok and check.advice:
            say(f"  {check.advice}")
