"""Brings a database to the current schema, by alembic; forward only."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine
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
            config = Config()
            config.set_main_option("script_location", str(_SCRIPTS))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            allow_reading_version(connection)
    finally:
        engine.dispose()


def require_current(engine: Engine) -> None:
    """Raises ConfigError unless the database has exactly the schema that this program is written for."""
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    wanted = ScriptDirectory.from_config(config).get_current_head()
    with engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found != wanted:
        raise ConfigError(
            f"the database has schema {found or 'none'}, this program needs {wanted}",
            advice="Run `trailseal init` for a new ledger, or `trailseal upgrade` with the owner's database URL.",
        )
