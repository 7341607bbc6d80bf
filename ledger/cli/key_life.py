"""`trailseal key prepare-next`, `pre-rotate`, `rotate`, `revoke` and what else happens to the keys of a log."""

from pathlib import Path
from typing import Annotated

import typer

from ledger.cli.acting import acting
from ledger.cli.instants import utc_of
from ledger.cli.ledgers import LedgerOption, LogOption, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.cli.sign import Account
from ledger.cli.sign import acting as signed_in
from ledger.core.address import Address
from ledger.core.errors import ConfigError, NotFound
from ledger.core.key_events import KeyPurpose, key_digest
from ledger.core.log_keys import LogKeyHistory
from ledger.service import Service
from ledger.trust.key_history import told
from ledger.trust.next_keys import load_next, prepare_next
from ledger.trust.providers.options import ProviderName

Reason = Annotated[str, typer.Option(help="Why; it stands in the entry.")]
NextDigest = Annotated[
    str, typer.Argument(help="The next key's digest, as `key prepare-next` says it.", metavar="DIGEST")
]
KeyName = Annotated[str, typer.Argument(help="The verifier key, or its beginning up to the id.", metavar="KEY")]
_OF_THE_SYSTEM = (KeyPurpose.NOTICE, KeyPurpose.DIGEST)


def show(ledger: LedgerOption, log: LogOption = None, as_json: AsJson = False) -> None:
    """The life of a log's key: each key it had, the rotations, what is promised, and what is in doubt."""
    with opened(ledger) as service:
        found = told(service.key_life.history(service.log(log)))
    if as_json:
        say_json(found)
        return
    for key in found.keys:
        ended = "" if key.revoked is None else f", revoked by entry {key.revoked}"
        since = "the log's creation" if key.since is None else f"entry {key.since}"
        say(f"{key.state:9} {key.vkey}  (since {since}{ended})")
    for rotation in found.rotations:
        say(f"rotated   by entry {rotation.index}, as entry {rotation.promised} had promised")
    promise = (
        "none: promise one with `key pre-rotate`" if found.next is None else f"{found.next} (entry {found.promised})"
    )
    say(f"next      {promise}")
    for one in found.compromised:
        say(f"doubtful  from {one.doubtful_from}: {one.key}  (entry {one.index})")


def prepare(
    out: Annotated[Path | None, typer.Option(help="The folder to write, best on a medium that you carry away.")] = None,
    in_token: Annotated[
        bool, typer.Option("--in-token", help="Instead: have the ledger's security module make it, and keep it.")
    ] = False,
    origin: Annotated[str | None, typer.Option(help="The log's origin, where no ledger is at hand.")] = None,
    ledger: Annotated[Path | None, typer.Option(envvar="TRAILSEAL_LEDGER", help="The ledger's folder.")] = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Make the next key of a log, on any computer; its secret stays in that folder, only its digest is told.

    A key in the module never leaves it; but who can use the present key there can use that one too.
    """
    if in_token is (out is not None):
        raise ConfigError("where is the next key to be?", advice="Give --out DIR, or --in-token.")
    if out is None:
        _prepare_in_token(ledger, log, as_json)
        return
    if origin is None:
        if ledger is None:
            raise ConfigError("whose next key?", advice="Give --origin, or --ledger.")
        with opened(ledger) as service:
            origin = service.log(log).origin
    digest = prepare_next(out, origin)
    if as_json:
        say_json({"origin": origin, "digest": digest, "folder": str(out)})
        return
    say(f"{digest}")
    say(f"The next key of {origin} is in {out}: keep it offline, and twice. Whoever has it can follow the present key.")


def _prepare_in_token(ledger: Path | None, log: str | None, as_json: bool) -> None:
    if ledger is None:
        raise ConfigError("whose next key?", advice="Give --ledger: a module is known from its settings.")
    with opened(ledger) as service:
        chosen = service.log(log)
        if service.keys.options.provider is not ProviderName.PKCS11:
            raise ConfigError("this ledger has no security module", advice="Give --out DIR instead.")
        digest = key_digest(str(service.keys.prepare_next(chosen.name, chosen.origin).verifier))
    if as_json:
        say_json({"origin": chosen.origin, "digest": digest, "folder": None})
        return
    say(f"{digest}")
    say(f"The next key of {chosen.origin} is in the security module.")


def pre_rotate(
    digest: NextDigest, ledger: LedgerOption, reason: Reason, log: LogOption = None, as_json: AsJson = False
) -> None:
    """Promise the next key of a log that was created without one. It counts once, and for ever."""
    with opened(ledger) as service:
        chosen = service.log(log)
        index = service.key_life.pre_rotate(chosen, digest, reason, acting(service))
        _done(service, chosen.origin, index, as_json)


def rotate(
    ledger: LedgerOption,
    reason: Reason,
    following: Annotated[
        Path | None, typer.Option("--next", help="The folder with the promised key, brought from offline.")
    ] = None,
    in_token: Annotated[
        bool, typer.Option("--in-token", help="Instead: the promised key is in the security module.")
    ] = False,
    then: Annotated[str | None, typer.Option(help="The digest of the key after it, from `key prepare-next`.")] = None,
    prepare: Annotated[Path | None, typer.Option(help="Or: the folder to make the key after it in.")] = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Put the promised key in the place of the present one; both sign, until the old one is revoked."""
    if (then is None) is (prepare is None):
        raise ConfigError("a rotation promises the key after it", advice="Give either --then DIGEST or --prepare DIR.")
    if in_token is (following is not None):
        raise ConfigError("where is the promised key?", advice="Give --next DIR, or --in-token.")
    with opened(ledger) as service:
        chosen, authority = service.log(log), acting(service)
        seed = None if following is None else load_next(following, chosen.origin)
        if then is None:
            assert prepare is not None
            then = prepare_next(prepare, chosen.origin)
        done = service.key_life.rotate(chosen, seed, then, reason, authority)
    if as_json:
        say_json(
            {
                "address": str(Address(chosen.origin, done.index)),
                "old": done.old,
                "new": done.new,
                "next": then,
                "checkpoint": done.checkpoint.size,
            }
        )
        return
    say(f"{Address(chosen.origin, done.index)}: both keys signed the checkpoint of size {done.checkpoint.size}")
    say(f"Verifier key      {done.new}")
    say("                  Tell witnesses, and whoever pinned the old one: `trailseal key announce` prints how.")
    say("                  Then revoke the old key, and destroy the copy of the new one's secret on this machine.")


def post_quantum(ledger: LedgerOption, reason: Reason, log: LogOption = None, as_json: AsJson = False) -> None:
    """Have an ML-DSA-44 key sign each checkpoint of a log beside its Ed25519 key, from here on.

    A checkpoint without either line does not verify then; offline, `verify --require-pq` asks for both.
    """
    with opened(ledger) as service:
        chosen = service.log(log)
        done = service.key_life.activate(chosen, reason, acting(service))
    address = str(Address(chosen.origin, done.index))
    if as_json:
        say_json({"address": address, "key": done.key, "checkpoint": done.checkpoint.size})
        return
    say(f"{address}: both keys signed the checkpoint of size {done.checkpoint.size}")
    say(f"Verifier key      {done.key}")
    say("                  Pin it beside the log's other key, outside of this machine.")


def revoke(key: KeyName, ledger: LedgerOption, reason: Reason, log: LogOption = None, as_json: AsJson = False) -> None:
    """End the time in which a replaced key may still sign; its secret is destroyed here."""
    with opened(ledger) as service:
        chosen = service.log(log)
        vkey = _named(service.key_life.history(chosen), key)
        index = service.key_life.revoke(chosen, vkey, reason, acting(service))
        _done(service, chosen.origin, index, as_json)


def announce(ledger: LedgerOption, log: LogOption = None, as_json: AsJson = False) -> None:
    """Print the statement of the last rotation, signed by both keys: for witnesses and who pinned the old one."""
    with opened(ledger) as service:
        chosen = service.log(log)
        note, rotation = service.key_life.announcement(chosen)
    if as_json:
        say_json({"old": str(rotation.old), "new": str(rotation.new), "entry": rotation.index, "note": note})
        return
    typer.echo(note, nl=False)


def report_compromise(
    key: Annotated[str, typer.Argument(help="The verifier key; of a digest secret its id.", metavar="KEY")],
    ledger: LedgerOption,
    account: Account,
    doubtful_from: Annotated[str, typer.Option(help="The instant from which on nothing that it signed is certain.")],
    meaning: Annotated[str, typer.Option(help="What it means for what the key signed, in words.")],
    reason: Reason,
    purpose: Annotated[KeyPurpose, typer.Option(help="What the key is for.")] = KeyPurpose.LOG,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Report that a key of the ledger may be in other hands; a second administrator has to confirm it.

    Of a person's key, or an agent, an incident case says so.
    """
    since = utc_of("--doubtful-from", doubtful_from)
    with opened(ledger) as service, signed_in(service, account) as caller:
        chosen = service.system if purpose in _OF_THE_SYSTEM else service.log(log)
        if purpose is KeyPurpose.LOG:
            key = _named(service.key_life.history(chosen), key)
        index = service.key_life.report(chosen, purpose, key, since, meaning, reason, caller.authority)
        _done(service, chosen.origin, index, as_json)


def confirm_compromise(
    report: Annotated[int, typer.Argument(help="The index of the entry that reported it.", metavar="INDEX")],
    ledger: LedgerOption,
    account: Account,
    reason: Reason,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Confirm a compromise that somebody else reported; from here on it counts."""
    with opened(ledger) as service, signed_in(service, account) as caller:
        chosen = service.log(log)
        index = service.key_life.confirm(chosen, report, reason, caller.authority)
        _done(service, chosen.origin, index, as_json)


def repudiate(
    key: Annotated[str, typer.Argument(help="The id of your key, as `trailseal sign key list` shows it.")],
    ledger: LedgerOption,
    account: Account,
    reason: Reason,
    as_json: AsJson = False,
) -> None:
    """Say that you do not stand by what a key of yours signed; what is dated before stays valid, and is disputed."""
    with opened(ledger) as service, signed_in(service, account) as caller:
        index = service.key_life.repudiate(service.system, key, reason, caller.authority)
        _done(service, service.system.origin, index, as_json)


def replace(
    ledger: LedgerOption,
    purpose: Annotated[
        KeyPurpose, typer.Option(help="report: the seal of packages; receipt: for agents; notice: for webhooks.")
    ],
    reason: Reason,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Replace the key of a report seal, of receipts or of notices; what the old one signed goes on verifying.

    Agents follow by themselves. Cut off in between, the same command finishes it.
    """
    with opened(ledger) as service:
        chosen = service.system if purpose in _OF_THE_SYSTEM else service.log(log)
        done = service.key_life.seals.replace(chosen, purpose, reason, acting(service))
        if as_json:
            say_json({"address": str(Address(chosen.origin, done.index)), "old": done.old, "new": done.new})
            return
        say(f"Entered as {Address(chosen.origin, done.index)}")
        say(f"{done.new} is in the place of {done.old}")
        if purpose is KeyPurpose.NOTICE:
            say("Tell whoever receives notices: they pinned the old key.")


def add_to(group: typer.Typer) -> None:
    """Adds these commands to `trailseal key`."""
    for name, command in (
        ("show", show),
        ("prepare-next", prepare),
        ("pre-rotate", pre_rotate),
        ("rotate", rotate),
        ("post-quantum", post_quantum),
        ("revoke", revoke),
        ("announce", announce),
        ("replace", replace),
        ("report-compromise", report_compromise),
        ("confirm-compromise", confirm_compromise),
        ("repudiate", repudiate),
    ):
        group.command(name)(command)


def _named(history: LogKeyHistory, key: str) -> str:
    found = [one.vkey for one in history.keys if one.vkey.startswith(key)]
    if len(found) != 1:
        raise NotFound(f"{len(found)} keys of the log begin with {key!r}", advice="`trailseal key show` lists them.")
    return found[0]


def _done(service: Service, origin: str, index: int, as_json: bool) -> None:
    if as_json:
        say_json({"address": str(Address(origin, index))})
    else:
        say(f"Entered as {Address(origin, index)}")
