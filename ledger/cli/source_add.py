"""`trailseal source add`: asks for what is missing, tries the source, shows what it gives, and registers it."""

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from collectors.base import CheckReport, Collector
from collectors.sample import Sample, sample
from ledger.cli.ledgers import LedgerOption, LogOption, local, opened
from ledger.cli.output import AsJson, say, say_json, tell
from ledger.core.clock import SystemClock
from ledger.core.errors import CollectorError, ConfigError
from ledger.core.source import ARCHIVE, BY_HAND, PUSH, SourceConfig
from ledger.present.sentences import record_sentence
from ledger.present.values import plain
from ledger.sources.configuring import read_config

_SECONDS = 5.0
_UNTRIED = frozenset({PUSH, BY_HAND})
"""Types of sources that there is nothing to try of, and nothing to set."""
Ask = Callable[[str, str | None], str]
"""Asks a person: what for, and what is taken when they just press Enter."""


def add_to(group: typer.Typer) -> None:
    """Adds the command."""
    group.command("add")(add)


def add(
    source_id: Annotated[str, typer.Argument(help="The source's id in this ledger; it never changes.")],
    ledger: LedgerOption,
    source_type: Annotated[
        str | None, typer.Option("--type", help="See `trailseal source types`; a template may imply it.")
    ] = None,
    title: Annotated[str | None, typer.Option(help="What people call the system.")] = None,
    option: Annotated[list[str] | None, typer.Option(help="NAME=VALUE, as often as needed.")] = None,
    secret: Annotated[list[str] | None, typer.Option(help="NAME=file:PATH or NAME=env:VARIABLE.")] = None,
    mapping: Annotated[str | None, typer.Option(help="What its items mean: a template's name, or a TOML file.")] = None,
    seal: Annotated[
        list[str] | None,
        typer.Option(help="Member with personal or third-party values, such as actor.name (the default) or reason."),
    ] = None,
    zone: Annotated[str | None, typer.Option(help="IANA zone of the source's times without offset.")] = None,
    owner: Annotated[str | None, typer.Option(help="The role that answers for the source.")] = None,
    untried: Annotated[bool, typer.Option("--untried", help="Register without trying the source.")] = False,
    only_try: Annotated[bool, typer.Option("--try", help="Try it and show what it gives; register nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before registering.")] = False,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Register a source, after trying it; registering it again changes its configuration.

    At a terminal it asks for what is missing, shows the first records as they will be stored, and says what the source
    cannot tell. Nothing is taken from the source until `trailseal collect`. Exit code 1 if it could not be read: then
    it is not registered.
    """
    # Imported here: TOML files are read at once, drivers' libraries only when their type is chosen.
    from collectors.mapping.templates import mapping_text

    ask = _ask if sys.stdin.isatty() and not as_json else None
    text = None if mapping is None else mapping_text(mapping)
    chosen = source_type or _implied(text) or (ask("source type (see `trailseal source types`)", None) if ask else None)
    if chosen is None:
        raise ConfigError("no source type is given", advice="Add --type; see `trailseal source types`.")
    options, secrets = read_pairs(option or []), read_pairs(secret or [])
    if ask is not None and chosen not in _UNTRIED:
        text = text or _asked_mapping(chosen, ask)
        _ask_missing(chosen, text, options, secrets, ask)
    config = read_config(
        id=source_id,
        type=chosen,
        title=title or source_id,
        options=options,
        secrets=secrets,
        zone=zone,
        owner=owner,
        mapping=text,
        **({} if seal is None else {"seal": tuple(seal)}),
    )
    report = tried(config, untried)
    if not report.readable:
        answer(report, as_json)
        raise typer.Exit(1)
    shown = None if untried or chosen in _UNTRIED else _shown(config)
    lacks = () if chosen in _UNTRIED else _lacking(config)
    if not as_json:
        answer(report, as_json)
        _say_sample(shown)
        for lack in lacks:
            say(f"▲ this source cannot tell: {lack}")
    index = None
    if not only_try and _agreed(ask, yes):
        with opened(ledger) as service:
            index = service.record_log(log).sources.register(config, local(service))
    if as_json:
        say_json({"source": source_id, "entry": index, "checks": report.checks, "lacks": lacks, "sample": shown})
    else:
        say(f"Source {source_id} is registered: entry {index}." if index is not None else "Nothing was registered.")


def tried(config: SourceConfig, untried: bool = False) -> CheckReport:
    """What came of trying the source; without any check for one that is not to be tried, or brings its records."""
    from collectors.registry import COLLECTORS

    if config.type in _UNTRIED:
        if config.options or config.secrets or config.mapping:
            raise ConfigError(f"a source of type {config.type} has no options, secrets or mapping")
        return CheckReport(checks=())
    if config.type == ARCHIVE:
        raise ConfigError(
            "an old audit trail is imported, not collected",
            advice="Import its file: `trailseal import FILE --source ID`.",
        )
    if config.type not in COLLECTORS:
        raise ConfigError(
            f"there is no source type {config.type!r}",
            advice=f"Use one of: {', '.join(sorted([*COLLECTORS, *_UNTRIED]))}.",
        )
    collector = _opened(config)
    return CheckReport(checks=()) if untried else collector.check()


def answer(report: CheckReport, as_json: bool) -> None:
    """Says what was tried and what came of it."""
    if as_json:
        say_json(report)
        return
    for check in report.checks:
        say(f"{'●' if check.ok else '▲'} {check.name}: {check.says}")
        if not check.ok and check.advice:
            say(f"  {check.advice}")


def _opened(config: SourceConfig) -> Collector:
    from collectors.registry import open_collector

    return open_collector(config, SystemClock())


def _lacking(config: SourceConfig) -> tuple[str, ...]:
    from collectors.facts import unsaid

    source = _opened(config)
    return (*source.lacks, *unsaid(source.tells))


def _shown(config: SourceConfig) -> Sample | None:
    try:
        return sample(_opened(config), _SECONDS)
    except CollectorError as error:
        tell(f"No sample could be read: {error.message}. {error.advice}")
        return None


def _say_sample(shown: Sample | None) -> None:
    if shown is None:
        return
    if not shown.submissions:
        say(f"It gave no record within {_SECONDS:.0f} s: let somebody change something there, and try again.")
    for submission in shown.submissions:
        record = submission.record
        say(f"  {record.occurred_at.text}  {plain(record_sentence(record))}")
    for one in shown.rejected:
        say(f"▲ would be quarantined: {one.reason}")


def _agreed(ask: Ask | None, yes: bool) -> bool:
    return yes or ask is None or typer.confirm("Register this source?", default=True, err=True)


def _ask(what: str, default: str | None) -> str:
    given: str = typer.prompt(what, default=default or "", show_default=bool(default), err=True)
    return given.strip()


def _implied(text: str | None) -> str | None:
    """The type that a mapping is for, where it is for one only."""
    from collectors.mapping.model import read_mapping

    drivers = () if text is None else read_mapping(text).drivers
    return drivers[0] if len(drivers) == 1 else None


def _asked_mapping(source_type: str, ask: Ask) -> str | None:
    from collectors.mapping.templates import mapping_text, templates
    from collectors.registry import collector_type

    if not collector_type(source_type).mapped:
        return None
    fitting = [one.name for one in templates() if source_type in one.mapping.drivers]
    tell(f"Templates for {source_type}: {', '.join(fitting) or 'none'}")
    return mapping_text(ask("mapping (template or file)", fitting[0] if len(fitting) == 1 else None))


def _ask_missing(
    source_type: str, text: str | None, options: dict[str, str], secrets: dict[str, str], ask: Ask
) -> None:
    """Asks for the required options and secrets that were not given."""
    from collectors.mapping.model import read_mapping
    from collectors.registry import collector_type

    kind = collector_type(source_type)
    given = {} if text is None else read_mapping(text).options
    for option in kind.options:
        if option.required and not (options.get(option.name) or given.get(option.name)):
            options[option.name] = ask(f"{option.name}: {option.meaning}", option.default)
    for secret in kind.secrets:
        if secret.required and not secrets.get(secret.name):
            secrets[secret.name] = ask(
                f"where is the secret {secret.name} ({secret.meaning}): file:PATH or env:NAME", None
            )


def read_pairs(texts: list[str]) -> dict[str, str]:
    """NAME=VALUE as options give them; raises ConfigError for what is none."""
    pairs = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise ConfigError(f"{text!r} is not NAME=VALUE", advice="Write --option NAME=VALUE.")
        pairs[name] = value
    return pairs
