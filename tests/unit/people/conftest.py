"""A real ledger for each test of people."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "ledger")
    yield made
    made.close()
