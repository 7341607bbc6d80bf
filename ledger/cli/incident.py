"""`trailseal incident`: integrity incidents, from what does not hold to the closing."""

import os
from pathlib import Path
from typing import Annotated

import typer

from ledger.cli.acting import CREDENTIAL
from ledger.cli.ledgers import LedgerOption, local, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.core.authority import Authority
from ledger.core.errors import AccessDenied, ConfigError, SchemaViolation
from ledger.core.members import Members
from ledger.findings.incident_kinds import CaseEvent, Cause
from ledger.integrity.incidents.cases import Case
from ledger.people.access import Scope
from ledger.people.secrets import SESSION
from ledger.present.messages import message
from ledger.service import Service

group = typer.Typer(help="Integrity incidents: what is doubted, the way back, the closing.", no_args_is_help=True)
CaseName = Annotated[str, typer.Argument(help="The case, as `list` names it.")]
Reason = Annotated[str, typer.Option(help="Why; it stands in the entry.")]


@group.command("list")
def listed(ledger: LedgerOption, as_json: AsJson = False) -> None:
    """Every case, the newest first."""
    with opened(ledger) as service:
        found = [(case, _closed(service, case)) for case in service.cases.all()]
    if as_json:
        say_json([{"case": case.case, "state": case.state.value, "closed": closed} for case, closed in found])
        return
    for case, closed in found:
        said = case.opened
        say(f"{case.case}  {_state(case, closed):12} {said.cause.value if said.cause else '':12} {said.reason}")
    say(f"{len(found)} cases.")


@group.command("show")
def show(
    case: CaseName,
    ledger: LedgerOption,
    impact: Annotated[bool, typer.Option("--impact", help="With all that rests on what is doubted.")] = False,
    after: Annotated[int, typer.Option(help="Impact: how many come before this page.", min=0)] = 0,
    limit: Annotated[int, typer.Option(help="Impact: how many at most.", min=1, max=100_000)] = 1000,
    as_json: AsJson = False,
) -> None:
    """A case: what is doubted, what is still proven, what was kept, and with --impact what rests on it."""
    with opened(ledger) as service:
        found = service.cases.get(case)
        closed = _closed(service, found)
        origins = {log.origin for log in service.logs.values()}
        page = service.cases.impact(found, origins, after, limit) if impact else None
    if as_json:
        say_json({"case": found, "closed": closed, "impact": page})
        return
    _print(found, closed)
    if page is not None:
        for one in page.artefacts:
            to = f", given to {', '.join(one.to)}" if one.to else ""
            say(f"  {one.sort:18} {one.id}  (rests on {one.because}{to})")
        if page.after is not None:
            say(f"  more: --after {page.after}")


@group.command("open")
def open_case(
    ledger: LedgerOption,
    reason: Reason,
    case: Annotated[str | None, typer.Argument(help="A case that somebody else reported: opens it.")] = None,
    source: Annotated[str | None, typer.Option(help="A source that is doubtful.")] = None,
    agent: Annotated[str | None, typer.Option(help="An agent that is doubtful.")] = None,
    key: Annotated[str | None, typer.Option(help="A person's signing key (its id) that is doubtful.")] = None,
    log: Annotated[
        str | None,
        typer.Option(help="A log (name or origin) that a card, or the like, contradicts."),
    ] = None,
    since: Annotated[str | None, typer.Option("--from", help="Since when, UTC, as 2026-11-25T07:10:06Z.")] = None,
    as_json: AsJson = False,
) -> None:
    """Report a compromise (--source, --agent, --key or --log, and --from), or open a case as the second person.

    The second person shows a credential in TRAILSEAL_CREDENTIAL, and approves.
    """
    with opened(ledger) as service:
        origin = None if log is None else service.log(log).origin
        given = ((Cause.SOURCE, source), (Cause.AGENT, agent), (Cause.KEY, key), (Cause.LOG, origin))
        named = [(c, s) for c, s in given if s is not None]
        if case is not None and not named and since is None:
            done = service.compromises.open(case, reason, _acting(service, Scope.APPROVE))
        elif case is None and len(named) == 1 and since is not None:
            cause, subject = named[0]
            done = service.compromises.report(cause, subject, _moment(since), reason, _acting(service, Scope.ADMIN))
        else:
            raise ConfigError(
                "name one of --source, --agent, --key and --log, with --from; or a case that was reported, alone",
                advice="`trailseal incident open --help` tells both ways.",
            )
        _say(service, done, as_json)


@group.command("confirm")
def confirm(
    case: CaseName,
    against: Annotated[str, typer.Option(help="A ledger's folder, its SQLite file, a database URL, or tiles.")],
    ledger: LedgerOption,
    reason: Reason = "compared with a copy",
    as_json: AsJson = False,
) -> None:
    """Compare what a case doubts with a backup, a replica or published tiles, and enter what that said."""
    # Imported here: reading published tiles takes an HTTP client, which few commands need.
    from ledger.integrity.incidents.comparing import compare

    with opened(ledger) as service:
        done = compare(service.cases, case, against, reason, _acting(service, Scope.ADMIN))
        _say(service, done, as_json)


@group.command("restore-verified")
def restore_verified(
    case: CaseName,
    backup: Annotated[str, typer.Option(help="Which backup was restored.")],
    reason: Reason,
    ledger: LedgerOption,
    as_json: AsJson = False,
) -> None:
    """Verify every log in full after a restore; the case says so only if all of it holds."""
    with opened(ledger) as service:
        done = service.ways_back.restored(case, backup, reason, _acting(service, Scope.ADMIN))
        _say(service, done, as_json)


@group.command("new-epoch")
def new_epoch(case: CaseName, reason: Reason, ledger: LedgerOption, as_json: AsJson = False) -> None:
    """Propose that the log goes on in a new epoch, which names the damage; or begin it, as the second person.

    The second person shows a credential in TRAILSEAL_CREDENTIAL, and approves.
    """
    with opened(ledger) as service:
        if service.ways_back.known(case).state is CaseEvent.PROPOSED:
            done = service.ways_back.proceed(case, reason, _acting(service, Scope.APPROVE))
        else:
            done = service.ways_back.propose(case, reason, _acting(service, Scope.ADMIN))
        _say(service, done, as_json)


@group.command("close")
def close(
    case: CaseName,
    deviation: Annotated[str, typer.Option(help="The site's number of the deviation.")],
    reason: Reason,
    ledger: LedgerOption,
    as_json: AsJson = False,
) -> None:
    """Put a case before quality assurance: it is closed once they have signed the entry that this makes."""
    with opened(ledger) as service:
        done = service.ways_back.closing(case, deviation, reason, _acting(service, Scope.APPROVE))
        _say(service, done, as_json)


def _acting(service: Service, scope: Scope) -> Authority:
    """Whoever's credential the environment bears, who holds this scope; without one `local:<OS user>`."""
    shown = os.environ.get(CREDENTIAL, "")
    if not shown:
        return local(service)
    found = service.people.sessions.find(shown) if shown.startswith(f"{SESSION}_") else None
    caller = found if found is not None else service.people.directory.find(shown).caller
    if not caller.allows(scope):
        raise AccessDenied(f"{caller.account} holds no grant with scope {scope.value!r}")
    return caller.authority


def _moment(text: str) -> str:
    """A moment as entries have it."""
    from datetime import UTC, datetime

    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise SchemaViolation(f"{text!r} is no time", advice="Write it as 2026-11-25T07:10:06Z.") from None
    if moment.tzinfo is None:
        raise SchemaViolation(f"{text!r} names no zone", advice="Write it as 2026-11-25T07:10:06Z.")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _closed(service: Service, case: Case) -> bool:
    with service.store.reading() as connection:
        return service.standings.closed(connection, case)


def _state(case: Case, closed: bool) -> str:
    return "closed" if closed else case.state.value


def _say(service: Service, case: Case, as_json: bool) -> None:
    closed = _closed(service, case)
    if as_json:
        say_json({"case": case, "closed": closed})
        return
    _print(case, closed)


def _print(case: Case, closed: bool) -> None:
    said, last = case.opened, case.last
    say(f"Case {case.case}: {message(f'incidents.state.{_state(case, closed)}')}")
    say(f"  {said.reason}")
    if said.subject is not None:
        say(f"  {said.cause.value if said.cause else ''} {said.subject} is doubtful since {said.since}")
    for one in said.affected:
        members = Members.read(one.runs)
        say(f"  doubted: {len(members)} entries of {one.origin}: {_runs(members)}")
    for proven in said.proven:
        say(f"  proven of {proven.origin}: all before {proven.size} that is not doubted ({proven.basis})")
    for counted in said.impact:
        say(f"  rests on it: {counted.count} × {counted.sort}")
    if said.every_link:
        say(f"  {message('incidents.every-link')}")
    for file in said.evidence:
        say(f"  kept: {Path('kept') / 'incidents' / case.case / file.name}  SHA-256 {file.sha256}")
    if last.comparison is not None:
        told = last.comparison
        counts = [
            0 if text is None else len(Members.read(text)) for text in (told.confirmed, told.differ, told.missing)
        ]
        say("  " + message("incidents.compared", place=told.place, **dict(zip(_COUNTS, counts, strict=True))))
    if last.event is CaseEvent.CLOSING and not closed:
        say(f"  quality assurance signs entry {case.latest} of the system log: action incident, meaning closed")


_COUNTS = ("confirmed", "differ", "missing")
_SHOWN = 8


def _runs(members: Members) -> str:
    runs = [str(low) if low == high else f"{low}-{high}" for low, high in members.runs()]
    return ", ".join(runs[:_SHOWN]) + (", …" if len(runs) > _SHOWN else "")
