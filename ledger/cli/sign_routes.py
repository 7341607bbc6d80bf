"""`trailseal sign route`, `request` and `task`: workflows of signatures, from their templates to what is to be done."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from ledger.cli.instants import utc_of
from ledger.cli.ledgers import LedgerOption, LogOption, local, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.core.clock import parse_utc
from ledger.core.errors import ConfigError
from ledger.core.signature import Mode
from ledger.core.workflow import RequestState
from ledger.present.messages import message
from ledger.service import Service
from ledger.signing.answering import Answer, Answering
from ledger.signing.content import told
from ledger.signing.factors import PASSWORD, SECOND, SIGNING_SECRET, Shown
from ledger.signing.requests import Opening, read_running
from ledger.signing.routes import KnownRoute
from ledger.signing.shown import ShownRequest, show
from ledger.signing.signatures import ToSign
from ledger.store.question import Query

route = typer.Typer(help="Templates of signing: who signs what, one after the other.", no_args_is_help=True)
request = typer.Typer(help="What is to be signed, and how far it is.", no_args_is_help=True)
task = typer.Typer(help="What a person can sign now.", no_args_is_help=True)

group = typer.Typer(help="Electronic signatures, and the workflows that ask for them.", no_args_is_help=True)
for _name, _part in (("route", route), ("request", request), ("task", task)):
    group.add_typer(_part, name=_name)

Reason = Annotated[str, typer.Option(help="Why; it stands in the entry.")]
RouteName = Annotated[str, typer.Argument(help="The route.")]
RequestName = Annotated[str, typer.Argument(help="The request, as `sign request list` shows it.")]
StepName = Annotated[str, typer.Argument(help="The step.")]
Account = Annotated[str, typer.Option("--as", help="The account of who signs.")]
Listed = Annotated[str, typer.Option("--reason", help="A code of the site's list of reasons.")]
Added = Annotated[str | None, typer.Option(help="Words of your own.")]
InPlaceOf = Annotated[str | None, typer.Option("--for", help="In whose place, by a delegation.")]


@route.command("list")
def list_routes(ledger: LedgerOption, as_json: AsJson = False) -> None:
    """Every route as it is now."""
    with opened(ledger) as service:
        _say_routes(service.workflows.routes.all(), as_json)


@route.command("show")
def show_route(name: RouteName, ledger: LedgerOption, as_json: AsJson = False) -> None:
    """Every version of a route, oldest first."""
    with opened(ledger) as service:
        _say_routes(service.workflows.routes.versions(name), as_json)


@request.command("open")
def open_request(
    by: Annotated[str, typer.Argument(help="The route.", metavar="ROUTE")],
    ledger: LedgerOption,
    title: Annotated[str, typer.Option(help="What it is about, as people call it.")],
    reason: Reason,
    entry: Annotated[list[int] | None, typer.Option(help="An entry to be signed, as often as needed.")] = None,
    query: Annotated[str | None, typer.Option(help="In place of entries: a query as JSON; all that it finds.")] = None,
    performer: Annotated[list[str] | None, typer.Option(help="Who did the work, besides those in the records.")] = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Ask for signatures. Who did the work signs none of them."""
    try:
        wanted = None if query is None else msgspec.json.decode(query, type=Query)
    except msgspec.DecodeError as error:
        raise ConfigError(
            f"--query is none: {error}", advice='Write it as {"link_kind":"batch","link_id":"B-1"}.'
        ) from None
    opening = Opening(
        title=title,
        route=by,
        reason=reason,
        log=log,
        entries=tuple(entry or ()),
        query=wanted,
        performers=tuple(performer or ()),
    )
    with opened(ledger) as service:
        made = service.workflows.requests.open(opening, local(service))
    if as_json:
        say_json(made)
    else:
        say(f"Request {made.request}: entry {made.entry} of the system log.")


@request.command("list")
def list_requests(
    ledger: LedgerOption,
    state: Annotated[RequestState | None, typer.Option(help="Only those that stand so.")] = None,
    as_json: AsJson = False,
) -> None:
    """Every request and how it stands."""
    with opened(ledger) as service:
        found = [_shown(service, one.request.request) for one in service.workflows.requests.all(state)]
    if as_json:
        say_json(found)
        return
    for one in found:
        say(f"{one.request}  {_stands(one):28} {one.title}")


@request.command("show")
def show_request(name: RequestName, ledger: LedgerOption, as_json: AsJson = False) -> None:
    """A request with its steps. Exit code 1 while it is not signed, or no longer is."""
    with opened(ledger) as service:
        found = _shown(service, name)
    if as_json:
        say_json(found)
    else:
        _say_request(found)
    if found.unsigned:
        raise typer.Exit(1)


@request.command("sign")
def sign_step(
    name: RequestName,
    step: StepName,
    ledger: LedgerOption,
    account: Account,
    reason: Listed,
    added: Added = None,
    on_behalf_of: InPlaceOf = None,
    as_json: AsJson = False,
) -> None:
    """Sign a step, with all components, by the sealed key; they are asked for here."""
    _answer(ledger, name, step, account, Answer(reason=reason, added=added, on_behalf_of=on_behalf_of), as_json)


@request.command("decline")
def decline_step(
    name: RequestName,
    step: StepName,
    ledger: LedgerOption,
    account: Account,
    reason: Listed,
    added: Added = None,
    on_behalf_of: InPlaceOf = None,
    as_json: AsJson = False,
) -> None:
    """Decline a step for a reason; it is signed, and ends the request."""
    answer = Answer(reason=reason, added=added, on_behalf_of=on_behalf_of, decline=True)
    _answer(ledger, name, step, account, answer, as_json)


@request.command("withdraw")
def withdraw_request(name: RequestName, ledger: LedgerOption, reason: Reason, as_json: AsJson = False) -> None:
    """Take back a request that was opened at this terminal, before it is completed."""
    with opened(ledger) as service:
        entered(service.workflows.decisions.withdraw(name, reason, local(service)), as_json)


@request.command("check")
def check_requests(ledger: LedgerOption, as_json: AsJson = False) -> None:
    """Look now at what is overdue and what has changed, as the service does every half minute."""
    with opened(ledger) as service:
        done = service.workflows.work()
    if as_json:
        say_json(done)
        return
    for late in done.escalated:
        say(f"{late.request}: step {late.step} was due {late.due_at}; {late.role} was told.")
    for gone in done.superseded:
        say(f"{gone}: its content has changed; it is unsigned, and signatures are asked for again.")
    if not done.escalated and not done.superseded:
        say("Nothing is newly overdue, and nothing has changed.")


@task.command("list")
def list_tasks(
    ledger: LedgerOption,
    account: Annotated[str, typer.Option(help="Whose tasks.")],
    as_json: AsJson = False,
) -> None:
    """What a person can sign now, the most urgent first."""
    with opened(ledger) as service:
        found = service.workflows.tasks.of(account)
    if as_json:
        say_json(found)
        return
    for one in found:
        due = "" if one.due_at is None else f", {'overdue since' if one.overdue else 'due'} {one.due_at}"
        place = "" if one.on_behalf_of is None else f" in the place of {one.on_behalf_of}"
        say(f"{one.request}  {one.step} ({one.meaning}, as {one.role}){place}{due}: {one.title}")
    if not found:
        say(f"{account} has nothing to sign.")


@task.command("delegations")
def list_delegations(
    ledger: LedgerOption,
    account: Annotated[str, typer.Option(help="Who gave them, or has them.")],
    at: Annotated[
        str | None, typer.Option(help="Those in force at this moment; by default all that were not ended.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Who may sign in whose place."""
    with opened(ledger) as service:
        found = [one.delegation for one in service.workflows.delegations.of(account)]
    if at is not None:
        moment = parse_utc(utc_of("--at", at))
        found = [one for one in found if parse_utc(one.from_at) <= moment < parse_utc(one.until_at)]
    if as_json:
        say_json(found)
        return
    for one in found:
        say(
            f"{one.delegation}  {one.delegate} for {one.account}, from {one.from_at} until {one.until_at}: {one.reason}"
        )


def _answer(ledger: Path, name: str, step: str, account: str, answer: Answer, as_json: bool) -> None:
    with opened(ledger) as service:
        flows = service.workflows
        answering = Answering(service.store, flows.requests, flows.decisions, service.signing.signatures)
        chosen = msgspec.structs.replace(answer, mode=Mode.SEALED_KEY)
        put = answering.prepare(name, step, chosen, None, signer=account, asking=local(service))
        say_statement(put)
        index = answering.complete(name, step, put.id, put.digest, ask_for(put))
    entered(index, as_json)


def say_statement(put: ToSign) -> None:
    """What is signed, beside the answer."""
    said = put.statement
    typer.echo(f"You sign: {said.target.id} ({said.target.count} entries of {said.target.origin})", err=True)
    typer.echo(f"as {said.signer.name} ({said.signer.account}), {said.signer.role}: {said.meaning.text}", err=True)
    typer.echo(f"because: {said.reason.text} {said.reason.added or ''}".rstrip(), err=True)
    typer.echo(said.class_text, err=True)


def ask_for(put: ToSign) -> Shown:
    """The components that it takes, asked for at the terminal."""
    asked: dict[str, Any] = {}
    for component, member, words in (
        (PASSWORD, "password", "Password"),
        (SECOND, "code", "Code of your device"),
        (SIGNING_SECRET, "secret", "Signing secret"),
    ):
        if component in put.needed:
            asked[member] = typer.prompt(words, hide_input=True, err=True)
    return Shown(**asked)


def _shown(service: Service, name: str) -> ShownRequest:
    with service.store.reading() as connection:
        running = read_running(service.store, connection, name)
        return show(service.store, connection, service.workflows.decisions, running, local(service))


def _stands(one: ShownRequest) -> str:
    """The state in words: a change of the content comes before all else."""
    return message("request.changed") if one.changed else message(f"request.{one.state.value}")


def _say_request(one: ShownRequest) -> None:
    say(f"{one.title}: {_stands(one)}")
    say(f"Request {one.request}, entry {one.entry} of the system log")
    say(f"Route {one.route} as of entry {one.route_version}")
    listed = f": {', '.join(map(str, one.entries[:20]))}" if one.entries else ""
    say(f"{one.count} entries of {one.origin}{listed}")
    say(f"Performed by {', '.join(one.performers) or 'nobody that is known'}")
    for change in one.changed:
        say(f"  changed: {told(change)}")
    for step in one.steps:
        due = "" if step.due_at is None else f", {'overdue since' if step.overdue else 'due'} {step.due_at}"
        say(f"{step.stage}. {step.step}: {step.meaning}, {len(step.signatures)} of {step.needed} as {step.role}{due}")
        for given in step.signatures:
            place = "" if given.on_behalf_of is None else f" in the place of {given.on_behalf_of}"
            say(f"   signed by {given.account}{place} as {given.role} at {given.at}, entry {given.signature}")
    for late in one.decisions:
        say(f"   {late.at} {late.event.value} by {late.account}: {late.reason}")


def _say_routes(found: list[KnownRoute], as_json: bool) -> None:
    if as_json:
        say_json(found)
        return
    for one in found:
        ends = " (retired)" if one.route.retired else "" if one.current else " (replaced)"
        say(f"{one.route.route}, entry {one.entry}{ends}: {one.route.title}")
        for at, stage in enumerate(one.route.stages, start=1):
            for step in stage.steps:
                names = f" of {', '.join(step.accounts)}" if step.accounts else ""
                say(f"  {at}. {step.step}: {step.needed} {step.role}{names}, {step.meaning}")


def entered(index: int, as_json: bool) -> None:
    """Says the entry of the system log by which something was done."""
    if as_json:
        say_json({"entry": index})
    else:
        say(f"Entry {index} of the system log.")
