"""`trailseal sign`: signing keys and who vouches for them, the first start, and signatures, at the terminal.

Who signs here shows all components, as the terminal is no session of theirs; nobody signs by access to the folder.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from ledger.cli.ledgers import LedgerOption, LogOption, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.cli.sign_routes import Added, Listed, Reason, ask_for, entered, say_statement
from ledger.cli.sign_routes import group as group
from ledger.core.errors import NotAuthenticated
from ledger.core.signature import Mode
from ledger.people.access import Caller
from ledger.people.door import Asked as AskedSecond
from ledger.people.door import Visit
from ledger.people.second import Proof
from ledger.present.card import fingerprint_of
from ledger.service import Service
from ledger.signing.ceremony import Card
from ledger.signing.factors import SIGNING_SECRET, Shown
from ledger.signing.lists import ACCOUNTABILITY
from ledger.signing.looking import LookedAt, look
from ledger.signing.paper import papers_of
from ledger.signing.signatures import Asked
from reports.verdict import ExitCode, Outcome
from reports.verify import verify_package

key = typer.Typer(help="Signing keys, and who vouches for them.", no_args_is_help=True)
group.add_typer(key, name="key")

HERE = "127.0.0.1"
Account = Annotated[str, typer.Option("--as", help="The account of who acts; their components are asked for.")]
Entries = Annotated[list[int], typer.Argument(help="The entries to be signed.")]
Meaning = Annotated[str, typer.Option(help="A code of the site's list of meanings.")]
Action = Annotated[str, typer.Option(help="What is signed for.")]
HeldRole = Annotated[str | None, typer.Option(help="In which role, where you hold several.")]
KeyId = Annotated[str, typer.Argument(help="The key's id, as `sign key list` shows it.")]


@group.command("entries")
def sign_entries(
    entries: Entries,
    ledger: LedgerOption,
    account: Account,
    meaning: Meaning,
    reason: Listed = "routine",
    added: Added = None,
    action: Action = "record",
    role: HeldRole = None,
    language: Annotated[str, typer.Option(help="The language of the words.")] = "en",
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Sign entries of a log by your sealed key. What you sign is shown before your components are asked for."""
    with opened(ledger) as service:
        asked = Asked(
            log=service.log(log).name,
            entries=tuple(entries),
            action=action,
            meaning=meaning,
            reason=reason,
            added=added,
            role=role,
            language=language,
            mode=Mode.SEALED_KEY,
        )
        say_signature(_signed(service, asked, account), as_json)


@group.command("accountability")
def sign_accountability(ledger: LedgerOption, account: Account, as_json: AsJson = False) -> None:
    """Sign the accountability statement: the first signature of each person."""
    with opened(ledger) as service:
        keys = [one for one in service.signing.bindings.all(account) if one.signs and one.mode is Mode.SEALED_KEY]
        if not keys:
            raise NotAuthenticated(f"{account!r} has no signing key that counts yet", advice="See `sign key list`.")
        asked = Asked(
            log=service.system.name,
            entries=(int(keys[-1].request.rpartition("#")[2]),),
            action=ACCOUNTABILITY,
            meaning=ACCOUNTABILITY,
            reason="routine",
            name="accountability statement",
            mode=Mode.SEALED_KEY,
        )
        say_signature(_signed(service, asked, account), as_json)


@group.command("show")
def show_signature(
    index: Annotated[int, typer.Argument(help="The signature's entry in the system log.")],
    ledger: LedgerOption,
    as_json: AsJson = False,
) -> None:
    """Show a signature, verified anew. Exit code 1 where it does not hold, or what it signs was changed."""
    with opened(ledger) as service, service.store.reading() as connection:
        found = look(service.store, connection, index)
        papers = papers_of(service.store, connection, [found.address])
    say_signature(found, as_json)
    for one in () if as_json else papers:
        say(f"○ {one.sentence}: {one.kind}")
    if found.valid is not True:
        raise typer.Exit(1)


@group.command("verify")
def verify_signatures(
    package: Annotated[Path, typer.Argument(help="An evidence package.", exists=True, dir_okay=False)],
    vkey: Annotated[list[str] | None, typer.Option(help="The log's key, from outside the package.")] = None,
    as_json: AsJson = False,
) -> None:
    """Verify the signatures in a package offline. Exit codes are those of `trailseal verify PACKAGE`."""
    verdict = verify_package(package, vkey or ())
    signed = [check for check in verdict.checks if check.name.startswith("Signature")]
    if as_json:
        say_json({"exit_code": int(verdict.exit_code), "signatures": signed, "problems": verdict.problems})
    else:
        say(verdict.summary)
        for check in signed:
            say(f"{_SYMBOLS[check.outcome]} {check.name}: {check.says}")
        if not signed:
            say("No electronic signature is in this package.")
        for problem in verdict.problems:
            say(f"▲ {problem.where}: {problem.what}")
    if verdict.exit_code is not ExitCode.HOLDS:
        raise typer.Exit(int(verdict.exit_code))


@group.command("ceremony")
def ceremony(
    ledger: LedgerOption,
    officer: Annotated[str, typer.Option(help="The security officer's account.")],
    quality: Annotated[str, typer.Option(help="The account of the one of quality.")],
    as_json: AsJson = False,
) -> None:
    """The first start: both people are here and sign the keys of both. Prints the card that they sign by hand."""
    with opened(ledger) as service, acting(service, officer) as caller:
        put = service.signing.ceremony.prepare(caller, officer, quality)
        typer.echo(f"Both compare this fingerprint: {put.fingerprint}", err=True)
        secrets = {one: hidden(f"Signing secret of {one}") for one in (officer, quality)}
        card = service.signing.ceremony.complete(caller, put.id, secrets, HERE)
        _say_card(service, card, as_json)


@group.command("card")
def show_card(ledger: LedgerOption, as_json: AsJson = False) -> None:
    """Print the card of the first start."""
    with opened(ledger) as service:
        _say_card(service, service.signing.ceremony.card(), as_json)


def _say_card(service: Service, card: Card, as_json: bool) -> None:
    """The card of the first start, and beside it the keys of all logs, which the same paper carries out."""
    keys = [(log.origin, service.vkey(log)) for log in service.logs.values()]
    if as_json:
        pinned = [{"origin": origin, "vkey": vkey, "fingerprint": fingerprint_of(vkey)} for origin, vkey in keys]
        say_json({**msgspec.to_builtins(card), "keys": pinned})
        return
    for line in card.lines(keys):
        say(line)


@key.command("make")
def make_key(ledger: LedgerOption, account: Account, reason: Reason, as_json: AsJson = False) -> None:
    """Make your signing key, sealed by a secret that nobody can recover."""
    with opened(ledger) as service, acting(service, account) as caller:
        secret = hidden("New signing secret")
        if secret != hidden("The same once more"):
            raise NotAuthenticated("the two secrets differ", advice="Nothing was made: begin again.")
        index = service.signing.bindings.request(caller, secret, reason)
        made = service.signing.bindings.all(account)[-1]
    if as_json:
        say_json({"entry": index, "key": made.key_id})
    else:
        say(f"Key {made.key_id}, entry {index} of the system log. It counts once two people vouched for it.")


@key.command("list")
def list_keys(
    ledger: LedgerOption,
    account: Annotated[str | None, typer.Option(help="Whose keys; by default everybody's.")] = None,
    as_json: AsJson = False,
) -> None:
    """Every signing key there is or was, and who vouched for it."""
    with opened(ledger) as service:
        found = service.signing.bindings.all(account)
    if as_json:
        say_json(found)
        return
    for one in found:
        by = f", vouched for by {', '.join(one.vouchers)}" if one.vouchers else ""
        due = "" if one.test_due is None else f", test {'OVERDUE since' if one.test_overdue else 'due'} {one.test_due}"
        signs = "" if one.signs else ", not signing"
        say(f"{one.key_id}  {one.account:20} {one.mode.value:10} {one.state}{signs}{due}{by}")


@key.command("vouch")
def vouch(
    key_id: KeyId,
    ledger: LedgerOption,
    account: Account,
    how: Annotated[str, typer.Option(help="By which means you know whose key it is.")],
    reason: Reason,
    as_json: AsJson = False,
) -> None:
    """Vouch by your own key that a key is its person's. Compare its id with what they read out to you."""
    with opened(ledger) as service, acting(service, account) as caller:
        vouching = service.signing.vouching
        put = vouching.to_attest(caller, key_id, how, Mode.SEALED_KEY)
        typer.echo(f"Key {key_id} of {put.subject.name} ({put.subject.account})", err=True)
        index = vouching.attest(caller, put.id, reason, Shown(secret=hidden("Signing secret")), network=HERE)
    entered(index, as_json)


@key.command("refuse")
def refuse(key_id: KeyId, ledger: LedgerOption, account: Account, reason: Reason, as_json: AsJson = False) -> None:
    """Refuse to vouch for a key that is not its person's: its request ends, and their identity is checked again."""
    with opened(ledger) as service, acting(service, account) as caller:
        index = service.signing.vouching.refuse(caller, key_id, reason)
    entered(index, as_json)


@key.command("revoke")
def revoke_key(key_id: KeyId, ledger: LedgerOption, account: Account, reason: Reason, as_json: AsJson = False) -> None:
    """End a key at once: a secret that is forgotten or known to others. What it signed stays valid."""
    with opened(ledger) as service, acting(service, account) as caller:
        index = service.signing.bindings.revoke(key_id, reason, caller.authority, caller)
    entered(index, as_json)


@contextmanager
def acting(service: Service, account: str) -> Iterator[Caller]:
    """Somebody who signs in at this terminal, for the one command."""
    door, sessions = service.entrance.door, service.people.sessions
    visit = Visit(peer=HERE)
    found = door.show_password(account, hidden(f"Password of {account}"), visit)
    if isinstance(found, AskedSecond):
        found = door.show_second(found.state, Proof(code=hidden(f"Code of {account}'s device")), visit)
    try:
        yield sessions.find(found.session)
    finally:
        sessions.end(found.session, "the command is done")


def _signed(service: Service, asked: Asked, account: str) -> LookedAt:
    signatures = service.signing.signatures
    put = signatures.prepare(None, asked, None, signer=account)
    say_statement(put)
    if put.vague:
        typer.echo("Your words say little of why; they are signed as they are.", err=True)
    assert SIGNING_SECRET in put.needed
    done = signatures.complete(put.id, put.digest, ask_for(put))
    with service.store.reading() as connection:
        return look(service.store, connection, done.index)


def say_signature(found: LookedAt, as_json: bool) -> None:
    """Says a signature as it is shown, with what became of it."""
    if as_json:
        say_json(found)
        return
    shown = found.shown
    state = "● valid" if found.valid else "▲ does not hold"
    say(f"{shown.sentence}")
    say(f"{state}{f': {found.wrong}' if found.wrong else ''}")
    say(f"because: {shown.reason}")
    say(f"{shown.mode}; fingerprint {shown.fingerprint}; {found.address}")
    say(shown.class_text)


def hidden(words: str) -> str:
    """What somebody types that is not shown."""
    return str(typer.prompt(words, hide_input=True, err=True))


_SYMBOLS = {Outcome.HOLDS: "●", Outcome.FAILS: "▲", Outcome.UNKNOWN: "○"}
