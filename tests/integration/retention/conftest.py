"""A ledger whose records are kept by rules: founded once a process, and copied for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.keeping import Keeping
from tests.support.postgres import PgDatabase, PostgresServer


@pytest.fixture(scope="session")
def first(tmp_path_factory: pytest.TempPathFactory) -> Keeping:
    """The one that is copied; it is closed."""
    made = Keeping(tmp_path_factory.mktemp("keeping") / "ledger")
    made.close()
    return made


@pytest.fixture(scope="session")
def first_on_postgres(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer, postgres_template: PgDatabase
) -> Keeping:
    """The same on PostgreSQL."""
    database = postgres_server.create_database(postgres_template)
    made = Keeping(tmp_path_factory.mktemp("keeping") / "ledger", database, postgres_server)
    made.close()
    return made


@pytest.fixture
def keeping(first: Keeping, tmp_path: Path) -> Iterator[Keeping]:
    """A ledger of the test's own."""
    made = first.copied(tmp_path / "ledger")
    yield made
    made.close()
