"""`trailseal key seal`, `move` and `rotate-digest`: where the keys are, and the secret of the content digest."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from ledger import settings
from ledger.cli.acting import acting
from ledger.cli.ledgers import LedgerOption, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.core.errors import ConfigError
from ledger.trust.providers.choice import secrets_of
from ledger.trust.providers.moving import copy, leave
from ledger.trust.providers.options import KeyOptions, ProviderName
from ledger.trust.providers.sealed import SealedSecrets, require_passphrase

PassphraseFile = Annotated[Path | None, typer.Option(help="A file whose only line is the passphrase.")]
PassphraseEnv = Annotated[str | None, typer.Option(help="An environment variable that holds the passphrase.")]
_RESTART = "Start the service anew: a process that runs still has the keys from where they were."


def add_to(group: typer.Typer) -> None:
    """Adds the commands."""
    group.command("seal")(seal)
    group.command("move")(move)
    group.command("rotate-digest")(rotate)


def seal(
    ledger: LedgerOption,
    passphrase_file: PassphraseFile = None,
    passphrase_env: PassphraseEnv = None,
    as_json: AsJson = False,
) -> None:
    """Seal the keys under a passphrase; what is sealed already is sealed anew, at today's price for a guess.

    Without a passphrase the one in use stays. The same keys sign as before; copies of the old files that were made
    elsewhere, as in backups, are as open as they were.
    """
    chosen, _ = settings.load(ledger)
    if not chosen.keys.seals:
        _move(ledger, ProviderName.SEALED, passphrase_file, passphrase_env, as_json)
        return
    held = secrets_of(ledger / "keys", chosen.keys)
    assert isinstance(held, SealedSecrets)
    after = chosen.keys
    if passphrase_file is not None or passphrase_env is not None:
        after = _opened_by(chosen.keys, passphrase_file, passphrase_env)
    held.reseal(after.passphrase.read(ledger))
    if after != chosen.keys:
        settings.change_keys(ledger, after)
    _done(as_json, ProviderName.SEALED, held.names())


def move(
    ledger: LedgerOption,
    to: Annotated[ProviderName, typer.Option(help="The provider that is to keep the keys.")],
    passphrase_file: PassphraseFile = None,
    passphrase_env: PassphraseEnv = None,
    as_json: AsJson = False,
) -> None:
    """Move the keys to another provider; the same keys sign as before. Stop the service before.

    A security module holds only keys that it made: keys come there by a rotation of each, not by a move.
    """
    _move(ledger, to, passphrase_file, passphrase_env, as_json)


def rotate(ledger: LedgerOption, as_json: AsJson = False) -> None:
    """Put a new secret of the content digest into use. Records that were collected before are known again all the same:
    the earlier secrets are kept with the keys.
    """
    with opened(ledger) as service:
        done = service.rotate_digest(acting(service))
    if as_json:
        say_json(done)
        return
    say(f"digest secret {done.new} follows {done.old} (entry {done.index}); {done.kept} are kept")


def _move(
    ledger: Path, to: ProviderName, passphrase_file: Path | None, passphrase_env: str | None, as_json: bool
) -> None:
    chosen, _ = settings.load(ledger)
    if ProviderName.PKCS11 in (to, chosen.keys.provider):
        raise ConfigError(
            "keys do not move into a security module, or out of it: it holds only keys that it made",
            advice="Rotate each key to one that the other provider makes (trailseal key rotate); nothing was changed.",
        )
    if to is chosen.keys.provider:
        raise ConfigError(f"the keys are kept by the provider {to} already", advice="Nothing was changed.")
    after = KeyOptions()
    if to is ProviderName.SEALED:
        after = _opened_by(chosen.keys, passphrase_file, passphrase_env)
        require_passphrase(after.passphrase.read(ledger))
    keys = ledger / "keys"
    source, target = secrets_of(keys, chosen.keys), secrets_of(keys, after)
    names = copy(source, target, secrets_of(keys, after))
    settings.change_keys(ledger, after)
    leave(source, names)
    _done(as_json, to, names)


def _opened_by(options: KeyOptions, file: Path | None, env: str | None) -> KeyOptions:
    return msgspec.structs.replace(
        options,
        provider=options.provider if options.seals else ProviderName.SEALED,
        passphrase_file="" if file is None else str(file.absolute()),
        passphrase_env=env or "",
    )


def _done(as_json: bool, provider: ProviderName, names: list[str]) -> None:
    if as_json:
        say_json({"provider": provider, "keys": names})
        return
    say(f"{len(names)} keys and secrets are kept by the provider {provider}: {', '.join(names)}")
    say(_RESTART)
