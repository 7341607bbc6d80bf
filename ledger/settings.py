"""What a ledger needs to start: `trailseal.toml` in its folder. Everything else is configured by entries.

The file's digest is in each `service-start` entry, so a change of it is on record. Secrets are not in it: a database
password is named by an environment variable (`${NAME}` in a URL) or a file that libpq reads.
"""

import os
import re
import tomllib
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import msgspec
from sqlalchemy import make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError

from ledger.core.address import check_origin
from ledger.core.errors import ConfigError, InvalidEntry
from ledger.core.letter import PREFIX, TopicPrefix
from ledger.present.times import site_zone
from ledger.review.reviews.quality_system import QualitySystem
from ledger.trust.files import write_durably
from ledger.trust.providers.options import KeyOptions, Pkcs11Options

FILE_NAME = "trailseal.toml"
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_ORIGIN = re.compile(
    r"https://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?|http://([a-z0-9-]+\.)*localhost(:[0-9]{1,5})?"
)
_BROKER = re.compile(r"mqtts://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?/?")
_ADVICE = {
    "broker": "Write mqtts://HOST:PORT: agents are reached over TLS alone.",
    "origin": "Use letters, digits, '.', '-', '_' and '/' only, as in plant.example/site-a.",
    "web": "Write https://NAME or http://localhost:PORT, without a path.",
    "zone": "Use an IANA name, as in Europe/Berlin, or UTC.",
    "url": "Write sqlite:///FILE or postgresql://USER:${VARIABLE}@HOST/DATABASE.",
}
Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]


class Listen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the service listens; loopback unless told otherwise."""

    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 8470


class AgentBroker(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An MQTT 5 broker over which agents may reach the ledger: `url` is mqtts://HOST:PORT.

    `certificate` and `key` are what the ledger shows the broker (`key` may stand in the certificate's file), `ca` the
    authority that the broker is known by (empty: the system's); a relative path is one in the ledger's folder.
    `prefix`: the beginning of the topics, PREFIX/AGENT/up and PREFIX/AGENT/down.
    """

    url: str
    certificate: str
    key: str = ""
    ca: str = ""
    prefix: TopicPrefix = PREFIX

    def __post_init__(self) -> None:
        if not _BROKER.fullmatch(self.url):
            raise ConfigError(f"agents.broker.url: {self.url!r} is no broker's address", advice=_ADVICE["broker"])


class AgentPorts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where edge agents reach the ledger over TLS: its own `port`, or a `broker`; without either they do not.

    `port` takes batches, from agents with a certificate alone; `enrol_port` takes enrolments, and is best open only
    while there are any. 0 takes a free port. `certificate_days`: how long an agent's certificate is good;
    `silence_seconds`: how long an agent may not be heard before that is a finding.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] | None = None
    enrol_port: Annotated[int, msgspec.Meta(ge=0, le=65535)] | None = None
    certificate_days: Annotated[float, msgspec.Meta(gt=0, le=366)] = 90.0
    silence_seconds: Seconds = 900.0
    broker: AgentBroker | None = None


class Web(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where people reach the pages: `origin`, as in https://trailseal.plant.example; passkeys are bound to it.

    Without it there are no passkeys. Browsers make them for names over TLS, and for localhost and names under it, never
    for an address. Passkeys that sign belong to the name with `sign.` before it, which has to lead here too.
    """

    origin: str | None = None

    def __post_init__(self) -> None:
        if self.origin is not None and not _ORIGIN.fullmatch(self.origin):
            raise ConfigError(f"web.origin: {self.origin!r} is not the origin of a site", advice=_ADVICE["web"])


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings; ConfigError for an origin or zone that cannot be one.

    `database` is a SQLAlchemy URL; a SQLite path is relative to the ledger's folder. `zone`: the site's IANA time zone,
    in which pages and reports show times beside UTC. `publish_tiles`: leaf data and tiles are open to anyone who
    reaches the service (a recorded decision of the site); otherwise a token with scope `tiles` is needed.
    `tiles_folder`: where the service exports each published checkpoint with its tiles, a folder a log, for any web
    server to serve. `readers`: threads that read, and database connections that are kept for them.
    `deviations`: the quality system in which they are raised; without it, they are not raised from here.
    `witness_window_seconds`: for how long entries may be there that no quorum of witnesses has cosigned, before that is
    a finding. `rules_minutes`: every so many minutes the rules look at what is new; without it when somebody has them.
    """

    origin: str
    database: str = "sqlite:///ledger.sqlite"
    owner_database: str | None = None
    zone: str = "UTC"
    listen: Listen = Listen()
    agents: AgentPorts = AgentPorts()
    web: Web = Web()
    keys: KeyOptions = KeyOptions()
    deviations: QualitySystem | None = None
    publish_tiles: bool = False
    tiles_folder: str | None = None
    checkpoint_seconds: Seconds = 10.0
    witness_window_seconds: Seconds = 3600.0
    readers: Annotated[int, msgspec.Meta(ge=1, le=64)] = 8
    rules_minutes: Annotated[int, msgspec.Meta(ge=5, le=1440)] | None = None

    def __post_init__(self) -> None:
        for name, value, check in (("origin", self.origin, check_origin), ("zone", self.zone, site_zone)):
            try:
                check(value)
            except InvalidEntry as error:
                raise ConfigError(f"{name}: {error.message}", advice=_ADVICE[name]) from None

    def database_url(self, folder: Path) -> URL:
        """The URL of the service's role. Raises ConfigError for no such URL, and a variable that is not set."""
        return _url("database", self.database, folder)

    def owner_url(self, folder: Path) -> URL:
        """The URL by which the schema is migrated: the owner's role in PostgreSQL. Raises as `database_url` does."""
        if self.owner_database is None:
            return self.database_url(folder)
        return _url("owner_database", self.owner_database, folder)


def load(folder: Path) -> tuple[Settings, str]:
    """The settings of a ledger's folder, and the SHA-256 of the file in hex. Raises ConfigError, naming the place."""
    path = folder / FILE_NAME
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise ConfigError(
            f"{folder} is not a ledger: it has no {FILE_NAME}", advice="Make one: trailseal init DIR"
        ) from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", advice="Check the file's mode.") from None
    try:
        settings = msgspec.convert(tomllib.loads(data.decode()), Settings)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(f"{path}: {error}", advice="Correct the file: nothing was started.") from None
    except ConfigError as error:
        raise ConfigError(f"{path}: {error.message}", advice=error.advice) from None
    return settings, sha256(data).hexdigest()


def write(folder: Path, settings: Settings) -> None:
    """Writes a new ledger's settings file."""
    lines = [
        "# Settings that Trailseal needs to start. Everything else is configured by entries in the ledger.",
        f"origin = {_quoted(settings.origin)}",
        f"database = {_quoted(settings.database)}",
    ]
    if settings.owner_database is not None:
        lines.append(f"owner_database = {_quoted(settings.owner_database)}")
    lines += [
        f"zone = {_quoted(settings.zone)}",
        f"publish_tiles = {str(settings.publish_tiles).lower()}",
        *([f"tiles_folder = {_quoted(settings.tiles_folder)}"] if settings.tiles_folder else []),
        f"checkpoint_seconds = {settings.checkpoint_seconds}",
        f"witness_window_seconds = {settings.witness_window_seconds}",
        f"readers = {settings.readers}",
        *([] if settings.rules_minutes is None else [f"rules_minutes = {settings.rules_minutes}"]),
        "",
        "[listen]",
        f"host = {_quoted(settings.listen.host)}",
        f"port = {settings.listen.port}",
        "",
        "[agents]",
        f"host = {_quoted(settings.agents.host)}",
        *(
            f"{name} = {port}"
            for name, port in (("port", settings.agents.port), ("enrol_port", settings.agents.enrol_port))
            if port is not None
        ),
        f"certificate_days = {settings.agents.certificate_days}",
        f"silence_seconds = {settings.agents.silence_seconds}",
        *_broker_lines(settings.agents.broker),
        *(["", "[web]", f"origin = {_quoted(settings.web.origin)}"] if settings.web.origin else []),
    ]
    lines += _deviation_lines(settings.deviations)
    lines += key_lines(settings.keys)
    write_durably(folder / FILE_NAME, ("\n".join(lines) + "\n").encode())


def change_keys(folder: Path, keys: KeyOptions) -> None:
    """Writes the `[keys]` part of a ledger's settings file anew; all else in it, comments too, stays as it was.

    Raises ConfigError for a file in which that part is written in another way than as a section; nothing is changed.
    """
    path = folder / FILE_NAME
    before, _ = load(folder)
    kept, ours = [], False
    for line in path.read_text("utf-8").splitlines():
        if line.lstrip().startswith("["):
            ours = line.split("#")[0].strip() in ("[keys]", "[keys.pkcs11]")
        if not ours:
            kept.append(line)
    while kept and not kept[-1].strip():
        kept.pop()
    text = "\n".join([*kept, *key_lines(keys)]) + "\n"
    try:
        same = msgspec.convert(tomllib.loads(text), Settings) == msgspec.structs.replace(before, keys=keys)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError):
        same = False
    if not same:
        raise ConfigError(
            f"{path}: the keys are not set in a section [keys] of its own", advice="Change the file by hand as told."
        )
    write_durably(path, text.encode())


def key_lines(keys: KeyOptions) -> list[str]:
    """The `[keys]` part of a settings file; empty for what holds without one."""
    if keys == KeyOptions():
        return []
    told = {
        "provider": keys.provider.value,
        "passphrase_file": keys.passphrase_file,
        "passphrase_env": keys.passphrase_env,
        "signer_passphrase_file": keys.signer_passphrase_file,
        "signer_passphrase_env": keys.signer_passphrase_env,
    }
    lines = ["", "[keys]", *[f"{name} = {_quoted(value)}" for name, value in told.items() if value]]
    return [*lines, *_token_lines(keys.pkcs11)]


def _token_lines(token: Pkcs11Options | None) -> list[str]:
    if token is None:
        return []
    told = {"module": token.module, "token": token.token, "pin_file": token.pin_file, "pin_env": token.pin_env}
    lines = [f"{name} = {_quoted(value)}" for name, value in (told | {"secrets": token.secrets.value}).items() if value]
    return ["", "[keys.pkcs11]", *lines]


def _deviation_lines(system: QualitySystem | None) -> list[str]:
    if system is None:
        return []
    told = {"url": system.url, "project": system.project, "source": system.source, "key_file": system.key_file}
    tracker = [] if system.tracker is None else [f"tracker = {system.tracker}"]
    return ["", "[deviations]", *(f"{name} = {_quoted(value)}" for name, value in told.items()), *tracker]


def _broker_lines(broker: AgentBroker | None) -> list[str]:
    if broker is None:
        return []
    told = {"url": broker.url, "certificate": broker.certificate, "key": broker.key, "ca": broker.ca}
    lines = [f"{name} = {_quoted(value)}" for name, value in (told | {"prefix": broker.prefix}).items() if value]
    return ["", "[agents.broker]", *lines]


def _url(setting: str, text: str, folder: Path) -> URL:
    whole = _VARIABLE.fullmatch(text)
    try:
        url = make_url(_variable(setting, whole) if whole else text)
    except (ArgumentError, ValueError):
        # The text may hold a password: it is not repeated.
        raise ConfigError(f"{setting}: this is not a database URL", advice=_ADVICE["url"]) from None
    # Filled in part by part, so that a password may hold any character.
    url = url.set(
        username=_filled(setting, url.username),
        password=_filled(setting, url.password),
        host=_filled(setting, url.host),
        database=_filled(setting, url.database),
    )
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise ConfigError(f"{setting}: a ledger cannot live on {url.get_backend_name()}", advice=_ADVICE["url"])
    if url.get_backend_name() == "postgresql":
        return url
    if url.database in (None, "", ":memory:"):
        raise ConfigError(f"{setting}: a ledger cannot live in memory", advice=_ADVICE["url"])
    return url.set(database=str(folder / str(url.database)))


def _filled(setting: str, part: str | None) -> str | None:
    return None if part is None else _VARIABLE.sub(lambda match: _variable(setting, match), part)


def _variable(setting: str, match: re.Match[str]) -> str:
    found = os.environ.get(match[1])
    if found is None:
        raise ConfigError(
            f"{setting} needs the environment variable {match[1]}, which is not set",
            advice="Set it for this process, for example in the unit file of the service.",
        )
    return found


def _quoted(text: str) -> str:
    # A TOML basic string is a JSON string, for all text that JSON escapes.
    return msgspec.json.encode(text).decode()
