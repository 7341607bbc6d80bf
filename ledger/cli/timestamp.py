"""`trailseal timestamp`: authorities of time (RFC 3161), what they said of checkpoints, one token verified alone."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.acting import acting
from ledger.cli.ledgers import LedgerOption, LogOption, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.core.clock import MICROSECONDS, utc_text

if TYPE_CHECKING:
    from ledger.trust.tsa_admin import KnownTsa

group = typer.Typer(help="Time-stamps of checkpoints (RFC 3161).", no_args_is_help=True)

Tsa = Annotated[str, typer.Argument(help="The authority's name here.", metavar="NAME")]
Reason = Annotated[str, typer.Option(help="Why; it is entered.", prompt="Reason")]
Policy = Annotated[str | None, typer.Option(help="The only policy that is taken (an OID); by default any.")]
_EVERY = 3600


@group.command()
def add(
    name: Tsa,
    url: Annotated[str, typer.Argument(help="Where it is asked: http://… or https://….")],
    ledger: LedgerOption,
    root: Annotated[
        Path,
        typer.Option(
            help="What is pinned (PEM): its root; its own certificate may stand there too.", exists=True, dir_okay=False
        ),
    ],
    reason: Reason,
    policy: Policy = None,
    every: Annotated[int, typer.Option(help="Seconds between two time-stamps of a log that grows.")] = _EVERY,
    as_json: AsJson = False,
) -> None:
    """Propose an authority of time; a second administrator has to confirm it before it is asked."""
    from ledger.core.timestamps import certificates_in

    with opened(ledger) as service:
        known = service.tsas.propose(
            name, url, certificates_in(root.read_bytes()), reason, acting(service), policy, every
        )
    _say(known, as_json)


@group.command()
def confirm(name: Tsa, ledger: LedgerOption, reason: Reason, as_json: AsJson = False) -> None:
    """Confirm an authority that somebody else proposed: from here on it is asked."""
    with opened(ledger) as service:
        _say(service.tsas.confirm(name, reason, acting(service)), as_json)


@group.command()
def withdraw(name: Tsa, ledger: LedgerOption, reason: Reason, as_json: AsJson = False) -> None:
    """From here on an authority is not asked; what it said before stays as it is."""
    with opened(ledger) as service:
        _say(service.tsas.withdraw(name, reason, acting(service)), as_json)


@group.command("list")
def list_all(
    ledger: LedgerOption,
    log: LogOption = None,
    limit: Annotated[int, typer.Option(help="How many of the newest time-stamps.", min=1)] = 20,
    as_json: AsJson = False,
) -> None:
    """The authorities, how they answer, and the newest time-stamps. Exit code 1 while an authority does not answer."""
    from ledger.trust.timestamp_reading import newest

    with opened(ledger) as service:
        tsas = service.tsas.all()
        with service.store.reading() as connection:
            origin = None if log is None else service.log(log).origin
            found = newest(connection, limit, origin=origin)
    stamps = [
        {"index": one.index, "origin": one.origin, "size": one.size, "tsa": one.tsa, "gen_time": utc_text(one.gen_us)}
        for one in found
    ]
    if as_json:
        say_json({"authorities": tsas, "time_stamps": stamps})
    else:
        for tsa in tsas:
            _say(tsa, False)
        if not tsas:
            say("No authority of time was let in: see `trailseal timestamp add --help`.")
        for one in stamps:
            say(f"{one['gen_time']}  {one['tsa']}  {one['origin']} at size {one['size']}, entry {one['index']}")
    if any(tsa.failing_since for tsa in tsas):
        raise typer.Exit(1)


@group.command()
def now(ledger: LedgerOption, as_json: AsJson = False) -> None:
    """Have every log that grew stamped now, by each authority. Exit code 1 if one did not answer as it should."""
    with opened(ledger) as service:
        service.publisher.publish_all()
        answers = service.stamping.stamp()
        service.publisher.publish_all()
    if as_json:
        say_json(answers)
    else:
        for one in answers:
            if one.error:
                say(f"▲ {one.tsa}, {one.origin} at size {one.size}: {one.error}")
            else:
                say(f"● {one.tsa}: {one.origin} at size {one.size} existed at {one.gen_time}, entry {one.index}")
        if not answers:
            say("Nothing to be stamped: no authority counts, or all is stamped.")
    if any(one.error for one in answers):
        raise typer.Exit(1)


@group.command()
def renew(
    ledger: LedgerOption,
    name: Annotated[str | None, typer.Option("--tsa", help="Only by this authority; by default by each.")] = None,
    as_json: AsJson = False,
) -> None:
    """Have all time-stamps renewed: a newer one, by SHA-512, over the tree of them all. Exit code 1 if one is refused.

    To be done before an algorithm or a key that they rest on ages: from then on they hold by the renewal.
    """
    with opened(ledger) as service:
        answers = service.renewing.renew(name)
        service.publisher.publish_all()
    if as_json:
        say_json(answers)
    for one in answers if not as_json else ():
        if one.error:
            say(f"▲ {one.tsa}: {one.error}")
        else:
            say(f"● {one.tsa}: all time-stamps before entry {one.size} existed at {one.gen_time}, entry {one.index}")
    if any(one.error for one in answers):
        raise typer.Exit(1)


@group.command()
def verify(
    file: Annotated[Path, typer.Argument(help="The authority's whole response (DER).", exists=True, dir_okay=False)],
    checkpoint: Annotated[
        Path,
        typer.Option(help="The checkpoint it is to be over, signed or its text.", exists=True, dir_okay=False),
    ],
    root: Annotated[
        Path,
        typer.Option(help="What is pinned of the authority (PEM): a root at least.", exists=True, dir_okay=False),
    ],
    policy: Policy = None,
    revocation: Annotated[
        list[Path] | None,
        typer.Option(help="A revocation list or an OCSP response (DER); can be given again.", exists=True),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Verify one time-stamp offline, as of the moment that it names: no ledger, no network.

    Exit code 0 only if it holds over this checkpoint, by this authority. Who signed the checkpoint is not looked at:
    `trailseal verify` does that.
    """
    from ledger.core.checkpoint import Checkpoint
    from ledger.core.note import parse_note
    from ledger.core.timestamps import certificates_in, pins_of, verify_time_stamp

    data = checkpoint.read_bytes()
    text = parse_note(data).text if b"\n\n" in data else data.decode("utf-8", "replace")
    found = Checkpoint.parse(text)
    stamp = verify_time_stamp(
        file.read_bytes(),
        text.encode(),
        pins_of(certificates_in(root.read_bytes()), policy),
        revocation=[one.read_bytes() for one in revocation or ()],
    )
    revoked = stamp.revocation[0].state.value if stamp.revocation else "unknown"
    if as_json:
        say_json(
            {
                "origin": found.origin,
                "size": found.size,
                "gen_time": utc_text(stamp.gen_us),
                "accuracy_us": stamp.accuracy_us,
                "signer": stamp.subject,
                "policy": stamp.policy,
                "serial": stamp.serial,
                "revocation": revoked,
            }
        )
        return
    off = f" ± {stamp.accuracy_us / MICROSECONDS:g} s" if stamp.accuracy_us else ""
    say(f"● The checkpoint of {found.origin} at size {found.size} existed at {utc_text(stamp.gen_us)}{off}.")
    say(f"  By {stamp.subject}, policy {stamp.policy}; whether its certificate was revoked: {revoked}.")


def _say(tsa: "KnownTsa", as_json: bool) -> None:
    if as_json:
        say_json(tsa)
        return
    by = tsa.proposer if tsa.confirmer is None else f"{tsa.proposer}, {tsa.confirmer}"
    mark = "▲" if tsa.failing_since else "●" if tsa.state.value == "confirmed" else "○"
    say(f"{mark} {tsa.tsa}: {tsa.state.value}, {tsa.url}, every {tsa.every_seconds} s; by {by}")
    say(f"  Pinned: {'; '.join(tsa.roots)}, good to {tsa.valid_to}; policy {tsa.policy or 'any'}")
    if tsa.last:
        say(f"  Its last time-stamp here says {tsa.last}.")
    if tsa.failing_since:
        say(f"  Has not answered since {tsa.failing_since}: {tsa.error}")
