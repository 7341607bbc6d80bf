"""`trailseal sign paper`: signatures by hand on printouts, entered with their scans and checked by a second person."""

from pathlib import Path
from typing import Annotated

import typer

from ledger.cli.ledgers import LedgerOption, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.cli.sign import Account, acting
from ledger.cli.sign_routes import Reason
from ledger.present.messages import message
from ledger.signing.paper import FoundPrint, KnownPaper, NewPaper

paper = typer.Typer(help="Signatures by hand on printouts, and their scans.", no_args_is_help=True)

Fingerprint = Annotated[str, typer.Argument(help="The fingerprint on the paper: 32 digits and letters a to f.")]
PaperId = Annotated[str, typer.Argument(help="The id, as `sign paper list` shows it.", metavar="PAPER")]


@paper.command("find")
def find(fingerprint: Fingerprint, ledger: LedgerOption, account: Account, as_json: AsJson = False) -> None:
    """Say what a fingerprint is of: a version as it stands, an older one, or (exit code 1) nothing here."""
    with opened(ledger) as service, acting(service, account) as caller:
        found: FoundPrint = service.signing.papers.find(caller, fingerprint)
    if as_json:
        say_json(found)
    else:
        say(found.says)


@paper.command("enter")
def enter(
    fingerprint: Fingerprint,
    scan: Annotated[Path, typer.Argument(help="The scan: PDF, PNG or JPEG.", exists=True, dir_okay=False)],
    ledger: LedgerOption,
    account: Account,
    meaning: Annotated[str, typer.Option(help="What the signature means, as the paper says.")],
    name: Annotated[str, typer.Option(help="Printed name of who signed by hand.")],
    on: Annotated[str, typer.Option(help="The day on the paper, as in 2026-11-25.")],
    kept_at: Annotated[str, typer.Option(help="Where the paper is kept.")],
    reason: Reason,
    signer: Annotated[str | None, typer.Option(help="Their account here, if they have one.")] = None,
    older: Annotated[bool, typer.Option("--older", help="The paper is known to be of an older version.")] = False,
    as_json: AsJson = False,
) -> None:
    """Enter a signature by hand. It is kept as what it is, and never counts as an electronic signature."""
    new = NewPaper(
        fingerprint=fingerprint,
        meaning=meaning,
        name=name,
        signed_on=on,
        kept_at=kept_at,
        reason=reason,
        account=signer,
        older=older,
    )
    with opened(ledger) as service, acting(service, account) as caller:
        _say(service.signing.papers.enter(caller, new, scan.read_bytes()), as_json)


@paper.command("list")
def list_papers(ledger: LedgerOption, account: Account, as_json: AsJson = False) -> None:
    """Every one on file."""
    with opened(ledger) as service, acting(service, account) as caller:
        found = service.signing.papers.all(caller)
    if as_json:
        say_json(found)
        return
    for one in found:
        _say(one, False)
    if not found:
        say(message("paper.none"))


@paper.command("check")
def check(paper_id: PaperId, ledger: LedgerOption, account: Account, reason: Reason, as_json: AsJson = False) -> None:
    """Say that entry and scan agree, as a second person who compared them."""
    with opened(ledger) as service, acting(service, account) as caller:
        _say(service.signing.papers.check(caller, paper_id, reason), as_json)


@paper.command("withdraw")
def withdraw(
    paper_id: PaperId, ledger: LedgerOption, account: Account, reason: Reason, as_json: AsJson = False
) -> None:
    """Take back what was entered in error; it stays on record."""
    with opened(ledger) as service, acting(service, account) as caller:
        _say(service.signing.papers.withdraw(caller, paper_id, reason), as_json)


@paper.command("scan")
def scan_of(
    paper_id: PaperId,
    ledger: LedgerOption,
    account: Account,
    out: Annotated[Path, typer.Option(help="The file to write; it must not be there.", dir_okay=False)],
    as_json: AsJson = False,
) -> None:
    """Write the scan to a file, checked against its entry."""
    with opened(ledger) as service, acting(service, account) as caller:
        known, data = service.signing.papers.scan(caller, paper_id)
    with out.open("xb") as file:
        file.write(data)
    _say(known, as_json)


def add_to(group: typer.Typer) -> None:
    """Adds these commands to `trailseal sign`."""
    group.add_typer(paper, name="paper")


def _say(known: KnownPaper, as_json: bool) -> None:
    if as_json:
        say_json(known)
        return
    say(known.sentence)
    say(f"○ {known.kind}; {state_text(known)}")
    say(f"fingerprint {known.fingerprint}; kept at: {known.kept_at}; {known.media_type}, {known.size} bytes")
    say(f"paper {known.paper}, entry {known.entry} of the system log")


def state_text(known: KnownPaper) -> str:
    """Who entered it, and whether somebody checked it."""
    return message(f"paper.state.{known.state.value}", by=known.entered_by, other=known.checked_by or "")
