"""`trailseal rules statistics`: what came of each rule over time."""

from typing import Annotated

import typer

from ledger.cli.ledgers import LedgerOption, LogOption
from ledger.cli.output import AsJson, say, say_json
from ledger.cli.reading import reading_as_of
from ledger.core.errors import ConfigError, SchemaViolation
from ledger.review.alcoa.totals import Days
from ledger.review.known.days import Period
from ledger.review.reviews.rule_statistics import rule_statistics


def add_to(group: typer.Typer) -> None:
    """Adds the command to `trailseal rules`."""
    group.command("statistics")(statistics)


def statistics(
    ledger: LedgerOption,
    rule: Annotated[str | None, typer.Option("--rule", help="Of this rule only.")] = None,
    period: Annotated[
        Period | None, typer.Option(help="How long a time is counted together; without it all days.")
    ] = None,
    since: Annotated[str | None, typer.Option("--from", help="Since this day (UTC), as 2026-11-25.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="Until this day, included.")] = None,
    size: Annotated[int | None, typer.Option("--size", min=0, help="As of this size of the log, not of now.")] = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """How much each rule flagged, what of that was closed, looked past or judged, and what it missed."""
    try:
        days = Days.read(since, until)
    except SchemaViolation as error:
        raise ConfigError(error.message, advice=error.advice) from None
    with reading_as_of(ledger, log, size) as (service, chosen, reader, at_size):
        now_us = service.clock.now_us()
        found = rule_statistics(reader.connection, chosen.log.number, at_size, now_us, days, period, rule)
    if as_json:
        say_json(found)
        return
    for one in found:
        when = f"{one.first} to {one.last}" if one.first else "all days"
        say(
            f"{one.rule}  {when}: {one.flagged} flagged, {one.closed} closed, {one.suppressed} suppressed; "
            f"{one.confirmed} confirmed, {one.dismissed} dismissed, {one.explained} explained, {one.open} open; "
            f"{one.missed} missed"
        )
    if not found:
        say("nothing was flagged")
