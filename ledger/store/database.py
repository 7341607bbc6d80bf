"""Brings a database to the current schema, by alembic; forward only."""

import functools
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine
from sqlalchemy.engine import URL

from ledger.core.errors import ConfigError
from ledger.store.append_only import allow_reading_version
from ledger.store.engine import writer_engine

_SCRIPTS = Path(__file__).parent / "migrations"


def migrate(url: str | URL) -> None:
    """Runs every migration that the database lacks, each in one transaction.

    PostgreSQL: `url` is the owner role's, which the service itself never uses.
    """
    engine = writer_engine(url)
    try:
        with engine.connect() as connection, connection.begin():
            _migrate(connection)
    finally:
        engine.dispose()


def upgrade(url: str | URL) -> tuple[str, str]:
    """Migrates the database of a ledger that there is; returns the schema's version before and now.

    Raises ConfigError for a database without one, which must not be taken for a ledger, and for one of a newer program.
    """
    engine = writer_engine(url)
    try:
        with engine.connect() as connection, connection.begin():
            before = _version(connection)
            if before is None:
                raise ConfigError(
                    "the database holds no ledger", advice="Check its address, or restore the ledger's database."
                )
            _migrate(connection)
            return before, _wanted()
    finally:
        engine.dispose()


def require_current(engine: Engine) -> None:
    """Raises ConfigError unless the database has exactly the schema that this program is written for."""
    wanted = _wanted()
    with engine.connect() as connection:
        found = _version(connection)
    if found != wanted:
        raise ConfigError(
            f"the database has schema {found or 'none'}, this program needs {wanted}",
            advice="Run `trailseal init` for a new ledger, or `trailseal upgrade` with the owner's database URL.",
        )


def _migrate(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    try:
        if _version(connection) != _wanted():
            command.upgrade(config, "head")
    except CommandError as error:
        raise ConfigError(
            f"the database cannot be migrated: {error}", advice="Use a program at least as new as the database."
        ) from None
    allow_reading_version(connection)


def _version(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


@functools.cache
def _wanted() -> str:
    """The newest version; it asks the migrations' files, and no program's change while it runs."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    return config
