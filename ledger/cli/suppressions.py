"""`trailseal rules suppress|suppressions`: findings that are looked past for a time, in a scope."""

from typing import Annotated

import typer

from ledger.cli.configuring import AsPerson, Request, Why, enter_one, setting
from ledger.cli.instants import utc_of
from ledger.cli.ledgers import LedgerOption, LogOption, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.cli.reading import reading_as_of
from ledger.core.clock import utc_text
from ledger.core.errors import ConfigError
from ledger.core.ruling import Suppression
from ledger.review.life.suppressions import revoking, suppressions


def add_to(group: typer.Typer) -> None:
    """Adds these commands to `trailseal rules`."""
    group.command("suppress")(suppress)
    group.command("suppressions")(show)


def suppress(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="The rule, such as D11.")],
    ledger: LedgerOption,
    reason: Annotated[str, typer.Option(help="Why; it stands in the entry.")],
    until: Annotated[
        str | None, typer.Option(help="Before which instant it ends, such as 2026-06-30T00:00:00Z.")
    ] = None,
    since: Annotated[str | None, typer.Option("--from", help="Since when; by default from now on.")] = None,
    source: Annotated[str | None, typer.Option(help="Of this source only.")] = None,
    type_: Annotated[str | None, typer.Option("--type", help="About objects of this type only.")] = None,
    object_: Annotated[
        str | None, typer.Option("--object", help="About this object only, by its id in the source.")
    ] = None,
    revoke: Annotated[bool, typer.Option("--revoke", help="End the suppression of that scope now.")] = False,
    request: Request = None,
    by: AsPerson = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Look past what a rule finds in a scope, until a date. The findings stay, and show it."""
    if (until is None) is not revoke or (since is not None and revoke):
        raise ConfigError("a suppression ends", advice="Give --until; with --revoke neither --until nor --from.")
    why = Why(reason, request, by)
    with opened(ledger) as service, setting(service, why) as authority:
        chosen = service.record_log(log).log
        entry = Suppression(
            rule=rule,
            since=utc_text(service.clock.now_us()) if since is None else utc_of("--from", since),
            until="" if until is None else utc_of("--until", until),
            source=source,
            object_type=type_,
            object_id=object_,
            reason=reason,
            authority=authority,
        )
        if revoke:
            with service.store.reading() as connection:
                entry = revoking(connection, chosen.number, entry)
        enter_one(service, chosen, entry, why, authority, as_json)


def show(
    ledger: LedgerOption,
    size: Annotated[int | None, typer.Option("--size", min=0, help="As of this size of the log, not of now.")] = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """What is looked past, what will be, and what no longer is, but for what was revoked."""
    with reading_as_of(ledger, log, size) as (service, chosen, reader, at_size):
        found = suppressions(reader.connection, chosen.log.number, at_size, service.clock.now_us())
    if as_json:
        say_json(found)
        return
    for one in found:
        scope = f"{one.source or 'all sources'}, {one.object_type or 'all types'}, {one.object_id or 'all objects'}"
        held = "in force" if one.in_force else "not in force"
        say(f"{one.entry:>9}  {one.rule}  {scope}: from {one.since} to {one.until}, {held}; {one.by}: {one.reason}")
    if not found:
        say("nothing is suppressed")
