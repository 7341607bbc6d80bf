"""`trailseal review`: what is decided of findings: judged, deferred, raised as deviations."""

from typing import Annotated

import typer

from ledger.cli.hand import Why
from ledger.cli.instants import utc_of
from ledger.cli.ledgers import LedgerOption, LogOption, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.cli.reading import reading_as_of
from ledger.cli.reviewing import reviewing
from ledger.cli.rules import BeforeOption, LimitOption
from ledger.cli.sign import Account
from ledger.cli.signed import say_signed
from ledger.core.disposition import Judgement
from ledger.review.reviews.deferrals import Deferred, NewDeferral
from ledger.review.reviews.deviations import raised, stands
from ledger.review.reviews.dispositions import Disposed, NewDisposition
from ledger.review.reviews.raising import NewDeviation

Keys = Annotated[list[str], typer.Argument(help="The findings, by their keys as `rules findings` shows them.")]


def add_to(group: typer.Typer) -> None:
    """Adds the commands."""
    for name, command in (
        ("judge", judge),
        ("judgements", list_judgements),
        ("defer", defer),
        ("deferrals", list_deferrals),
        ("raise", raise_deviation),
        ("deviations", list_deviations),
    ):
        group.command(name)(command)


def judge(
    findings: Keys,
    ledger: LedgerOption,
    account: Account,
    judgement: Annotated[Judgement, typer.Option("--judgement", help="What they are.")],
    reason: Why,
    case: Annotated[str | None, typer.Option(help="The name of the cause that they share.")] = None,
    deviation: Annotated[str | None, typer.Option(help="The number of the deviation.")] = None,
    capa: Annotated[str | None, typer.Option(help="The number of the corrective action.")] = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Judge findings. Nobody judges what they did; a later judgement takes the place of this one, and both stay."""
    with reviewing(ledger, account, log) as (service, chosen, by):
        new = NewDisposition(
            findings=tuple(findings), judgement=judgement, reason=reason, case=case, deviation=deviation, capa=capa
        )
        made = service.quality.dispositions.give(chosen.number, new, by)
    if as_json:
        say_json(made)
    else:
        _say(made)


def list_judgements(
    ledger: LedgerOption,
    finding: Annotated[str | None, typer.Option(help="All that was ever decided of this finding.")] = None,
    case: Annotated[str | None, typer.Option(help="Of the findings of this case.")] = None,
    before: BeforeOption = None,
    limit: LimitOption = 50,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """How findings were judged, newest first: what stands, or all that was decided of one."""
    with opened(ledger) as service:
        number = service.record_log(log).log.number
        found = service.quality.dispositions.listed(number, finding, case, None, before, limit)
    if as_json:
        say_json(found)
        return
    for one in found:
        _say(one)
    if not found:
        say("nothing was judged")


def defer(
    findings: Keys,
    ledger: LedgerOption,
    account: Account,
    batch: Annotated[str, typer.Option(help="The batch whose review they are not to keep open.")],
    scope: Annotated[str, typer.Option(help="What may go on meanwhile, in a sentence.")],
    risk: Annotated[str, typer.Option(help="Why that is no risk to the patient, in a sentence.")],
    until: Annotated[str, typer.Option(help="Until when, as 2026-11-25T07:10:06Z.")],
    product: Annotated[str | None, typer.Option(help="The product, by which deferrals are counted.")] = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Ask to defer findings. It is in force once an approver has signed the entry."""
    with reviewing(ledger, account, log) as (service, chosen, by):
        new = NewDeferral(
            findings=tuple(findings),
            batch=batch,
            scope=scope,
            risk=risk,
            expires_at=utc_of("--until", until),
            product=product,
        )
        made = service.quality.deferrals.ask(chosen, new, by)
    if as_json:
        say_json(made)
    else:
        _say_deferral(made)


def list_deferrals(
    ledger: LedgerOption,
    batch: Annotated[str | None, typer.Option(help="Of this batch only.")] = None,
    product: Annotated[str | None, typer.Option(help="Of this product only.")] = None,
    before: BeforeOption = None,
    limit: LimitOption = 50,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """The deferrals, newest first, and how many findings are deferred by product."""
    with opened(ledger) as service:
        chosen, deferrals = service.record_log(log).log, service.quality.deferrals
        found, counts = deferrals.listed(chosen, batch, product, before, limit), deferrals.counted(chosen)
    if as_json:
        say_json(found)
        return
    for one in found:
        _say_deferral(one)
    for name, count in counts.items():
        say(f"{count} findings are deferred of {name or 'no product'}")
    if not found:
        say("nothing is deferred")


def raise_deviation(
    findings: Keys,
    ledger: LedgerOption,
    account: Account,
    title: Annotated[str, typer.Option(help="The deviation's title.")],
    description: Annotated[str, typer.Option(help="What happened, in a sentence.")],
    case: Annotated[str | None, typer.Option(help="The name of the cause that the findings share.")] = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Raise a deviation in the quality system that the settings name, and keep its number."""
    with reviewing(ledger, account, log) as (service, chosen, by):
        new = NewDeviation(findings=tuple(findings), title=title, description=description, case=case)
        made = service.raising.raise_(chosen, new, by)
    if as_json:
        say_json(made)
    else:
        say(f"Deviation {made.deviation.number} of {made.deviation.source}, entry {made.entry}.")


def list_deviations(ledger: LedgerOption, log: LogOption = None, as_json: AsJson = False) -> None:
    """The deviations that were raised from here, and how the quality system's records say that they stand."""
    with reading_as_of(ledger, log, None) as (_, chosen, reader, size):
        number, connection = chosen.log.number, reader.connection
        found = [
            (one, stands(connection, number, size, one.deviation.number, one.deviation.source))
            for one in raised(connection, number)
        ]
    if as_json:
        say_json([{"raised": one, "stands": how} for one, how in found])
        return
    for one, how in found:
        status = "its status is not known here" if how.status is None else f"status {how.status}"
        say(f"{one.deviation.number}  {one.deviation.title}: {status}{', closed' if how.closed else ''}")
    if not found:
        say("no deviation was raised from here")


def _say_deferral(one: Deferred) -> None:
    body = one.deferral
    state = "in force" if one.in_force else "not signed yet" if one.signed.open else "over"
    say(f"{one.entry:>9}  {state}  batch {body.batch} until {body.expires_at}: {body.scope}; {body.risk}")
    say_signed(one.signed)


def _say(one: Disposed) -> None:
    body = one.disposition
    named = (("case", body.case), ("deviation", body.deviation), ("CAPA", body.capa))
    beside = "".join(f", {word} {number}" for word, number in named if number is not None)
    say(f"{one.entry:>9}  {body.judgement.value:9}  {one.by}, {one.at}: {body.reason}{beside}")
    for key in body.findings:
        say(f"           {key}{'' if key in one.stands else '  (judged again since)'}")
