"""`trailseal witness`: an independent witness of logs, where it stands. No ledger is opened here."""

import signal
import threading
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.cli.output import AsJson, say, say_json, say_json_line, tell
from ledger.core.batch import fingerprint
from ledger.core.checkpoint import Checkpoint, open_checkpoint
from ledger.core.clock import MICROSECONDS, SystemClock, utc_text
from ledger.core.cosignature import parse_verifier
from ledger.core.errors import ConfigError, LedgerError
from ledger.core.hashing import EMPTY_ROOT, HASH_SIZE, b64, unb64
from ledger.core.note import Verifier, parse_note
from ledger.core.witnessing import Head, Status

if TYPE_CHECKING:
    from ledger.trust.witness.folder import WitnessFolder
    from ledger.trust.witness.states import Known

group = typer.Typer(help="Independent witnesses of a log's checkpoints.", no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The witness's folder.", envvar="TRAILSEAL_WITNESS")]
Origin = Annotated[str, typer.Option(help="The log's origin, as the first line of its checkpoints says it.")]
Vkey = Annotated[
    list[str], typer.Option(help="A verifier key of the log, as `key list` prints it; repeat for several.")
]


@group.command()
def init(
    folder: Folder,
    name: Annotated[str, typer.Option(help="Name in the cosignature lines, e.g. witness.example/qa.", prompt="Name")],
    operator: Annotated[str, typer.Option(help="Who answers for it.", prompt="Operated by (department, company)")],
    administrator: Annotated[
        str, typer.Option(help="Who may change host, files and key.", prompt="Administered by (role or team)")
    ],
    host: Annotated[str, typer.Option(help="The machine or site where it runs.", prompt="Host (machine, site)")],
    identity_provider: Annotated[
        str,
        typer.Option(
            help="What its administrators sign in by; empty for local accounts.",
            prompt="Identity provider (empty: local accounts)",
        ),
    ] = "",
    published: Annotated[
        str, typer.Option(help="Folder of the checkpoints that anybody may see, from DIR; best on another disk.")
    ] = "published",
    ml_dsa: Annotated[bool, typer.Option("--ml-dsa", help="Cosign by ML-DSA-44 too (post-quantum).")] = False,
    passphrase_file: Annotated[
        Path | None, typer.Option(help="Seal the keys under the passphrase in this file, which is read at each start.")
    ] = None,
    passphrase_env: Annotated[str, typer.Option(help="Or under that in this environment variable.")] = "",
    as_json: AsJson = False,
) -> None:
    """Make a witness with a key of its own in DIR. Its statement is shown to whoever asks: `GET /about`.

    A witness helps only as far as other people hold it than those who hold the log's database and key.
    """
    from ledger.trust.witness.folder import Settings, WitnessFolder
    from ledger.trust.witness.statement import Statement

    statement = Statement(
        operator=operator, administrator=administrator, host=host, identity_provider=identity_provider
    )
    settings = Settings(
        name=name,
        statement=statement,
        published=published,
        passphrase_file="" if passphrase_file is None else str(passphrase_file.absolute()),
        passphrase_env=passphrase_env,
    )
    _tell_about(WitnessFolder.create(folder, settings, post_quantum=ml_dsa), as_json)
    tell("Next: make a log known by hand, `trailseal witness add-log`; and give the log's owner the verifier key.")


@group.command()
def about(folder: Folder, as_json: AsJson = False) -> None:
    """What the witness states of itself: name, verifier keys, who operates and who administers it."""
    _tell_about(_opened(folder), as_json)


@group.command("add-log")
def add_log(
    folder: Folder,
    origin: Origin,
    vkey: Vkey,
    checkpoint: Annotated[
        Path | None, typer.Option(help="A signed checkpoint that you have by a way of your own.")
    ] = None,
    size: Annotated[
        int | None, typer.Option(help="Without a file: the size of the log, 0 for a new one.", min=0)
    ] = None,
    root: Annotated[str | None, typer.Option(help="With --size: the root in base64.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a log known, at a size and root that you vouch for; from there on it must prove that it only grows.

    Also the way out where the state of a known log is missing or older than what was published.
    """
    witness = _opened(folder)
    keys = tuple(parse_verifier(key) for key in vkey)
    head = _head(origin, keys, checkpoint, size, root)
    witness.states.add(origin, keys, head, 0 if checkpoint is None else _time(witness, origin, checkpoint))
    if as_json:
        say_json({"origin": origin, "size": head.size, "root": b64(head.root), "keys": [str(key) for key in keys]})
    else:
        say(f"{origin} is known, at size {head.size}")


@group.command("add-key")
def add_key(folder: Folder, origin: Origin, vkey: Vkey, as_json: AsJson = False) -> None:
    """Trust further keys of a known log, as before it changes its key. Both count from now on."""
    witness = _opened(folder)
    for key in vkey:
        witness.states.add_key(origin, parse_verifier(key))
    _tell_keys(witness, origin, as_json)


@group.command("remove-key")
def remove_key(folder: Folder, origin: Origin, vkey: Vkey, as_json: AsJson = False) -> None:
    """Trust keys of a known log no longer: once it has changed its key, or one was stolen. The last one stays."""
    witness = _opened(folder)
    for key in vkey:
        witness.states.remove_key(origin, parse_verifier(key))
    _tell_keys(witness, origin, as_json)


@group.command("list")
def list_logs(folder: Folder, as_json: AsJson = False) -> None:
    """Every log that the witness knows, and how far. Exit code 1 if the state of one is not sound, or it forked."""
    witness = _opened(folder)
    rows = [_row(witness, origin, known) for origin, known in witness.states.all()]
    if as_json:
        say_json({"logs": rows})
    else:
        for row in rows:
            say(f"{'▲' if row['trouble'] or row['conflicts'] else '●'} {row['origin']}  {_seen(row)}")
            if row["trouble"]:
                say(f"  {row['trouble']}\n  {row['advice']}")
            for path in row["conflicts"]:
                say(f"  its key signed what does not continue what was cosigned: {path}")
    if any(row["trouble"] or row["conflicts"] for row in rows):
        raise typer.Exit(1)


@group.command()
def serve(
    folder: Folder,
    host: Annotated[
        str, typer.Option(help="Address to listen on; others than loopback only behind TLS.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65535)] = 8750,
    certificate: Annotated[Path | None, typer.Option(help="Certificate chain (PEM), for TLS without a proxy.")] = None,
    key: Annotated[Path | None, typer.Option(help="The certificate's key (PEM).")] = None,
    as_json: AsJson = False,
) -> None:
    """Cosign what logs submit, until Ctrl-C or SIGTERM; then the exit code is 0.

    It does not start without a log that it knows and whose state is sound; one whose state is not is named, and
    nothing is cosigned for it.
    """
    from ledger.trust.witness.serving import WitnessServer, tls_context

    if (certificate is None) != (key is None):
        raise ConfigError("--certificate and --key go together")
    tls = None if certificate is None or key is None else tls_context(certificate, key)
    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    witness = _opened(folder)
    with WitnessServer(witness, SystemClock(), host=host, port=port, tls=tls) as server:
        for origin, trouble in server.troubles.items():
            tell(f"▲ {origin}: {trouble.message}\n  {trouble.advice}")
        if as_json:
            say_json_line({"address": server.address, "name": witness.settings.name, "refused": list(server.troubles)})
        else:
            say(f"Witness {witness.settings.name} at {server.address}")
        stop.wait()


@group.command()
def cosign(
    folder: Folder,
    request: Annotated[Path, typer.Argument(metavar="REQUEST_FILE", help="What was carried here from the log.")],
    out: Annotated[Path, typer.Option(help="The answer, to be carried back.")],
    as_json: AsJson = False,
) -> None:
    """Decide on a request that was carried by hand, by the same checks, and write the answer as a file.

    Exit code 0 only if it was cosigned; the answer is written in any case: it tells the log what to do.
    """
    from ledger.trust.files import write_durably
    from ledger.trust.witness.acting import Witness

    witness = _opened(folder)
    answer = Witness(witness.states, witness.signers, SystemClock()).answer(request.read_bytes())
    write_durably(out, answer.encode(), mode=0o644)
    cosigned = answer.status == Status.COSIGNED
    if as_json:
        say_json({"status": answer.status, "cosigned": cosigned, "answer": str(out), "body": answer.body.decode()})
    elif cosigned:
        say(f"Cosigned; carry {out} back to the log.")
    else:
        say(f"Not cosigned ({answer.status}): {answer.body.decode().strip()}. Carry {out} back to the log.")
    if not cosigned:
        raise typer.Exit(1)


def _opened(folder: Path) -> "WitnessFolder":
    from ledger.trust.witness.folder import WitnessFolder

    return WitnessFolder(folder)


def _tell_about(witness: "WitnessFolder", as_json: bool) -> None:
    stated = witness.about()
    if as_json:
        say_json(stated)
        return
    say(f"Witness {stated.name}")
    say(f"Operated by {stated.operator}, administered by {stated.administrator}")
    say(f"Host {stated.host}, identity provider {stated.identity_provider or 'none: local accounts'}")
    for signer in witness.signers:
        say(f"Verifier key {signer.verifier}")
        say(f"  fingerprint {fingerprint(signer.verifier.public_key)}")


def _tell_keys(witness: "WitnessFolder", origin: str, as_json: bool) -> None:
    keys = [str(key) for key in witness.states.read(origin).keys]
    if as_json:
        say_json({"origin": origin, "keys": keys})
        return
    for key in keys:
        say(key)


def _head(origin: str, keys: tuple[Verifier, ...], checkpoint: Path | None, size: int | None, root: str | None) -> Head:
    """What somebody vouches for: a checkpoint that the log signed, or size and root."""
    if (checkpoint is None) == (size is None):
        raise ConfigError("a log begins at --checkpoint FILE, or at --size with --root")
    if checkpoint is not None:
        signed: Checkpoint = open_checkpoint(checkpoint.read_bytes(), origin, keys).checkpoint
        return Head(size=signed.size, root=signed.root)
    if size == 0 and root is None:
        return Head(size=0, root=EMPTY_ROOT)
    if size is None or root is None:
        raise ConfigError("--size needs --root", advice="Both stand in a checkpoint: its second and third line.")
    return Head(size=size, root=unb64(root, HASH_SIZE))


def _time(witness: "WitnessFolder", origin: str, checkpoint: Path) -> int:
    """When this witness cosigned a checkpoint that is given by hand; 0 if it has not."""
    from ledger.trust.witness.states import cosigned

    own = [signer.verifier for signer in witness.signers]
    names = {(key.name, key.key_id) for key in own}
    note = checkpoint.read_bytes()
    if not any((line.name, line.key_id) in names for line in parse_note(note).signatures):
        return 0
    return cosigned(note, origin, own).time


def _row(witness: "WitnessFolder", origin: str, known: "Known | LedgerError") -> dict[str, Any]:
    row: dict[str, Any] = {"origin": origin, "conflicts": [str(path) for path in witness.states.conflicts(origin)]}
    if isinstance(known, LedgerError):
        return {**row, "trouble": known.message, "advice": known.advice}
    return {
        **row,
        "trouble": None,
        "size": known.head.size,
        "root": b64(known.head.root),
        "cosigned_at": utc_text(known.time * MICROSECONDS) if known.time else None,
        "published": known.published,
        "keys": [str(key) for key in known.keys],
    }


def _seen(row: dict[str, Any]) -> str:
    if row["trouble"]:
        return "nothing is cosigned"
    if row["cosigned_at"] is None:
        return f"size {row['size']}, made known by hand"
    return f"size {row['size']}, cosigned {row['cosigned_at']}"
