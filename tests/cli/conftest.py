"""One ledger, made and filled by commands alone; tests that change it make their own by `filled`."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.settings import Settings
from tests.cli.terminal import Answer, trailseal
from tests.support.ledgers import put_schema, record

SOURCE = "erp"
GOOD = 5


class Site:
    """A ledger's folder, what `init` said, and a file of records that `append` was given."""

    def __init__(self, folder: Path, made: dict[str, Any], file: Path) -> None:
        self.folder = folder
        self.made = made
        self.file = file

    def __call__(self, *arguments: str | Path) -> Answer:
        """Runs a command on this ledger."""
        return trailseal(*arguments, "--ledger", self.folder)


def lines_of(*numbers: int) -> bytes:
    """Records as lines of JSON."""
    return b"".join(msgspec.json.encode(record(number, SOURCE)) + b"\n" for number in numbers)


def filled(place: Path) -> Site:
    """A new ledger with the source `erp` and five records."""
    put_schema(place / "ledger", Settings(origin="plant.example/cli"))
    made = trailseal("init", place / "ledger", "--origin", "plant.example/cli", "--json")
    assert made.code == 0, made.err
    site = Site(place / "ledger", made.json(), place / "good.jsonl")
    added = site("source", "add", SOURCE, "--type", "push")
    assert added.code == 0, added.err
    site.file.write_bytes(lines_of(*range(GOOD)))
    appended = site("append", site.file, "--source", SOURCE)
    assert appended.code == 0, appended.out + appended.err
    return site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return filled(tmp_path_factory.mktemp("site"))
