"""A world for each module that asks for it, and a client of its application."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from tests.api.world import Founded, World, found
from tests.support.application import app_of
from tests.support.postgres import PgDatabase, PostgresServer


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A fresh ledger."""
    made = World(tmp_path / "ledger")
    yield made
    made.close()


@pytest.fixture
def client(world: World) -> Iterator[TestClient[Litestar]]:
    """A client of the fresh ledger's application, which runs with its upkeep."""
    with TestClient(app_of(world.service)) as made:
        yield made


@pytest.fixture(scope="module")
def shared_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A ledger that a module's tests only read, or write beside each other."""
    made = World(tmp_path_factory.mktemp("world") / "ledger")
    yield made
    made.close()


@pytest.fixture(scope="module")
def shared_client(shared_world: World) -> Iterator[TestClient[Any]]:
    with TestClient(app_of(shared_world.service)) as made:
        yield made


@pytest.fixture(scope="session")
def on_postgres(
    postgres_server: PostgresServer, postgres_template: PgDatabase, tmp_path_factory: pytest.TempPathFactory
) -> tuple[PgDatabase, Founded]:
    """A founded ledger and its database, both to be copied."""
    database = postgres_server.create_database(postgres_template)
    return database, found(tmp_path_factory.mktemp("founded") / "ledger", database)


@pytest.fixture(params=["sqlite", "postgresql"])
def any_world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A fresh ledger on either database."""
    if request.param == "sqlite":
        made = World(tmp_path / "ledger")
        yield made
        made.close()
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    template, founded = request.getfixturevalue("on_postgres")
    database = server.create_database(template)
    made = World(tmp_path / "ledger", postgres=database, founded=founded)
    yield made
    made.close()
    server.discard(database)


@pytest.fixture
def any_client(any_world: World) -> Iterator[TestClient[Any]]:
    with TestClient(app_of(any_world.service)) as made:
        yield made
