"""`trailseal review`: reviews of audit trails by exception, and the answer about a batch."""

from typing import Annotated

import typer

from ledger.answering import answer
from ledger.cli.acting import acting as whoever
from ledger.cli.hand import Why
from ledger.cli.instants import utc_of
from ledger.cli.ledgers import LedgerOption, LogOption, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.cli.reading import reading_as_of
from ledger.cli.reviewing import reviewing
from ledger.cli.rules import BeforeOption, LimitOption, SizeOption
from ledger.cli.sign import Account
from ledger.core.members import Members
from ledger.core.review import Reviewed, SystemState
from ledger.core.review_answer import AnswerState
from ledger.review.reviews.reading import KnownReview, names, read_review
from ledger.review.reviews.reviews import told
from ledger.review.reviews.shown import ReviewShown, show

group = typer.Typer(help="Reviews of audit trails by exception.", no_args_is_help=True)
ReviewId = Annotated[str, typer.Argument(help="The review, by its id as `review list` shows it.", metavar="REVIEW")]


@group.command("open")
def open_review(
    plan: Annotated[str, typer.Argument(help="The plan, as `review plans` names it.")],
    ledger: LedgerOption,
    account: Account,
    reason: Why,
    batch: Annotated[str | None, typer.Option(help="The batch, as records name it.")] = None,
    from_: Annotated[str | None, typer.Option("--from", help="A period's first instant.")] = None,
    to: Annotated[str | None, typer.Option("--to", help="The instant after a period.")] = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Open a review of a batch or of a period, as its records are now, and draw its sample."""
    of = Reviewed(
        batch=batch,
        from_at=None if from_ is None else utc_of("--from", from_),
        to_at=None if to is None else utc_of("--to", to),
    )
    with reviewing(ledger, account, log) as (service, chosen, by):
        _say(service.reviews.open(chosen, plan, of, reason, by), as_json)


@group.command("list")
def list_reviews(
    ledger: LedgerOption,
    batch: Annotated[str | None, typer.Option(help="Of this batch only.")] = None,
    size: SizeOption = None,
    before: BeforeOption = None,
    limit: LimitOption = 50,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """The reviews, newest first."""
    with reading_as_of(ledger, log, size) as (_, chosen, reader, at_size):
        number, connection = chosen.log.number, reader.connection
        found = [
            read_review(connection, number, name, at_size)
            for name in names(connection, number, at_size, batch, before, limit)
        ]
    if as_json:
        say_json(found)
        return
    for one in found:
        _say(one, False)
    if not found:
        say("no review was opened")


@group.command("show")
def show_review(
    review: ReviewId, ledger: LedgerOption, size: SizeOption = None, log: LogOption = None, as_json: AsJson = False
) -> None:
    """A review: its population and sample, the findings and what was decided of them, systems, signatures."""
    with reading_as_of(ledger, log, size) as (service, chosen, reader, at_size):
        requests = service.workflows.requests
        found = show(service.store, requests, reader.connection, chosen.log, review, at_size)
    if as_json:
        say_json(found)
    else:
        _say_all(found)


@group.command("look")
def look(
    review: ReviewId,
    entries: Annotated[list[int], typer.Argument(help="Records of the sample, by their entries.", min=0)],
    ledger: LedgerOption,
    account: Account,
    reason: Why,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """You looked at these records of the sample, and no rule should have found anything in them."""
    with reviewing(ledger, account, log) as (service, chosen, by):
        _say(service.reviews.look(chosen, review, entries, reason, by), as_json)


@group.command("miss")
def miss(
    review: ReviewId,
    record: Annotated[int, typer.Argument(help="The record of the sample, by its entry.", min=0)],
    ledger: LedgerOption,
    account: Account,
    what: Annotated[str, typer.Option(help="What a rule should have found, in a sentence.")],
    rule: Annotated[str | None, typer.Option(help="The rule, such as D11; none: what no rule looks for.")] = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """A record of the sample shows what a rule missed. Reviews that this puts in question are named."""
    with reviewing(ledger, account, log) as (service, chosen, by):
        made = service.reviews.missed(chosen, review, record, rule, what, by)
    _say(made, as_json)
    touches = made.misses[-1].miss.touches
    if touches and not as_json:
        say(f"it puts in question: {', '.join(touches)}")


@group.command("reason")
def give_reason(
    review: ReviewId,
    system: Annotated[str, typer.Argument(help="The system, as the inventory names it.")],
    ledger: LedgerOption,
    account: Account,
    reason: Why,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Say why it is in order that a listed system contributed nothing."""
    with reviewing(ledger, account, log) as (service, chosen, by):
        _say(service.reviews.give_reason(chosen, review, system, reason, by), as_json)


@group.command("conclude")
def conclude(
    review: ReviewId,
    ledger: LedgerOption,
    account: Account,
    reason: Why,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Conclude a review, and ask for the signatures of its plan's route."""
    with reviewing(ledger, account, log) as (service, chosen, by):
        _say(service.reviews.conclude(chosen, review, reason, by), as_json)


@group.command("reconsider")
def reconsider(
    review: ReviewId,
    ledger: LedgerOption,
    account: Account,
    reason: Why,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Say why what rules missed, as was found since, changes nothing of what a review came to."""
    with reviewing(ledger, account, log) as (service, chosen, by):
        _say(service.reviews.reconsider(chosen, review, reason, by), as_json)


@group.command("answer")
def answer_batch(
    batch: Annotated[str, typer.Argument(help="The batch, as records name it.")],
    ledger: LedgerOption,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Whether the audit trail review of a batch is complete, open, deferred or unknown, and why. It is kept.

    Exit code 0 only when it is complete.
    """
    with opened(ledger) as service:
        given = answer(service, service.record_log(log).log, batch, whoever(service))
    said = given.statement
    if as_json:
        say_json(given)
    else:
        say(f"{batch}: {said.state.value}, as of {said.at} and {said.size} entries (entry {given.entry})")
        for one in said.reasons:
            say(f"  {one.code}: {one.what}")
    if said.state is not AnswerState.COMPLETE:
        raise typer.Exit(1)


def _say(one: KnownReview, as_json: bool) -> None:
    if as_json:
        say_json(one)
        return
    state = "open" if one.concluded is None else f"concluded in entry {one.concluded}"
    say(f"{one.review}  {told(one.reviewed)}, {one.population.records} records, opened {one.opened_at}: {state}")
    if one.concluded is None and one.left:
        runs = (str(low) if low == high else f"{low}-{high}" for low, high in Members.of(one.left).runs())
        say(f"  to be looked at: {', '.join(runs)}")
    for miss in one.questions:
        say(f"  in question since entry {miss.entry}: {miss.miss.what}")


def _say_all(found: ReviewShown) -> None:
    _say(found.review, False)
    population = found.review.population
    rules = ", ".join(f"{one.rule} version {one.version} (entry {one.entry})" for one in population.carried_by)
    say(f"  rests on {rules or 'no rule, as none is validated: each record is looked at'}")
    for stratum in population.strata:
        risk = "no risk is set: as the highest" if stratum.risk is None else f"risk {stratum.risk}"
        whole = f", {stratum.uncarried} as no validated rule can judge them" if stratum.uncarried else ""
        say(f"  {stratum.source} {stratum.type}: {stratum.drawn} of {stratum.unflagged} drawn ({risk}{whole})")
    for one in found.findings:
        given = one.disposition
        held = "deferred" if one.deferral is not None else "suppressed" if one.suppressed is not None else "open"
        state = held if given is None else given.disposition.judgement.value
        say(f"  {one.finding.rule}  {one.finding.severity.value}  {state}: {one.finding.detail}")
    outcome = found.review.outcome
    for system in () if outcome is None else outcome.systems:
        beside = f": {system.instead}" if system.state is not SystemState.CONTRIBUTED else f", {system.records} records"
        say(f"  {system.system}  {system.state.value}{beside}")
    for request in found.requests:
        say(f"  signatures: request {request.request} is {request.state.value}")
