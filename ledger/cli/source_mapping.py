"""`trailseal source templates`, `try-mapping` and `mapping`: which mappings come with Trailseal, what one makes of an
item, and another mapping for a source.
"""

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from ledger.changes.proposing import Proposed
from ledger.cli.configuring import AsPerson, Request, Why, enter, say_proposed, setting
from ledger.cli.ledgers import LedgerOption, LogOption, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.core.clock import SystemClock
from ledger.core.errors import ConfigError, SkippableRecord
from ledger.core.record import Original, Record
from ledger.core.source import SourceConfig
from ledger.core.times import SafeInt
from ledger.present.sentences import record_sentence
from ledger.present.values import plain
from ledger.sources.kinds import MappingAdopted

MappingOption = Annotated[str, typer.Option("--mapping", help="A template's name, or a TOML file.")]


class TemplateRow(msgspec.Struct, frozen=True, kw_only=True):
    """A template, as `source templates` shows it."""

    name: str
    version: int
    title: str
    system: str | None
    drivers: tuple[str, ...]
    was_run: bool
    lacks: tuple[str, ...]


class Tried(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a mapping makes of an original: the record or the reason.

    `same`: whether it is the record that the ledger holds; null where that holds sealed values.
    """

    record: Record | None = None
    reason: str | None = None
    entry: SafeInt | None = None
    same: bool | None = None


def add_to(group: typer.Typer) -> None:
    """Adds the commands."""
    group.command("templates")(show_templates)
    group.command("try-mapping")(try_mapping)
    group.command("mapping")(adopt)


def show_templates(
    name: Annotated[str | None, typer.Argument(help="Show this template's file instead.")] = None,
    as_json: AsJson = False,
) -> None:
    """The mappings of common products that come with Trailseal. Copy one to a file to change it."""
    from collectors.mapping.templates import template, templates

    if name is not None:
        typer.echo(template(name).text, nl=False)
        return
    rows = [
        TemplateRow(
            name=one.name,
            version=one.mapping.version,
            title=one.mapping.title,
            system=one.mapping.system,
            drivers=one.mapping.drivers,
            was_run=one.was_run,
            lacks=one.mapping.lacks,
        )
        for one in templates()
    ]
    if as_json:
        say_json(rows)
        return
    for row in rows:
        run = "" if row.was_run else "  (after the documented shape, not run against the product)"
        say(f"{row.name:28} {', '.join(row.drivers):16} {row.title}{run}")


def try_mapping(
    mapping: MappingOption,
    ledger: Annotated[
        Path | None, typer.Option("--ledger", envvar="TRAILSEAL_LEDGER", help="The ledger's folder, with --source.")
    ] = None,
    source: Annotated[str | None, typer.Option(help="A registered source, with --last.")] = None,
    last: Annotated[int, typer.Option(help="Try it on the originals of the source's last N records.", min=1)] = 10,
    source_type: Annotated[str | None, typer.Option("--type", help="The type whose items FILE holds.")] = None,
    option: Annotated[list[str] | None, typer.Option(help="NAME=VALUE, as the source would have it.")] = None,
    zone: Annotated[str | None, typer.Option(help="IANA zone of times without offset.")] = None,
    file: Annotated[Path | None, typer.Option(help="One original; - is standard input.")] = None,
    lines: Annotated[bool, typer.Option("--lines", help="Each line of FILE is an original.")] = False,
    media_type: Annotated[str, typer.Option(help="The media type of FILE's originals.")] = "application/json",
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Show what a mapping makes of originals: of each the record, or the reason why it is none.

    Either of originals that the ledger holds (--source), compared with the records made of them when they came; or of
    a file's (--type, --file). Nothing is stored. Exit code 1 if an original gave no record.
    """
    from collectors.mapping.templates import mapping_text

    text = mapping_text(mapping)
    if source is not None and ledger is not None:
        results = _from_ledger(text, ledger, source, last, log)
    elif source_type is not None and file is not None:
        config = SourceConfig(
            id="tried",
            type=source_type,
            title="tried",
            options=dict(pair.split("=", 1) for pair in option or [] if "=" in pair),
            zone=zone,
            mapping=text,
        )
        data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        parts = data.splitlines() if lines else [data]
        results = [
            _tried(config, Original(data=part, media_type=media_type, parser="", parser_version="")) for part in parts
        ]
    else:
        raise ConfigError("nothing to try it on", advice="Name --source, or --type and --file.")
    if as_json:
        say_json(results)
    else:
        for result in results:
            _say(result)
    if any(result.record is None for result in results):
        raise typer.Exit(1)


def adopt(
    source: Annotated[str, typer.Argument(help="The source.")],
    mapping: MappingOption,
    ledger: LedgerOption,
    reason: Annotated[str, typer.Option(help="Why; it stands in the change.")],
    request: Request = None,
    by: AsPerson = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Give a source another mapping, for what comes from now on; a validated source is to be validated anew."""
    from collectors.mapping.templates import mapping_text

    text, why = mapping_text(mapping), Why(reason, request, by)
    with opened(ledger) as service, setting(service, why) as authority:
        chosen = service.record_log(log)
        chosen.sources.get(source)
        made = enter(
            service, chosen.log, [MappingAdopted(source=source, text=text, authority=authority)], why, authority
        )
    if isinstance(made, Proposed):
        say_proposed(made, as_json)
    elif as_json:
        say_json({"entry": made[0]})
    else:
        say(f"Source {source} has that mapping: entry {made[0]}.")


def _say(result: Tried) -> None:
    place = "" if result.entry is None else f"entry {result.entry}: "
    if result.record is None:
        say(f"▲ {place}{result.reason}")
        return
    changed = "" if result.same is not False else "  (another record than the ledger holds)"
    record = result.record
    say(f"{place}{record.occurred_at.text}  {plain(record_sentence(record))}  [{record.source_record_id}]{changed}")


def _from_ledger(text: str, ledger: Path, source: str, last: int, log: str | None) -> list[Tried]:
    with opened(ledger) as service:
        chosen = service.record_log(log)
        config = msgspec.structs.replace(chosen.sources.get(source), mapping=text)
        found = []
        for kept in chosen.last_originals(source, last):
            result = _tried(config, kept.original)
            same = None if result.record is None or kept.sealed else result.record == kept.record
            found.append(msgspec.structs.replace(result, entry=kept.index, same=same))
        return found


def _tried(config: SourceConfig, original: Original) -> Tried:
    from collectors.registry import collector_type

    kind = collector_type(config.type)
    # Neither is needed to read an original; what must be given for the source itself need not be given here.
    options = {option.name: option.default or "-" for option in kind.options if option.required}
    secrets = {secret.name: "-" for secret in kind.secrets if secret.required}
    complete = msgspec.structs.replace(config, options={**options, **config.options})
    try:
        record = kind(complete, secrets, SystemClock()).derive(original)
        return Tried(record=msgspec.convert(msgspec.to_builtins(record), Record))
    except (SkippableRecord, msgspec.ValidationError) as error:
        return Tried(reason=str(error))
