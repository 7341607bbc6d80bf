"""`trailseal review`: what a site says of its reviews: plans, and which systems contribute to a batch."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from ledger.changes.proposing import Proposed
from ledger.cli.configuring import AsPerson, Request, Why, enter, say_proposed, setting
from ledger.cli.ledgers import LedgerOption, LogOption, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.cli.reading import reading_as_of
from ledger.cli.rules import SizeOption
from ledger.cli.sign_routes import Reason
from ledger.core.authority import Authority
from ledger.core.errors import ConfigError
from ledger.core.review import ContributingList, Depth, PlanScope, ReviewPlan
from ledger.review.reviews.planning import lists, plans


def add_to(group: typer.Typer) -> None:
    """Adds the commands."""
    for name, command in (
        ("plan", set_plan),
        ("plans", list_plans),
        ("contributing", set_list),
        ("contributing-lists", list_lists),
    ):
        group.command(name)(command)


def set_plan(
    plan: Annotated[str, typer.Argument(help="The plan's name: lower case letters, digits, '.', '_', '-'.")],
    ledger: LedgerOption,
    title: Annotated[str, typer.Option(help="What it is called.")],
    scope: Annotated[PlanScope, typer.Option(help="Whether it is for batches or for periods.")],
    route: Annotated[str, typer.Option(help="The signing route that ends a review.")],
    sample: Annotated[
        list[str],
        typer.Option(help="RISK=RECORDS, as often as needed: from that risk (1 to 9) on so many are drawn."),
    ],
    reason: Reason,
    product: Annotated[str | None, typer.Option(help="Batches of which product.")] = None,
    source: Annotated[list[str] | None, typer.Option(help="Periods of which sources; without it, of all.")] = None,
    retired: Annotated[bool, typer.Option("--retired", help="It opens no review any more.")] = False,
    request: Request = None,
    by: AsPerson = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Set a plan of reviews: by what they are made, how deep their samples are, who signs."""

    def made(authority: Authority) -> ReviewPlan:
        return ReviewPlan(
            plan=plan,
            title=title,
            scope=scope,
            route=route,
            samples=tuple(sorted((_depth(one) for one in sample), key=lambda one: one.from_risk)),
            reason=reason,
            authority=authority,
            product=product,
            sources=tuple(source or ()),
            retired=retired,
        )

    _set(ledger, log, made, Why(reason, request, by), as_json)


def list_plans(ledger: LedgerOption, size: SizeOption = None, log: LogOption = None, as_json: AsJson = False) -> None:
    """All plans, those too that are retired."""
    with reading_as_of(ledger, log, size) as (_, chosen, reader, at_size):
        found = plans(reader.connection, chosen.log.number, at_size)
    if as_json:
        say_json(found)
        return
    for one in found:
        depths = ", ".join(f"from risk {depth.from_risk} {depth.records}" for depth in one.plan.samples)
        state = ", retired" if one.plan.retired else ""
        say(f"{one.plan.plan}  {one.plan.title}: {one.plan.scope.value}, signed by {one.plan.route}; {depths}{state}")
    if not found:
        say("no plan is set yet")


def set_list(
    systems: Annotated[list[str], typer.Argument(help="The systems, as the inventory names them.")],
    ledger: LedgerOption,
    reason: Reason,
    product: Annotated[
        str | None, typer.Option(help="To batches of which product; without it, of all that have no list.")
    ] = None,
    request: Request = None,
    by: AsPerson = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Set which systems have to contribute to each batch of a product."""

    def made(authority: Authority) -> ContributingList:
        return ContributingList(systems=tuple(systems), reason=reason, authority=authority, product=product)

    _set(ledger, log, made, Why(reason, request, by), as_json)


def list_lists(ledger: LedgerOption, size: SizeOption = None, log: LogOption = None, as_json: AsJson = False) -> None:
    """Which systems have to contribute to a batch, by product."""
    with reading_as_of(ledger, log, size) as (_, chosen, reader, at_size):
        found = lists(reader.connection, chosen.log.number, at_size)
    if as_json:
        say_json(found)
        return
    for one in found:
        say(f"{one.list.product or 'all other products'}: {', '.join(one.list.systems)}")
    if not found:
        say("no list is set yet")


def _set(
    ledger: Path, log: str | None, made: Callable[[Authority], ReviewPlan | ContributingList], why: Why, as_json: bool
) -> None:
    with opened(ledger) as service, setting(service, why) as authority:
        entered = enter(service, service.record_log(log).log, [made(authority)], why, authority)
    if isinstance(entered, Proposed):
        say_proposed(entered, as_json)
    elif as_json:
        say_json({"entry": entered[0]})
    else:
        say(f"Entry {entered[0]}.")


def _depth(text: str) -> Depth:
    risk, _, records = text.partition("=")
    if not (risk.isascii() and risk.isdigit() and records.isascii() and records.isdigit()):
        raise ConfigError(f"--sample: {text!r} names no depth", advice="Write RISK=RECORDS, such as 4=30.")
    return Depth(from_risk=int(risk), records=int(records))
