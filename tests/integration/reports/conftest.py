"""One ledger and its packages, made once for all tests that only read them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.settings import Settings
from ledger.store.question import Query
from ledger.trace.selection import BySearch
from tests.integration.reports.plant import Plant, plant
from tests.support.postgres import PgDatabase

RECORDS = 600


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    """A ledger with several hundred records of two sources."""
    with plant(tmp_path_factory.mktemp("plant") / "ledger", RECORDS) as made:
        yield made


@pytest.fixture
def postgres_site(postgres: PgDatabase, tmp_path: Path) -> Iterator[Plant]:
    """A smaller one on PostgreSQL, the service under the role that owns nothing."""
    settings = Settings(origin="plant.example/site-a", database=postgres.runtime_url, owner_database=postgres.owner_url)
    with plant(tmp_path / "ledger", 200, settings) as made:
        yield made


@pytest.fixture(scope="session")
def withheld(site: Plant, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The batch's package, sealed values withheld."""
    out = tmp_path_factory.mktemp("package") / "withheld.zip"
    site.package(out, zone="Europe/Berlin")
    return out


@pytest.fixture(scope="session")
def disclosed(site: Plant, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package of every record, sealed values and originals disclosed."""
    out = tmp_path_factory.mktemp("package") / "disclosed.zip"
    site.package(out, BySearch(query=Query()), disclose=True)
    return out
