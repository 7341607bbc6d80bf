"""A ledger after its first start, with people who sign; one for a module, on either database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.founded import APPROVER, REVIEWER, founded
from tests.support.signers import Plant, Signer


class Site:
    """The plant with two more people, and records to sign."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        self.reviewer: Signer = plant.people["reviewer1"]
        self.approver: Signer = plant.people["approver1"]
        self._free = iter(plant.records(60))

    def fresh(self, count: int = 1) -> list[int]:
        """Records that nobody signed yet, under a checkpoint."""
        return [next(self._free) for _ in range(count)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = founded(tmp_path_factory.mktemp("signing") / "ledger", REVIEWER, APPROVER)
    yield Site(made)
    made.close()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def any_site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The same on SQLite and on PostgreSQL."""
    made = founded(tmp_path_factory.mktemp("signing") / "ledger", REVIEWER, APPROVER, request=request)
    yield Site(made)
    made.close()


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    """A ledger before its first start."""
    made = Plant(tmp_path / "ledger")
    yield made
    made.close()


@pytest.fixture
def founded_plant(tmp_path: Path) -> Iterator[Plant]:
    """A ledger after its first start."""
    made = founded(tmp_path / "ledger")
    yield made
    made.close()
