"""A ledger with a few hundred records, on either database, and the scope in which views are made."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import URL

from ledger.core.authority import Authority
from ledger.creating import create
from ledger.present.times import site_zone
from ledger.service import Service
from ledger.settings import Settings
from ledger.settings import write as write_settings
from ledger.store.logs import read_logs
from ledger.web.views.common import Scope
from tests.browser.records import fill
from tests.support.ledgers import put_schema
from tests.support.postgres import PgDatabase, PostgresServer

ORIGIN = "ledger.example/site-a"
View = Callable[[Scope, Connection], Any]


class World:
    """The ledger, views of it, and an attacker who owns its database."""

    def __init__(self, service: Service, owner: URL) -> None:
        self.service = service
        self._owner = create_engine(owner)

    def view(self, make: Callable[[Scope, Connection], Any]) -> Any:
        """Makes a view in one snapshot."""
        with self.service.store.reading() as connection:
            return make(
                Scope(
                    logs=tuple(read_logs(connection)),
                    kinds=self.service.store.kinds,
                    clock=self.service.clock,
                    zone=site_zone("Europe/Berlin"),
                ),
                connection,
            )

    def tamper(self, statement: str, **values: object) -> None:
        """Runs SQL as the owner of the database, with every trigger of the table gone."""
        table = statement.split()[1 if statement.startswith("UPDATE") else 2]
        with self._owner.begin() as connection:
            if self._owner.dialect.name == "postgresql":
                connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
            else:
                found = text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table")
                for name in connection.scalars(found, {"table": table}).all():
                    connection.execute(text(f'DROP TRIGGER "{name}"'))
            assert connection.execute(text(statement), values).rowcount == 1

    def close(self) -> None:
        self._owner.dispose()
        self.service.close()


@pytest.fixture(scope="session")
def filled_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ledger on SQLite, to be copied."""
    return _filled(tmp_path_factory.mktemp("filled") / "ledger", Settings(origin=ORIGIN))


@pytest.fixture(scope="session")
def filled_postgres(
    postgres_server: PostgresServer, postgres_template: PgDatabase, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, PgDatabase]:
    """The folder and the database of one on PostgreSQL, to be copied."""
    database = postgres_server.create_database(postgres_template)
    return _filled(tmp_path_factory.mktemp("filled") / "ledger", _on(database)), database


def _on(database: PgDatabase) -> Settings:
    return Settings(origin=ORIGIN, database=database.runtime_url, owner_database=database.owner_url)


def _filled(folder: Path, settings: Settings) -> Path:
    put_schema(folder, settings)
    service = create(folder, settings, Authority(actor="local:tester", authenticated=False))
    fill(service, service.people.local("tester"))
    service.close()
    return folder


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A filled ledger of its own for each test."""
    folder = tmp_path / "ledger"
    if request.param == "sqlite":
        shutil.copytree(request.getfixturevalue("filled_folder"), folder)
        made = World(Service(folder), Settings(origin=ORIGIN).owner_url(folder))
        yield made
        made.close()
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    template, filled = request.getfixturevalue("filled_postgres")
    database = server.create_database(filled)
    shutil.copytree(template, folder)
    write_settings(folder, _on(database))
    made = World(Service(folder), _on(database).owner_url(folder))
    yield made
    made.close()
    server.discard(database)
