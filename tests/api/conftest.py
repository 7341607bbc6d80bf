"""A world for each module that asks for it, and a client of its application."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from tests.api.world import World
from tests.support.application import app_of


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


@pytest.fixture(params=["sqlite", "postgresql"])
def any_world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A fresh ledger on either database."""
    postgres = request.getfixturevalue("migrated_postgres") if request.param == "postgresql" else None
    made = World(tmp_path / "ledger", postgres=postgres)
    yield made
    made.close()


@pytest.fixture
def any_client(any_world: World) -> Iterator[TestClient[Any]]:
    with TestClient(app_of(any_world.service)) as made:
        yield made
