"""`trailseal sign anchor`, `certificate`, `take-out` and `bring`: signatures that are made elsewhere.

What is to be signed is taken out as a file of exact bytes, signed wherever the certificate is, and brought back as a
detached CMS (CAdES-BES, DER), as `openssl cms -sign -binary -cades -outform DER` makes it.
"""

from pathlib import Path
from typing import Annotated

import typer

from ledger.cli.ledgers import LedgerOption, LogOption, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.cli.sign import HERE, Account, Action, Entries, HeldRole, Meaning, acting, say_signature
from ledger.cli.sign_routes import Added, Listed, Reason, ask_for, entered, say_statement
from ledger.core.external import brought
from ledger.core.signature import Mode
from ledger.signing.external import KnownAnchor
from ledger.signing.looking import look
from ledger.signing.signatures import Asked

anchor = typer.Typer(help="Authorities whose certificates sign here.", no_args_is_help=True)
certificate = typer.Typer(help="Certificates of people who sign elsewhere.", no_args_is_help=True)

AnchorId = Annotated[str, typer.Argument(help="The anchor, as `sign anchor list` shows it.", metavar="ANCHOR")]
Prepared = Annotated[str, typer.Argument(help="The id that was said when it was taken out.", metavar="ID")]
File = Annotated[Path, typer.Argument(help="A file.", exists=True, dir_okay=False)]
Cms = Annotated[Path, typer.Argument(help="The detached CMS (DER).", exists=True, dir_okay=False)]
Chain = Annotated[Path | None, typer.Option(help="Certificates that are not in the CMS (PEM).", dir_okay=False)]
Revocations = Annotated[
    list[Path] | None,
    typer.Option(
        "--revocation", help="A revocation list (PEM, DER) or an OCSP response (DER); can be given again.", exists=True
    ),
]
Out = Annotated[Path, typer.Option(help="The file to write; it must not be there.", dir_okay=False)]


@anchor.command("list")
def list_anchors(ledger: LedgerOption, as_json: AsJson = False) -> None:
    """Every authority whose certificates sign here, or did."""
    with opened(ledger) as service:
        found = service.signing.external.anchors()
    if as_json:
        say_json(found)
        return
    for one in found:
        _say_anchor(one, False)
    if not found:
        say("No authority was let in.")


@anchor.command("propose")
def propose(file: File, ledger: LedgerOption, account: Account, reason: Reason, as_json: AsJson = False) -> None:
    """Propose an authority by its certificate; a second administrator has to confirm it."""
    with opened(ledger) as service, acting(service, account) as caller:
        _say_anchor(service.signing.external.propose(file.read_bytes(), reason, caller.authority), as_json)


@anchor.command("confirm")
def confirm(name: AnchorId, ledger: LedgerOption, account: Account, reason: Reason, as_json: AsJson = False) -> None:
    """Confirm an authority that somebody else proposed."""
    with opened(ledger) as service, acting(service, account) as caller:
        _say_anchor(service.signing.external.confirm(name, reason, caller.authority), as_json)


@anchor.command("withdraw")
def withdraw(name: AnchorId, ledger: LedgerOption, account: Account, reason: Reason, as_json: AsJson = False) -> None:
    """From here on an authority's certificates sign nothing new; what they signed stays valid."""
    with opened(ledger) as service, acting(service, account) as caller:
        _say_anchor(service.signing.external.withdraw(name, reason, caller.authority), as_json)


@certificate.command("request")
def request(
    file: File, ledger: LedgerOption, account: Account, out: Out, reason: Reason, as_json: AsJson = False
) -> None:
    """Ask for a certificate of yours to be bound to you: writes the bytes that it has to sign, within an hour."""
    with opened(ledger) as service, acting(service, account) as caller:
        external = service.signing.external
        put = external.begin(caller, file.read_bytes(), reason)
        data = external.request_bytes(caller, put.id)
    _write(out, data)
    if as_json:
        say_json({"id": put.id, "statement": put.statement})
    else:
        say(f"{put.statement.key.subject}, issued by {put.statement.key.issuer}")
        say(f"{put.id}: sign {out} with it, and bring it back with `trailseal sign certificate prove`.")


@certificate.command("prove")
def prove(
    ident: Prepared,
    cms: Cms,
    ledger: LedgerOption,
    account: Account,
    chain: Chain = None,
    revocation: Revocations = None,
    as_json: AsJson = False,
) -> None:
    """Bring the request back, signed by the certificate. Two people then vouch for it (`sign key vouch`)."""
    with opened(ledger) as service, acting(service, account) as caller:
        beside = _read(revocation)
        index = service.signing.external.prove(caller, ident, cms.read_bytes(), _certificates(chain), beside)
    entered(index, as_json)


def take_out(
    entries: Entries,
    ledger: LedgerOption,
    account: Account,
    meaning: Meaning,
    out: Out,
    reason: Listed = "routine",
    added: Added = None,
    action: Action = "record",
    role: HeldRole = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Take out the exact bytes of what you would sign, to be signed elsewhere and brought back within an hour."""
    with opened(ledger) as service:
        asked = Asked(
            log=service.log(log).name,
            entries=tuple(entries),
            action=action,
            meaning=meaning,
            reason=reason,
            added=added,
            role=role,
            mode=Mode.EXTERNAL,
        )
        put = service.signing.signatures.prepare(None, asked, None, signer=account)
        data = service.signing.signatures.exported(put.id)
    say_statement(put)
    _write(out, data)
    if as_json:
        say_json({"id": put.id, "digest": put.digest, "statement": put.statement})
    else:
        say(f"{put.id}: have {out} signed, and bring it back with `trailseal sign bring`.")


def bring(
    ident: Prepared,
    cms: Cms,
    ledger: LedgerOption,
    chain: Chain = None,
    revocation: Revocations = None,
    as_json: AsJson = False,
) -> None:
    """Bring back what was signed elsewhere; your other components are asked for, and it is entered."""
    with opened(ledger) as service:
        signatures = service.signing.signatures
        proof = brought(cms.read_bytes(), _certificates(chain), _read(revocation))
        put = signatures.waiting(ident)
        say_statement(put)
        done = signatures.complete(ident, put.digest, ask_for(put), proof, None, HERE)
        with service.store.reading() as connection:
            found = look(service.store, connection, done.index)
    say_signature(found, as_json)


def add_to(group: typer.Typer) -> None:
    """Adds these commands to `trailseal sign`."""
    group.add_typer(anchor, name="anchor")
    group.add_typer(certificate, name="certificate")
    group.command("take-out")(take_out)
    group.command("bring")(bring)


def _certificates(chain: Path | None) -> bytes:
    return b"" if chain is None else chain.read_bytes()


def _read(files: list[Path] | None) -> list[bytes]:
    return [one.read_bytes() for one in files or ()]


def _write(out: Path, data: bytes) -> None:
    with out.open("xb") as file:
        file.write(data)


def _say_anchor(found: KnownAnchor, as_json: bool) -> None:
    if as_json:
        say_json(found)
        return
    by = found.proposer if found.confirmer is None else f"{found.proposer}, {found.confirmer}"
    say(f"{found.state.value}: {found.subject}, good from {found.valid_from} to {found.valid_to}; by {by}")
    say(f"  {found.anchor}")
