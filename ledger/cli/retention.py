"""`trailseal retention`: rules of retention, the facts that they count from, and copies that stand elsewhere."""

from typing import Annotated

import typer

from ledger.cli.acting import acting
from ledger.cli.configuring import Request, Why, say_proposed, setting
from ledger.cli.ledgers import LedgerOption, LogOption, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.cli.persons import AsPerson, Reason
from ledger.core.clock import utc_text
from ledger.core.errors import ConfigError, SchemaViolation
from ledger.core.record import LinkKind
from ledger.core.retention import RetentionClass, RetentionEvent, Subject, Term
from ledger.present.messages import message
from ledger.present.retention import stated_text, term_text, why_kept
from ledger.retention.copy_kinds import CopySort
from ledger.retention.rules import changed, term_of

group = typer.Typer(help="How long records are kept: rules, facts, copies elsewhere.", no_args_is_help=True)


@group.command("rules")
def rules(ledger: LedgerOption, as_json: AsJson = False) -> None:
    """The rule of each class that is in force."""
    with opened(ledger) as service:
        found = service.retention.all()
    if as_json:
        say_json(found)
        return
    for one in found:
        terms = "; ".join(term_text(term) for term in one.terms)
        state = message("retention.built-in" if one.index is None else "retention.own", index=one.index or 0)
        say(f"{one.retention.value:12} {terms} ({state})")


@group.command("propose")
def propose(
    retention: Annotated[RetentionClass, typer.Argument(help="The class of records.")],
    ledger: LedgerOption,
    term: Annotated[list[str], typer.Option(help="An event and how long after it: certification=5y, logged=1y6m, …")],
    reason: Reason,
    request: Request = None,
    account: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Propose a rule for a class as a change: it is in force once a second person has signed it."""
    terms, why = tuple(_term(text) for text in term), Why(reason, request, account)
    with opened(ledger) as service, setting(service, why) as authority:
        made = service.quality.proposals.propose(
            service.system, [changed(retention, terms, reason, authority)], request, reason, authority
        )
    say_proposed(made, as_json, "system")


@group.command("fact")
def fact(
    kind: Annotated[LinkKind, typer.Argument(help="What it is about, as records link it.")],
    id_: Annotated[str, typer.Argument(metavar="ID", help="Which one.")],
    event: Annotated[RetentionEvent, typer.Argument(help="What happened.")],
    ledger: LedgerOption,
    reason: Reason,
    day: Annotated[str | None, typer.Argument(help="On which day, as 2026-11-25; none takes it back.")] = None,
    as_json: AsJson = False,
) -> None:
    """Enter, correct or take back a fact: a batch's expiry, its certification, the end of a trial, …"""
    with opened(ledger) as service:
        subject = Subject(kind=kind, id=id_)
        index = service.retention.enter_fact(subject, event, day, reason, acting(service))
    if as_json:
        say_json({"index": index})
        return
    say(f"{event.value} of {kind.value} {id_}: {day or 'not known'} (system entry {index}).")


@group.command("facts")
def facts(ledger: LedgerOption, as_json: AsJson = False) -> None:
    """What is known of batches, equipment, …: the newest first."""
    with opened(ledger) as service:
        found = service.retention.all_facts()
    if as_json:
        say_json(found)
        return
    for one in found:
        say(
            f"{one.index:>9}  {one.subject.kind.value} {one.subject.id}: {one.event.value} {one.day} ({one.entered_by})"
        )
    say(f"{len(found)} facts.")


@group.command("copy")
def copy(
    name: Annotated[str, typer.Argument(help="What the copies are called, as nightly; stated again it is replaced.")],
    ledger: LedgerOption,
    reason: Reason,
    sort: Annotated[CopySort | None, typer.Option(help="What they are.")] = None,
    where: Annotated[str | None, typer.Option(help="Where they are; of an incident's evidence: the case.")] = None,
    keeps_days: Annotated[int | None, typer.Option(help="Days after which each copy is gone; 0: at once.")] = None,
    until: Annotated[str | None, typer.Option(help="Or the day on which all are gone, as 2027-03-01.")] = None,
    gone: Annotated[bool, typer.Option("--gone", help="All copies of that name are gone.")] = False,
    as_json: AsJson = False,
) -> None:
    """State where copies of records stand that removal does not reach, and when they are gone."""
    with opened(ledger) as service:
        if gone and sort is None and where is None and keeps_days is None and until is None:
            index = service.copies.gone(name, reason, acting(service))
        elif not gone and sort is not None and where is not None:
            index = service.copies.state(
                name, sort, where, reason, acting(service), keeps_days=keeps_days, expires=until
            )
        else:
            raise ConfigError(
                "copies are stated by --sort and --where, or with --gone alone",
                advice="`trailseal retention copy --help` tells both.",
            )
    if as_json:
        say_json({"index": index})
        return
    say(f"Copies {name}: {'all are gone' if gone else 'stated'} (system entry {index}).")


@group.command("copies")
def copies(ledger: LedgerOption, as_json: AsJson = False) -> None:
    """What is stated of copies that removal does not reach."""
    with opened(ledger) as service:
        found = service.copies.all()
    if as_json:
        say_json(found)
        return
    for one in found:
        told = stated_text(one.sort.value, one.where, one.expires, one.keeps_days)
        say(f"{one.index:>9}  {one.copy}: {told} ({one.stated_by})")
    say(f"{len(found)} copies.")


@group.command("show")
def show(
    ledger: LedgerOption,
    index: Annotated[int, typer.Argument(help="The entry's index.", min=0)],
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """How long an entry is kept, by which rule and facts, what is missing, and the hold that covers it."""
    with opened(ledger) as service:
        proven_us = service.disposals.proven_time()
        judged = service.disposals.judge(service.log(log), index)
    if as_json:
        say_json({"judged": judged, "proven_at": None if proven_us is None else utc_text(proven_us)})
        return
    for line in why_kept(judged.classes, judged.retained, judged.hold, judged.case, judged.disposed, proven_us):
        say(line)


def _term(text: str) -> Term:
    event, _, period = text.partition("=")
    try:
        return term_of(event, period)
    except SchemaViolation as error:
        raise ConfigError(
            f"--term: {text!r} is not EVENT=PERIOD", advice=f"As certification=5y. {error.advice}"
        ) from None
