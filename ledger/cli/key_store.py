"""`trailseal key seal`, `move`, `rotate-digest`, `mail-password`: where the keys are, and the secrets beside them."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from ledger import settings
from ledger.cli.acting import acting
from ledger.cli.ledgers import LedgerOption, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.core.errors import ConfigError
from ledger.trust.keys import Keys
from ledger.trust.providers.apart import ApartSecrets
from ledger.trust.providers.choice import sealed_signers, secrets_of
from ledger.trust.providers.moving import copy, leave
from ledger.trust.providers.options import KeyOptions, Opener, Pkcs11Options, ProviderName
from ledger.trust.providers.sealed import SealedSecrets, require_passphrase

PassphraseFile = Annotated[Path | None, typer.Option(help="A file whose only line is the passphrase.")]
PassphraseEnv = Annotated[str | None, typer.Option(help="An environment variable that holds the passphrase.")]
ModulePath = Annotated[Path | None, typer.Option(help="The PKCS#11 library of the security module.")]
TokenLabel = Annotated[str | None, typer.Option(help="The label of the token in it.")]
PinFile = Annotated[Path | None, typer.Option(help="A file whose only line is the token's PIN.")]
PinEnv = Annotated[str | None, typer.Option(help="An environment variable that holds the PIN.")]
_RESTART = "Start the service anew: a process that runs still has the keys from where they were."


def add_to(group: typer.Typer) -> None:
    """Adds the commands."""
    group.command("seal")(seal)
    group.command("move")(move)
    group.command("rotate-digest")(rotate)
    group.command("mail-password")(mail_password)


def seal(
    ledger: LedgerOption,
    passphrase_file: PassphraseFile = None,
    passphrase_env: PassphraseEnv = None,
    signer_passphrase_file: Annotated[
        Path | None, typer.Option(help="A file whose only line is a passphrase for the logs' keys alone.")
    ] = None,
    signer_passphrase_env: Annotated[
        str | None, typer.Option(help="An environment variable that holds a passphrase for the logs' keys alone.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Seal the keys under a passphrase; what is sealed already is sealed anew, at today's price for a guess.

    With a signer's passphrase the logs' keys go to a sealed file of their own, which only the process that signs opens.
    Without a passphrase the one in use stays. The same keys sign as before; copies of the old files that were made
    elsewhere, as in backups, are as open as they were. With a security module, what is kept beside it is sealed.
    """
    chosen, _ = settings.load(ledger)
    before = chosen.keys
    after = before
    if passphrase_file is not None or passphrase_env is not None or not before.seals:
        after = _sealed(before, passphrase_file, passphrase_env)
    if signer_passphrase_file is not None or signer_passphrase_env is not None:
        after = msgspec.structs.replace(
            after,
            signer_passphrase_file=absolute(signer_passphrase_file),
            signer_passphrase_env=signer_passphrase_env or "",
        )
    text = after.passphrase.read(ledger)
    require_passphrase(text)
    _require_other(after, ledger, text)
    if before.seals:
        names = reseal(ledger, before, after)
        if after.signer_apart and not before.signer_apart:
            _change(ledger, msgspec.structs.replace(after, signer_passphrase_file="", signer_passphrase_env=""), after)
        elif after != before:
            settings.change_keys(ledger, after)
        _done(as_json, after, names)
    else:
        _done(as_json, after, _change(ledger, before, after))


def move(
    ledger: LedgerOption,
    to: Annotated[ProviderName, typer.Option(help="The provider that is to keep the keys.")],
    passphrase_file: PassphraseFile = None,
    passphrase_env: PassphraseEnv = None,
    module: ModulePath = None,
    token: TokenLabel = None,
    pin_file: PinFile = None,
    pin_env: PinEnv = None,
    as_json: AsJson = False,
) -> None:
    """Move the keys to another provider; the same keys sign as before. Stop the service before.

    A security module holds only keys that it made: those that are there sign from where they are, and a log's key comes
    into the module by rotating it to one that the module makes (`key prepare-next --in-token`, `key rotate`).
    """
    chosen, _ = settings.load(ledger)
    before = chosen.keys
    if to is before.provider:
        raise ConfigError(f"the keys are kept by the provider {to} already", advice="Nothing was changed.")
    if before.provider is ProviderName.PKCS11:
        raise ConfigError(
            "keys do not leave the security module that made them", advice="Keep it; nothing was changed."
        )
    if to is ProviderName.PKCS11:
        after = msgspec.structs.replace(
            before, provider=to, pkcs11=token_options(module, token, pin_file, pin_env, before.provider)
        )
        Keys(ledger / "keys", after, chosen.origin).provider.require_ready()
        settings.change_keys(ledger, after)
        _done(as_json, after, [])
        return
    after = KeyOptions()
    if to is ProviderName.SEALED:
        after = _sealed(before, passphrase_file, passphrase_env)
        require_passphrase(after.passphrase.read(ledger))
    _done(as_json, after, _change(ledger, before, after))


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


def token_options(
    module: Path | None, token: str | None, pin_file: Path | None, pin_env: str | None, secrets: ProviderName
) -> Pkcs11Options:
    """The security module that these options name; raises ConfigError where they do not."""
    if module is None or token is None:
        raise ConfigError("which security module?", advice="Give --module, --token, and --pin-file or --pin-env.")
    return Pkcs11Options(
        module=str(module.absolute()),
        token=token,
        pin_file=absolute(pin_file),
        pin_env=pin_env or "",
        secrets=secrets,
    )


def absolute(path: Path | None) -> str:
    """A file's path as the settings name it, from wherever the service is started."""
    return "" if path is None else str(path.absolute())


def mail_password(
    ledger: LedgerOption,
    file: Annotated[
        Path | None, typer.Option(help="A file whose only line it is; without one it is asked for.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Keep what the mail server is shown with the keys, in place of an earlier one.

    The environment variable TRAILSEAL_MAIL_PASSWORD, where it is set, comes before it.
    """
    given = Opener(what="password", file="" if file is None else str(file.absolute()), env="")
    text = typer.prompt("Password", hide_input=True, err=True) if file is None else given.read(ledger)
    with opened(ledger) as service:
        service.keys.keep_mail_password(text)
        kept = service.keys.options.secrets
    if as_json:
        say_json({"secrets": kept})
        return
    say(f"Kept by the provider {kept}")


def reseal(ledger: Path, before: KeyOptions, after: KeyOptions) -> list[str]:
    """Seals each sealed file that there is anew, under the passphrases that are to be; returns the names in them."""
    held = secrets_of(ledger / "keys", before)
    if isinstance(held, ApartSecrets):
        signers = sealed_signers(ledger / "keys", before)
        signers.names()  # raises before anything was changed
        own = held.others
        assert isinstance(own, SealedSecrets)
        own.reseal(after.passphrase.read(ledger))
        signers.reseal(after.signer_passphrase.read(ledger))
        return sorted({*own.names(), *signers.names()})
    assert isinstance(held, SealedSecrets)
    held.reseal(after.passphrase.read(ledger))
    return held.names()


def _require_other(options: KeyOptions, ledger: Path, text: str) -> None:
    """Raises ConfigError where the signer's passphrase is none, too short, or the one that opens all else."""
    if not options.signer_apart:
        return
    own = options.signer_passphrase.read(ledger)
    require_passphrase(own)
    if own == text:
        raise ConfigError(
            "the signer's passphrase is the one that opens all else", advice="Choose another; nothing was changed."
        )


def _change(ledger: Path, before: KeyOptions, after: KeyOptions) -> list[str]:
    """Brings the secrets to their new place, then says so in the settings, then leaves the old place."""
    keys = ledger / "keys"
    source, target = secrets_of(keys, before), secrets_of(keys, after)
    names = copy(source, target, secrets_of(keys, after))
    settings.change_keys(ledger, after)
    leave(source, [name for name in names if source.place(name) != target.place(name)])
    return names


def _sealed(options: KeyOptions, file: Path | None, env: str | None) -> KeyOptions:
    pkcs11 = options.pkcs11
    if options.provider is ProviderName.PKCS11 and pkcs11 is not None:
        return msgspec.structs.replace(
            options,
            passphrase_file=absolute(file),
            passphrase_env=env or "",
            pkcs11=msgspec.structs.replace(pkcs11, secrets=ProviderName.SEALED),
        )
    return msgspec.structs.replace(
        options, provider=ProviderName.SEALED, passphrase_file=absolute(file), passphrase_env=env or ""
    )


def _done(as_json: bool, options: KeyOptions, names: list[str]) -> None:
    if as_json:
        say_json({"provider": options.provider, "secrets": options.secrets, "keys": names})
        return
    if names:
        say(f"Kept by the provider {options.secrets}: {', '.join(names)}")
    if options.pkcs11 is not None:
        say(f"Keys that are made from now on are in the token {options.pkcs11.token!r}")
    say(_RESTART)
