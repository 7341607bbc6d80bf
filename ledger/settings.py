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

from ledger.core.address import check_origin
from ledger.core.errors import ConfigError

FILE_NAME = "trailseal.toml"
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]


class Listen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the service listens; loopback unless told otherwise."""

    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 8470


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings. `database` is a SQLAlchemy URL; a SQLite path is relative to the ledger's folder.

    `publish_tiles`: leaf data and tiles are open to anyone who reaches the service (a recorded decision of the site);
    otherwise a token with scope `tiles` is needed. `readers`: database connections for reading, and threads.
    """

    origin: str
    database: str = "sqlite:///ledger.sqlite"
    owner_database: str | None = None
    listen: Listen = Listen()
    publish_tiles: bool = False
    checkpoint_seconds: Seconds = 10.0
    readers: Annotated[int, msgspec.Meta(ge=1, le=64)] = 8

    def database_url(self, folder: Path) -> URL:
        """The URL of the service's role. Raises ConfigError for a variable that is not set."""
        return _url(self.database, folder)

    def owner_url(self, folder: Path) -> URL:
        """The URL by which the schema is migrated: the owner's role in PostgreSQL."""
        return _url(self.owner_database or self.database, folder)


def load(folder: Path) -> tuple[Settings, str]:
    """The settings of a ledger's folder, and the SHA-256 of the file in hex. Raises ConfigError, naming the place."""
    path = folder / FILE_NAME
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError(
            f"{folder} is not a ledger: it has no {FILE_NAME}", advice="Make one: trailseal init DIR"
        ) from (None)
    try:
        settings = msgspec.convert(tomllib.loads(data.decode()), Settings)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(f"{path}: {error}", advice="Correct the file; see `trailseal doctor`.") from None
    check_origin(settings.origin)
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
        f"publish_tiles = {str(settings.publish_tiles).lower()}",
        f"checkpoint_seconds = {settings.checkpoint_seconds}",
        "",
        "[listen]",
        f"host = {_quoted(settings.listen.host)}",
        f"port = {settings.listen.port}",
    ]
    path = folder / FILE_NAME
    path.touch(mode=0o600)
    path.write_text("\n".join(lines) + "\n")


def _url(text: str, folder: Path) -> URL:
    def value(match: re.Match[str]) -> str:
        found = os.environ.get(match[1])
        if found is None:
            raise ConfigError(f"the database URL needs the environment variable {match[1]}, which is not set")
        return found

    url = make_url(_VARIABLE.sub(value, text))
    if url.get_backend_name() == "sqlite" and url.database:
        url = url.set(database=str(folder / url.database))
    return url


def _quoted(text: str) -> str:
    # A TOML basic string is a JSON string, for all text that JSON escapes.
    return msgspec.json.encode(text).decode()
