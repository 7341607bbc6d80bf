"""`trailseal user grant|revoke|register|review|document`: roles, who held what, access reviews, documents."""

import mimetypes
from pathlib import Path
from typing import Annotated

import typer

from ledger.cli.acting import acting
from ledger.cli.instants import utc_of
from ledger.cli.ledgers import LedgerOption, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.cli.user_persons import Account, Reason
from ledger.core.errors import ConfigError
from ledger.people.register import Held, read_register, register_csv
from ledger.people.reviews import Decision, OpenReview
from ledger.people.roles import Role

documents = typer.Typer(
    help="Documents of the site with their copies: the non-repudiation letter.", no_args_is_help=True
)


def add_to(group: typer.Typer) -> None:
    """Adds the commands."""
    for name, command in (("grant", grant), ("revoke", revoke), ("register", register), ("review", review)):
        group.command(name)(command)
    group.add_typer(documents, name="document")


def grant(
    account: Account,
    role: Annotated[Role, typer.Argument(help="The role.")],
    ledger: LedgerOption,
    reason: Reason,
    site: Annotated[list[str] | None, typer.Option(help="A record log that it is for; none: all.")] = None,
    source: Annotated[list[str] | None, typer.Option(help="Source owner: a source that it is for; none: all.")] = None,
    begins: Annotated[str | None, typer.Option("--from", help="From when, such as 2027-01-01T00:00:00Z.")] = None,
    expires: Annotated[str | None, typer.Option(help="Until when.")] = None,
    as_json: AsJson = False,
) -> None:
    """Grant a role to somebody else. Where the site makes the role depend on training, it ends with that."""
    with opened(ledger) as service:
        made = service.people.role_grants.grant(
            account,
            role,
            reason,
            acting(service),
            sites=site or (),
            sources=source or (),
            from_at=None if begins is None else utc_of("--from", begins),
            expires_at=None if expires is None else utc_of("--expires", expires),
        )
    if as_json:
        say_json(made)
        return
    until = "" if made.expires_at is None else f", until {made.expires_at}"
    say(f"Grant {made.grant}: {account} is {role.value}{until}; entry {made.index} of the system log")


def revoke(
    grant_id: Annotated[str, typer.Argument(metavar="GRANT", help="The grant, as `user show` names it.")],
    ledger: LedgerOption,
    reason: Reason,
    as_json: AsJson = False,
) -> None:
    """End a role at once."""
    with opened(ledger) as service:
        index = service.people.revoke(grant_id, reason, acting(service))
    if as_json:
        say_json({"grant": grant_id, "entry": index})
    else:
        say(f"Grant {grant_id} is revoked: entry {index} of the system log")


def register(
    ledger: LedgerOption,
    size: Annotated[int | None, typer.Option(help="As of this size of the system log; now, if not given.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write it to this file, as CSV.")] = None,
    as_json: AsJson = False,
) -> None:
    """Who held which right from when to when: every grant there ever was."""
    with opened(ledger) as service:
        found = read_register(service.store, size)
    if csv is not None:
        csv.write_text(register_csv(found), encoding="utf-8", newline="")
    if as_json:
        say_json(found)
        return
    say(f"As of {found.size} entries of the system log")
    for line in found.lines:
        say(_line(line))


def review(
    ledger: LedgerOption,
    size: Annotated[int | None, typer.Option(help="Enter the review of the list that was opened at this size.")] = None,
    keep: Annotated[list[str] | None, typer.Option(help="An account whose rights stay.")] = None,
    remove: Annotated[list[str] | None, typer.Option(help="An account that loses every right.")] = None,
    remark: Annotated[list[str] | None, typer.Option(help="A remark, as ACCOUNT=TEXT.")] = None,
    reason: Annotated[str, typer.Option(help="Why; it stands in the entry.")] = "recurrent access review",
    as_json: AsJson = False,
) -> None:
    """The access review: shows the list; with --size enters what was decided of each line of it.

    Nobody reviews their own line: leave it out, it is another reviewer's.
    """
    with opened(ledger) as service:
        authority = acting(service)
        if size is None:
            _show_open(service.people.reviews.open(authority.actor), as_json)
            return
        remarks = dict(_remark(one) for one in remark or [])
        decisions = [
            Decision(account=account, keep=kept, remark=remarks.get(account))
            for accounts, kept in ((keep or [], True), (remove or [], False))
            for account in accounts
        ]
        done = service.people.reviews.enter(size, decisions, reason, authority)
    if as_json:
        say_json(done)
        return
    say(f"Review {done.review}: {len(done.lines)} accounts, entry {done.index} of the system log")
    say(f"The next is due {done.due_at}")


@documents.command("put")
def put_document(
    file: Annotated[Path, typer.Argument(help="The copy.")],
    document: Annotated[str, typer.Option("--id", help="What it is, such as non-repudiation-letter.")],
    title: Annotated[str, typer.Option(help="Its title.")],
    dated: Annotated[str, typer.Option(help="The day that it bears, such as 2026-11-25.")],
    ledger: LedgerOption,
    reason: Reason,
    as_json: AsJson = False,
) -> None:
    """Keep a copy of a document, or of its next version."""
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    data = file.read_bytes()
    with opened(ledger) as service:
        index = service.people.documents.put(document, title, dated, data, kind, reason, acting(service))
    if as_json:
        say_json({"document": document, "entry": index})
    else:
        say(f"{document}: entry {index} of the system log")


@documents.command("list")
def list_documents(ledger: LedgerOption, as_json: AsJson = False) -> None:
    """The documents that the ledger keeps copies of."""
    with opened(ledger) as service:
        found = service.people.documents.list()
    if as_json:
        say_json(found)
        return
    for one in found:
        say(f"{one.document:30} {one.dated} {one.title} ({one.media_type}, {one.size} bytes, entry {one.index})")


@documents.command("get")
def get_document(
    document: Annotated[str, typer.Argument(help="The document, as `document list` names it.")],
    out: Annotated[Path, typer.Option(help="The file to write.")],
    ledger: LedgerOption,
    as_json: AsJson = False,
) -> None:
    """Write the copy of a document to a file, checked against its entry."""
    if out.exists():
        raise ConfigError(f"{out} is there already", advice="Choose another file; nothing was written.")
    with opened(ledger) as service:
        known, data = service.people.documents.get(document)
    out.write_bytes(data)
    if as_json:
        say_json({"document": known, "file": str(out), "bytes": len(data)})
        return
    say(f"{known.title}, dated {known.dated}: {len(data)} bytes in {out}")


def _remark(text: str) -> tuple[str, str]:
    account, equals, said = text.partition("=")
    if not equals or not said:
        raise ConfigError(f"--remark {text!r} is not ACCOUNT=TEXT", advice="Name the account that it is about.")
    return account, said


def _show_open(opened_review: OpenReview, as_json: bool) -> None:
    if as_json:
        say_json(opened_review)
        return
    due = "no account holds a role yet" if opened_review.due_at is None else f"due {opened_review.due_at}"
    say(f"Access review{' OVERDUE' if opened_review.overdue else ''}: {due}; --size {opened_review.system_size}")
    for line in opened_review.lines:
        held = ", ".join(line.roles) or ", ".join(line.scopes) or "nothing"
        flags = f" [{', '.join(line.flags)}]" if line.flags else ""
        own = " (your own: another reviewer's)" if line.own else ""
        say(f"{line.account:20} {held}; last used {line.last_used or 'never, or not on record'}{flags}{own}")


def _line(line: Held) -> str:
    what = line.role.value if line.role is not None else ", ".join(line.scopes)
    where = f" for {', '.join(line.sites)}" if line.sites else ""
    sources = f" of {', '.join(line.sources)}" if line.sources else ""
    ends = f", until {line.expires_at}" if line.expires_at is not None else ""
    ended = f", revoked {line.to_at} by {line.ended_by}" if line.to_at is not None else ""
    return f"{line.account:20} {what}{where}{sources}: since {line.from_at}, by {line.by}{ends}{ended}"
