"""A ledger after its first start, with people who sign; one for a module, on either database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.people.roles import Role
from tests.support.postgres import chosen_database
from tests.support.signers import Plant, Signer


class Site:
    """The plant with two more people, and records to sign."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        plant.found()
        self.reviewer: Signer = plant.join("reviewer1", "Rita Reviewer", Role.REVIEWER)
        self.approver: Signer = plant.join("approver1", "Anna Approver", Role.APPROVER)
        self._free = iter(plant.records(60))

    def fresh(self, count: int = 1) -> list[int]:
        """Records that nobody signed yet, under a checkpoint."""
        return [next(self._free) for _ in range(count)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Plant(tmp_path_factory.mktemp("signing") / "ledger")
    yield Site(made)
    made.close()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def any_site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The same on SQLite and on PostgreSQL."""
    database = chosen_database(request)
    made = Plant(tmp_path_factory.mktemp("signing") / "ledger", database)
    yield Site(made)
    made.close()


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    """A ledger before its first start."""
    made = Plant(tmp_path / "ledger")
    yield made
    made.close()
