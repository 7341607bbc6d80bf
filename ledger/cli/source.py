"""`trailseal source`: the types and templates there are; register, list and try sources; show what is covered."""

import msgspec
import typer

from collectors.base import Option, Secret
from ledger.cli import reconcile, source_add, source_change, source_complete, source_life, source_mapping
from ledger.cli.ledgers import LedgerOption, LogOption, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.cli.source_add import tried
from ledger.core.errors import ConfigError
from ledger.core.source import BY_HAND, PUSH, UNCOLLECTED

group = typer.Typer(help="Source systems: types and templates, register, list, try, coverage.", no_args_is_help=True)
source_add.add_to(group)
source_change.add_to(group)
source_mapping.add_to(group)
source_life.add_to(group)
source_complete.add_to(group)
reconcile.add_to(group)


class SourceType(msgspec.Struct, frozen=True, kw_only=True):
    """A source type, as `source types` shows it."""

    type: str
    title: str
    options: tuple[Option, ...] = ()
    secrets: tuple[Secret, ...] = ()
    mapped: bool = False
    lacks: tuple[str, ...] = ()


@group.command("types")
def types(as_json: AsJson = False) -> None:
    """The source types there are, with their options and secrets."""
    # Imported here: the sources' own libraries take seconds to load, which other commands should not wait for.
    from collectors.facts import unsaid
    from collectors.registry import COLLECTORS, IMPORTED, collector_type

    known = [
        SourceType(
            type=one.type,
            title=one.title,
            options=one.options,
            secrets=one.secrets,
            mapped=one.mapped,
            lacks=(*one.lacks, *unsaid(one.tells)),
        )
        for one in map(collector_type, [*sorted(COLLECTORS), *IMPORTED])
    ]
    known.append(SourceType(type=PUSH, title="records that are brought: by `trailseal append`, or by the API"))
    known.append(SourceType(type=BY_HAND, title="what no system records, entered by people: `trailseal hand enter`"))
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
        if one.mapped:
            say("    --mapping TEMPLATE or FILE  what its items mean (see `trailseal source templates`)")
        for lack in one.lacks:
            say(f"    cannot tell: {lack}")


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
    if config.type in UNCOLLECTED:
        raise ConfigError(
            f"source {source_id!r} is of type {config.type}: there is nothing to try",
            advice="Its records are brought, imported or entered; `trailseal source list` shows the last run.",
        )
    report = tried(config)
    source_add.answer(report, as_json)
    if not report.ok:
        raise typer.Exit(1)
