"""`trailseal map`: whose an account is, where a tag stands, which shifts are worked; dated entries."""

import io
import tomllib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from ledger.changes.proposing import Proposed
from ledger.cli.configuring import AsPerson, Request, Why, enter, say_proposed, setting
from ledger.cli.files import text_of
from ledger.cli.instants import utc_of
from ledger.cli.ledgers import LedgerOption, LogOption, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.core.authority import Authority
from ledger.core.clock import parse_utc
from ledger.core.errors import ConfigError, RowsRefused, SchemaViolation
from ledger.core.record import ActorKind
from ledger.sources.map_files import read_assets, read_identities
from ledger.sources.map_kinds import AssetMapped2, CalendarSet, IdentityMapped2, Shift
from ledger.sources.maps import MapEntry

group = typer.Typer(help="Dated maps: identities, assets, calendars.", no_args_is_help=True)

Reason = Annotated[str, typer.Option(help="Why, such as the list or drawing it is from; it stands in the entry.")]
Since = Annotated[str, typer.Option("--from", help="Since when, such as 2026-01-01T00:00:00Z.")]
Until = Annotated[str | None, typer.Option("--to", help="Until when; without it, until replaced.")]
Zone = Annotated[str | None, typer.Option(help="IANA zone of times without offset; by default the site's.")]
At = Annotated[str | None, typer.Option(help="Answer for this moment; by default now.")]
AsOf = Annotated[int | None, typer.Option("--size", help="Answer as of this size of the log.", min=0)]


@group.command("identity")
def identity(
    source: Annotated[str, typer.Argument(help="The source that has the account.")],
    account: Annotated[str, typer.Argument(help="The account, as the source names it.")],
    ledger: LedgerOption,
    valid_from: Since,
    person: Annotated[
        str | None, typer.Option(help="The id of the person; without it the account is nobody's.")
    ] = None,
    kind: Annotated[ActorKind, typer.Option(help="What sort of actor it stands for.")] = ActorKind.PERSON,
    shared: Annotated[bool, typer.Option("--shared", help="Several people use it: it is nobody's.")] = False,
    valid_to: Until = None,
    reason: Reason = "set at the terminal",
    request: Request = None,
    by: AsPerson = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Say whose an account is, from a time on. The same account and time again corrects what was said."""

    def entry(authority: Authority) -> MapEntry:
        return IdentityMapped2(
            source=source,
            account=account,
            person=person,
            kind=kind,
            shared=shared,
            valid_from=utc_of("--from", valid_from),
            valid_to=None if valid_to is None else utc_of("--to", valid_to),
            reason=reason,
            authority=authority,
        )

    _put(ledger, log, lambda authority: [entry(authority)], Why(reason, request, by), as_json)


@group.command("asset")
def asset(
    source: Annotated[str, typer.Argument(help="The source that has the tag.")],
    tag: Annotated[str, typer.Argument(help="The tag, node or location, as the source names it.")],
    ledger: LedgerOption,
    valid_from: Since,
    site: Annotated[str | None, typer.Option(help="Site (ISA-95).")] = None,
    area: Annotated[str | None, typer.Option(help="Area.")] = None,
    line: Annotated[str | None, typer.Option(help="Line or process cell.")] = None,
    unit: Annotated[str | None, typer.Option(help="Unit.")] = None,
    equipment: Annotated[str | None, typer.Option(help="The id by which records link to it.")] = None,
    description: Annotated[str | None, typer.Option(help="What it is.")] = None,
    gxp: Annotated[bool, typer.Option("--gxp/--no-gxp", help="Whether it bears on product quality.")] = True,
    asset_class: Annotated[
        str | None, typer.Option("--class", help="What sort of asset it is, by which parameters apply: reactor.")
    ] = None,
    critical: Annotated[
        bool, typer.Option("--critical", help="Its records belong to batches: one that belongs to none is listed.")
    ] = False,
    valid_to: Until = None,
    reason: Reason = "set at the terminal",
    request: Request = None,
    by: AsPerson = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Say where a tag stands in the equipment hierarchy, from a time on."""

    def entry(authority: Authority) -> MapEntry:
        return AssetMapped2(
            source=source,
            tag=tag,
            site=site,
            area=area,
            line=line,
            unit=unit,
            equipment=equipment,
            description=description,
            gxp=gxp,
            asset_class=asset_class,
            critical=critical,
            valid_from=utc_of("--from", valid_from),
            valid_to=None if valid_to is None else utc_of("--to", valid_to),
            reason=reason,
            authority=authority,
        )

    _put(ledger, log, lambda authority: [entry(authority)], Why(reason, request, by), as_json)


@group.command("calendar")
def calendar(
    file: Annotated[
        Path, typer.Argument(help="TOML: calendar, zone, closed = [days], [[shifts]] with name, days, start, end.")
    ],
    ledger: LedgerOption,
    valid_from: Since,
    valid_to: Until = None,
    reason: Reason = "set at the terminal",
    request: Request = None,
    by: AsPerson = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Say which shifts are worked, from a time on."""
    try:
        told = tomllib.loads(file.read_text(encoding="utf-8"))
        shifts = msgspec.convert(told.get("shifts", []), tuple[Shift, ...])
        closed = tuple(str(day) for day in told.get("closed", []))
    except (OSError, ValueError, msgspec.ValidationError) as error:
        raise ConfigError(f"{file} is no calendar: {error}", advice="See `trailseal map calendar --help`.") from None

    def entry(authority: Authority) -> MapEntry:
        return CalendarSet(
            calendar=str(told.get("calendar", "")),
            zone=str(told.get("zone", "UTC")),
            shifts=shifts,
            closed=closed,
            valid_from=utc_of("--from", valid_from),
            valid_to=None if valid_to is None else utc_of("--to", valid_to),
            reason=reason,
            authority=authority,
        )

    _put(ledger, log, lambda authority: [entry(authority)], Why(reason, request, by), as_json)


@group.command("import")
def import_file(
    what: Annotated[str, typer.Argument(help="identities or assets.")],
    file: Annotated[Path, typer.Argument(help="A CSV file whose first line names the columns.")],
    ledger: LedgerOption,
    zone: Zone = None,
    reason: Reason = "imported at the terminal",
    request: Request = None,
    by: AsPerson = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Take a whole list. Nothing of it is stored if a line is wrong; the line is named.

    Identities: source, account, person, kind, shared, valid_from, valid_to. Assets: source, tag, site, area, line,
    unit, equipment, description, gxp, asset_class, critical, valid_from, valid_to.
    """
    readers: dict[str, Any] = {"identities": read_identities, "assets": read_assets}
    if what not in readers:
        raise ConfigError(f"{what!r} is no map that can be imported", advice="Use identities or assets.")
    lines = list(io.StringIO(text_of(file, "CSV"), newline=""))
    _put(
        ledger, log, lambda authority: readers[what](lines, reason, zone, authority), Why(reason, request, by), as_json
    )


@group.command("list")
def show(
    what: Annotated[str, typer.Argument(help="identities, assets or calendars.")],
    ledger: LedgerOption,
    source: Annotated[str | None, typer.Option(help="Of this source only.")] = None,
    size: AsOf = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """All that a map says, now or as of a size of the log."""
    with opened(ledger) as service:
        maps = service.record_log(log).maps
        readers: dict[str, Callable[[], Sequence[msgspec.Struct]]] = {
            "identities": lambda: maps.identities(source, size),
            "assets": lambda: maps.assets(source, size),
            "calendars": lambda: maps.calendars(size),
        }
        if what not in readers:
            raise ConfigError(f"{what!r} is no map", advice="Use identities, assets or calendars.")
        found = readers[what]()
    if as_json:
        say_json(found)
        return
    if not found:
        say(f"No {what} are mapped yet.")
    for row in found:
        told = {name: value for name, value in msgspec.structs.asdict(row).items() if value is not None}
        say("  ".join(f"{name} {value}" for name, value in told.items()))


@group.command("who")
def who(
    source: Annotated[str, typer.Argument(help="The source that has the account.")],
    account: Annotated[str, typer.Argument(help="The account.")],
    ledger: LedgerOption,
    at: At = None,
    size: AsOf = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Whose an account was at a moment. Exit code 1 if no map says."""
    with opened(ledger) as service:
        moment = service.clock.now_us() if at is None else parse_utc(utc_of("--at", at))
        found = service.record_log(log).maps.person(source, account, moment, size)
    _answer(found, as_json, f"No map says whose account {account} of {source} was.")


@group.command("where")
def where(
    source: Annotated[str, typer.Argument(help="The source that has the tag.")],
    tag: Annotated[str, typer.Argument(help="The tag.")],
    ledger: LedgerOption,
    at: At = None,
    size: AsOf = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Where a tag stood at a moment. Exit code 1 if no map says."""
    with opened(ledger) as service:
        moment = service.clock.now_us() if at is None else parse_utc(utc_of("--at", at))
        found = service.record_log(log).maps.place(source, tag, moment, size)
    _answer(found, as_json, f"No map says where {tag} of {source} stood.")


def _answer(found: msgspec.Struct | None, as_json: bool, nothing: str) -> None:
    if as_json:
        say_json(found)
    elif found is None:
        say(nothing)
    else:
        for name, value in msgspec.structs.asdict(found).items():
            say(f"{name:12} {'-' if value is None else value}")
    if found is None:
        raise typer.Exit(1)


def _put(
    ledger: Path, log: str | None, entries: Callable[[Authority], Iterable[MapEntry]], why: Why, as_json: bool
) -> None:
    with opened(ledger) as service, setting(service, why) as authority:
        try:
            made = enter(service, service.record_log(log).log, list(entries(authority)), why, authority)
        except RowsRefused as error:
            faults = (
                f"line {fault.line}{'' if fault.column is None else f', {fault.column}'}: {fault.what}"
                for fault in error.faults
            )
            raise ConfigError("; ".join(faults), advice=error.advice) from None
        except SchemaViolation as error:
            raise ConfigError(error.message, advice=error.advice) from None
    if isinstance(made, Proposed):
        say_proposed(made, as_json)
    elif as_json:
        say_json({"entries": made})
    elif len(made) == 1:
        say(f"Entry {made[0]}.")
    else:
        say(f"{len(made)} entries{f': {made[0]} to {made[-1]}' if made else ''}.")
