"""Brings a database to the current schema, by alembic; forward only."""

import functools
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.engine import URL

from ledger.core.errors import ConfigError
from ledger.store.append_only import allow_reading_version
from ledger.store.engine import writer_engine

SCRIPTS = Path(__file__).parent / "migrations"


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
            return before, wanted_version()
    finally:
        engine.dispose()


def require_current(engine: Engine) -> None:
    """Raises ConfigError unless the database has exactly the schema that this program is written for."""
    wanted = wanted_version()
    with engine.connect() as connection:
        found = _version(connection)
    if found != wanted:
        raise ConfigError(
            f"the database has schema {found or 'none'}, this program needs {wanted}",
            advice="Run `trailseal init` for a new ledger, or `trailseal upgrade` with the owner's database URL.",
        )


def _migrate(connection: Connection) -> None:
    if _version(connection) != wanted_version():
        _upgrade(connection)
    allow_reading_version(connection)


def _upgrade(connection: Connection) -> None:
    # Loaded where a schema is not current: every start of a process would take a tenth longer.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise ConfigError(
            f"the database cannot be migrated: {error}", advice="Use a program at least as new as the database."
        ) from None


def _version(connection: Connection) -> str | None:
    """The version of the schema, as alembic keeps it; None for a database without one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


@functools.cache
def wanted_version() -> str:
    """The newest version, of the last migration: each file's name begins with its version."""
    return max(path.name for path in (SCRIPTS / "versions").glob("[0-9]*.py"))[:4]
