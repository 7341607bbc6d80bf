"""A ledger whose records are kept by rules: founded once a process, and copied for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.keeping import Keeping


@pytest.fixture(scope="session")
def first(tmp_path_factory: pytest.TempPathFactory) -> Keeping:
    """The one that is copied; it is closed."""
    made = Keeping(tmp_path_factory.mktemp("keeping") / "ledger")
    made.close()
    return made


@pytest.fixture
def keeping(first: Keeping, tmp_path: Path) -> Iterator[Keeping]:
    """A ledger of the test's own."""
    made = first.copied(tmp_path / "ledger")
    yield made
    made.close()
