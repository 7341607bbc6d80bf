"""`trailseal dispose`: records whose retention is over: what may go, asked for, approved by a second person, done."""

from typing import Annotated

import msgspec
import typer

from ledger.cli.ledgers import LedgerOption, LogOption, opened
from ledger.cli.output import AsJson, progress, say, say_json
from ledger.cli.persons import AsPerson, Reason, person
from ledger.cli.searching import link_option
from ledger.core.errors import ConfigError, Conflict
from ledger.core.job import Job, JobState
from ledger.present.messages import message, number
from ledger.present.retention import copy_text, last_copy_text
from ledger.retention.copy_kinds import CopySort
from ledger.retention.disposal_kinds import Copy
from ledger.retention.disposals import WAITS_DAYS, Removal
from ledger.retention.report import Disposal
from ledger.service import DISPOSE
from ledger.store.question import Query

group = typer.Typer(help="Dispose of records whose retention is over.", no_args_is_help=True)
Source = Annotated[str | None, typer.Option(help="Only records of this source.")]
LinkTo = Annotated[str | None, typer.Option("--link", help="Only records linked to KIND:ID, as batch:B-42.")]
Low = Annotated[int, typer.Option("--from-index", help="Only entries from this index on.", min=0)]
Name = Annotated[str, typer.Argument(help="The disposal, as `dispose list` shows it.")]


@group.command("plan")
def plan(
    ledger: LedgerOption,
    source: Source = None,
    link: LinkTo = None,
    low: Low = 0,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """What may go now, and why the rest stays. Nothing is entered."""
    with opened(ledger) as service:
        found = service.disposals.plan(service.log(log), _query(source, link), low)
    if as_json:
        say_json(found)
        return
    say(message("disposals.may-go", total=number(found.total), looked=number(found.looked_at)))
    say(message("disposals.proven", at=found.proven_at) if found.proven_at else message("retention.no-time"))
    for why, count in sorted(found.stay.items()):
        say(f"{count:>9}  {message(f'disposals.stay.{why}')}")
    for one in (*found.cases, *found.missing):
        say(f"           {one}")
    if found.next_index is not None:
        say(f"More: --from-index {found.next_index}")


@group.command("request")
def request(
    ledger: LedgerOption,
    reason: Reason,
    source: Source = None,
    link: LinkTo = None,
    low: Low = 0,
    remains: Annotated[
        list[str] | None, typer.Option(help="A copy that removal does not reach: SORT:DAY:WHERE; may be given again.")
    ] = None,
    waits: Annotated[int, typer.Option(help="Days between approval and removal.", min=1)] = WAITS_DAYS,
    log: LogOption = None,
    account: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Ask for all records to be disposed of that may go now."""
    copies = tuple(_copy(text) for text in remains or ())
    with opened(ledger) as service, person(service, account) as caller:
        asked = service.disposals.request(
            service.log(log),
            _query(source, link),
            reason,
            caller.authority,
            person=caller.person,
            remains=copies,
            waits_days=waits,
            low=low,
        )
    _say(asked, as_json)


@group.command("approve")
def approve(
    disposal: Name, ledger: LedgerOption, reason: Reason, account: AsPerson = None, as_json: AsJson = False
) -> None:
    """Approve what somebody else asked for; its waiting period begins. Look at it first: `dispose list`."""
    with opened(ledger) as service, person(service, account) as caller:
        done = service.disposals.approve(disposal, reason, caller.authority, person=caller.person)
    _say(done, as_json)


@group.command("withdraw")
def withdraw(
    disposal: Name, ledger: LedgerOption, reason: Reason, account: AsPerson = None, as_json: AsJson = False
) -> None:
    """End a disposal: nothing more is removed under it."""
    with opened(ledger) as service, person(service, account) as caller:
        done = service.disposals.withdraw(disposal, reason, caller.authority, person=caller.person)
    _say(done, as_json)


@group.command("run")
def run(
    disposal: Name,
    ledger: LedgerOption,
    scrub: Annotated[bool, typer.Option(help="Rewrite the database's files afterwards: nothing stays in them.")] = True,
    as_json: AsJson = False,
) -> None:
    """Remove what is approved, once its waiting period is over, and print the report. Goes on where it was ended."""
    parameters = msgspec.json.encode(Removal(disposal=disposal, scrub=scrub)).decode()
    with opened(ledger) as service:
        service.disposals.get(disposal)
        with progress("dispose", "") as report:

            def watch(job: Job) -> None:
                report(job.done, job.total)

            job = service.jobs.run_now(DISPOSE, parameters, watch)
        if job.state is not JobState.DONE:
            raise Conflict(job.error or f"the job ended as {job.state.value}")
        done = service.disposals.get(disposal)
    _say(done, as_json)


@group.command("list")
def listed(ledger: LedgerOption, as_json: AsJson = False) -> None:
    """Every disposal and where it stands, the newest first."""
    with opened(ledger) as service:
        found = service.disposals.all()
    if as_json:
        say_json(found)
        return
    for one in found:
        _say(one, False)
    say(f"{len(found)} disposals.")


def _say(one: Disposal, as_json: bool) -> None:
    if as_json:
        say_json(one)
        return
    say(f"{one.disposal}: {message(f'disposals.state.{one.state}')}, {one.removed} of {one.total} records of {one.log}")
    say(f"  {one.requested_by}, {one.requested_at[:10]}: {one.reason}")
    sample = ", ".join(map(str, one.sample))
    say(f"  {message('disposals.sample')}: {sample}")
    if one.approved_by is not None and one.from_at is not None:
        say(f"  {message('disposals.approved', by=one.approved_by, at=one.from_at[:16])}")
    for copy in one.copies:
        told = copy_text(copy.sort.value, copy.where, copy.expires, copy.days)
        say(f"  {message('disposals.remains', copy=told)}")
    say(f"  {last_copy_text(one.last_copy_expires, len(one.copies), one.copies_without_day)}")


def _query(source: str | None, link: str | None) -> Query:
    kind, ident = link_option(link)
    return Query(source=source, link_kind=kind, link_id=ident)


def _copy(text: str) -> Copy:
    sort, _, rest = text.partition(":")
    day, _, where = rest.partition(":")
    try:
        return msgspec.convert({"sort": sort, "where": where, "expires": day}, Copy)
    except msgspec.ValidationError:
        raise ConfigError(
            f"--remains: {text!r} is not SORT:DAY:WHERE",
            advice=f"As backup:2027-03-01:vault 2; SORT is one of {', '.join(CopySort)}.",
        ) from None
