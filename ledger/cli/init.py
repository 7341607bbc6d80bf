"""`trailseal init`: a new ledger."""

from pathlib import Path
from typing import Annotated

import typer

from ledger.cli.key_store import (
    ModulePath,
    PassphraseEnv,
    PassphraseFile,
    PinEnv,
    PinFile,
    TokenLabel,
    absolute,
    token_options,
)
from ledger.cli.ledgers import local, os_user
from ledger.cli.output import AsJson, say, say_json
from ledger.core.authority import Authority
from ledger.core.errors import ConfigError
from ledger.creating import create
from ledger.people.access import OF_SERVICES, Scope
from ledger.present.card import fingerprint_of
from ledger.settings import Listen, Settings
from ledger.signing.ceremony import pinned_lines
from ledger.trust.providers.options import KeyOptions, ProviderName

ADMIN = "admin-service"
"""The first service account."""


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("init")(init)


def init(
    folder: Annotated[Path, typer.Argument(help="The folder to make; it holds settings, keys and the database.")],
    origin: Annotated[
        str, typer.Option(help="The ledger's name in the world, such as plant.example/site-a: unique, and for ever.")
    ],
    database: Annotated[
        str, typer.Option(help="SQLAlchemy URL of the service's database role; ${NAME} is read from the environment.")
    ] = "sqlite:///ledger.sqlite",
    owner_database: Annotated[
        str | None, typer.Option(help="PostgreSQL: URL of the owner's role, which creates the tables.")
    ] = None,
    zone: Annotated[str, typer.Option(help="The site's IANA time zone, shown beside UTC.")] = "UTC",
    port: Annotated[
        int, typer.Option(help="Port on loopback that `trailseal serve` listens on.", min=0, max=65535)
    ] = Listen().port,
    keys: Annotated[
        ProviderName, typer.Option(help="Who keeps the keys: files, a file sealed by a passphrase, a security module.")
    ] = ProviderName.FILE,
    passphrase_file: PassphraseFile = None,
    passphrase_env: PassphraseEnv = None,
    module: ModulePath = None,
    token: TokenLabel = None,
    pin_file: PinFile = None,
    pin_env: PinEnv = None,
    post_quantum: Annotated[
        bool, typer.Option("--post-quantum", help="Each log signs its checkpoints with ML-DSA-44 beside Ed25519.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Create a ledger, its keys, and its first service account; the account's token is printed once.

    On PostgreSQL two roles are needed (deploy/postgres/roles.sql makes them): the owner's, by which the tables are
    made, and the service's, which owns nothing; deploy/postgres/server.conf has what its server is best set to. With
    `--keys pkcs11` the signing keys are made in the token; what is no signing key is sealed beside it where a
    passphrase is given, and stands in plain files otherwise.
    """
    settings = Settings(
        origin=origin,
        database=database,
        owner_database=owner_database,
        zone=zone,
        listen=Listen(port=port),
        keys=_keys(keys, passphrase_file, passphrase_env, module, token, pin_file, pin_env),
    )
    if settings.database_url(folder).get_backend_name() == "postgresql" and owner_database is None:
        raise ConfigError(
            "on PostgreSQL the service's role must own nothing",
            advice="Give the owner's role too: --owner-database URL; deploy/postgres/roles.sql makes both.",
        )
    service = create(folder, settings, Authority(actor=f"local:{os_user()}", authenticated=False))
    try:
        authority = local(service)
        reason = "first service account, made by init"
        service.people.create_account(ADMIN, "First service account", reason, authority)
        scopes = OF_SERVICES - {Scope.INGEST}
        granted = service.people.grant(ADMIN, scopes, reason, authority)
        log = service.log()
        known = [(one.origin, service.vkey(one)) for one in service.logs.values()]
        pinned = [{"origin": name, "vkey": key, "fingerprint": fingerprint_of(key)} for name, key in known]
        beside = [
            service.key_life.activate(one, "asked for at init", authority).key
            for one in (service.system, log)
            if post_quantum
        ]
        answer = {
            "ledger": str(folder),
            "origin": settings.origin,
            "vkey": service.vkey(log),
            "keys": pinned,
            **({"post_quantum": beside[-1]} if beside else {}),
            "account": ADMIN,
            "token": granted.token,
        }
    finally:
        service.close()
    if as_json:
        say_json(answer)
        return
    say(f"Ledger created in {folder}")
    say(f"Log               {log.origin}")
    say(f"Verifier key      {answer['vkey']}")
    if post_quantum:
        say(f"                  {answer['post_quantum']}")
    say("                  Keep a copy outside this machine: it is what packages and checkpoints are verified with.")
    for line in pinned_lines(known):
        say(line)
    say()
    say(f"Service account   {ADMIN}")
    say(f"Token, shown once {granted.token}")


def _keys(
    provider: ProviderName,
    passphrase_file: Path | None,
    passphrase_env: str | None,
    module: Path | None,
    token: str | None,
    pin_file: Path | None,
    pin_env: str | None,
) -> KeyOptions:
    sealed = passphrase_file is not None or passphrase_env is not None
    secrets = ProviderName.SEALED if sealed else ProviderName.FILE
    return KeyOptions(
        provider=provider,
        passphrase_file=absolute(passphrase_file),
        passphrase_env=passphrase_env or "",
        pkcs11=token_options(module, token, pin_file, pin_env, secrets) if provider is ProviderName.PKCS11 else None,
    )
