"""A ledger whose sources are challenged, and the secrets of those that plant."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.ledgers import Ledger, new_ledger


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    made = new_ledger(tmp_path_factory.mktemp("ledger") / "ledger")
    yield made
    made.close()


@pytest.fixture
def secret(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a secret to a file."""

    def write(text: str) -> Path:
        place = tmp_path / "secret"
        place.write_text(text, encoding="utf-8")
        return place

    return write
