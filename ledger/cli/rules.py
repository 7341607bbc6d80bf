"""`trailseal rules`: what rules look for in the records, and what they found."""

from typing import Annotated

import typer

from ledger.cli import back_test, rule_life, rule_statistics, suppressions
from ledger.cli.ledgers import LedgerOption, LogOption, local, opened
from ledger.cli.output import AsJson, progress, say, say_json
from ledger.cli.reading import reading_as_of
from ledger.core.rule_run import Examined
from ledger.review.exceptions.reading import findings, runs

SizeOption = Annotated[int | None, typer.Option("--size", min=0, help="As of this size of the log, not of now.")]
BeforeOption = Annotated[int | None, typer.Option("--before", help="Older than this entry.", min=0)]
LimitOption = Annotated[int, typer.Option("--limit", help="At most so many.", min=1, max=500)]

group = typer.Typer(help="Rules: what they look for in the records, and what they found.", no_args_is_help=True)


rule_life.add_to(group)
suppressions.add_to(group)
back_test.add_to(group)
rule_statistics.add_to(group)


@group.command("run")
def run(ledger: LedgerOption, log: LogOption = None, as_json: AsJson = False) -> None:
    """Let the rules look at what is new in a log, and at what that changes; what they find is entered."""
    with opened(ledger) as service, progress("rules", "records") as report:
        made = service.quality.rules.run(service.record_log(log).log, local(service), report)
    if as_json:
        say_json(made)
        return
    if made.entry is None:
        say(f"{made.log}: nothing is new since size {made.low}")
    else:
        say(f"{made.log} from {made.low} to {made.size}: entry {made.entry}")
        for one in made.rules:
            say(f"{one.rule}  {_counts(one)}")
    for left in made.left_out:
        say(f"{left.rule}  did not run: {left.why}")


@group.command("findings")
def show_findings(
    ledger: LedgerOption,
    rule: Annotated[str | None, typer.Option("--rule", help="Only what this rule found, such as D11.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Also what was closed.")] = False,
    size: SizeOption = None,
    before: BeforeOption = None,
    limit: LimitOption = 50,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """What rules found, newest first, as it stands."""
    with reading_as_of(ledger, log, size) as (service, chosen, reader, at_size):
        at_us = service.clock.now_us()
        found = findings(reader.connection, chosen.log.number, at_size, rule, every, before, limit, at_us=at_us)
    if as_json:
        say_json(found)
        return
    for one in found:
        closed = "" if one.stands else "closed: "
        past = "" if one.suppressed is None else f" (suppressed until {one.suppressed.until})"
        say(f"{one.entry:>9}  {one.rule}  {one.severity:8}  {one.source}: {closed}{one.detail or one.why}{past}")
        say(f"           {one.key}")
    if not found:
        say("nothing stands" if not every else "nothing was found")


@group.command("runs")
def show_runs(
    ledger: LedgerOption,
    before: BeforeOption = None,
    limit: LimitOption = 20,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """The runs of the rules over a log, newest first: how much was examined, and what could not be said."""
    with reading_as_of(ledger, log, None) as (_, chosen, reader, _size):
        listed = list(runs(reader.connection, chosen.log.number, before, limit))
    if as_json:
        say_json(listed)
        return
    for one in listed:
        say(f"entry {one.entry}  {one.at}  from {one.run.low} to {one.run.size}")
        for rule in one.run.rules:
            say(f"    {rule.rule}  {_counts(rule)}")
    if not listed:
        say("the rules have not run yet")


def _counts(one: Examined) -> str:
    lacking = "".join(f", {of.records} not assessable ({of.input})" for of in one.lacking)
    return (
        f"{one.examined} examined: {one.findings} findings ({one.opened} opened, {one.closed} closed), "
        f"{one.explained} explained, {one.pending} pending, {one.unordered} cannot be ordered{lacking}"
    )
