"""A bit flips in the database or the signer's memory: somebody notices, or it changes no answer.

The other files: `test_files.py`. `make soak` flips many more.
"""

import os
import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ledger.core.errors import RolledBack
from tests.faults.flips import DATABASE, Flip, content, flip, pages
from tests.support.ledgers import Ledger, MovableClock, submission

SEED = int(os.environ.get("TRAILSEAL_SEED", "20261129"))
SOAK = "TRAILSEAL_SOAK" in os.environ
PAGES = 400 if SOAK else 12
LEAF_OF_AN_INDEX = 10
"""The first byte of such a page (SQLite's file format, 1.6)."""


def filled(ledger: Ledger) -> None:
    for number in range(3):
        ledger.submit([submission(10 * number + at, data=b'{"n":%d}' % at) for at in range(10)])
        ledger.service.publisher.publish_all()
    ledger.close()


def told_of(flips: list[Flip]) -> str:
    return "\n".join(f"{one.file} byte {one.byte} bit {one.bit}: {one.told or 'nobody'}" for one in flips)


def test_a_bit_that_flips_in_the_database_is_noticed_or_changes_nothing(
    sqlite_ledger: Ledger, clock: MovableClock, tmp_path: Path
) -> None:
    filled(sqlite_ledger)
    folder, dice = sqlite_ledger.folder, random.Random(SEED)
    before, trees = content(folder), pages(folder)
    size = trees.pop("")
    chosen = dice.sample(sorted(trees), PAGES) if not SOAK else dice.choices(sorted(trees), k=PAGES)
    flips = [
        flip(folder, DATABASE, trees[name] + dice.randrange(size), dice.randrange(8), tmp_path / "copy", clock, before)
        for name in chosen
    ]
    unseen = [one for one in flips if one.changed and not one.told]
    assert not unseen, told_of(unseen)


def test_a_bit_that_flips_in_the_write_ahead_log_is_noticed_by_what_was_signed(
    sqlite_ledger: Ledger, clock: MovableClock, tmp_path: Path
) -> None:
    """SQLite goes back to the last commit before it, without a word: the signer's memory knows better."""
    for number in range(2):
        sqlite_ledger.submit([submission(number)])
        sqlite_ledger.service.publisher.publish_all()
    wal = f"{DATABASE}-wal"
    size = (sqlite_ledger.folder / wal).stat().st_size
    before = content(sqlite_ledger.folder)
    found = flip(sqlite_ledger.folder, wal, size // 2, 0, tmp_path / "copy", clock, before)
    assert found.changed
    assert "were signed for before" in found.told


def test_an_index_that_differs_from_its_table_is_found_by_doctor(
    sqlite_ledger: Ledger, clock: MovableClock, tmp_path: Path
) -> None:
    """No entry is wrong, and answers would lack it all the same."""
    filled(sqlite_ledger)
    folder = sqlite_ledger.folder
    before, trees, data = content(folder), pages(folder), (folder / DATABASE).read_bytes()
    size = trees.pop("")
    with closing(sqlite3.connect(folder / DATABASE)) as connection:
        names = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'record'")
        index = next(name for (name,) in names if data[trees[name]] == LEAF_OF_AN_INDEX)
    # The end of its page: the row that its first key is of.
    found = flip(folder, DATABASE, trees[index] + size - 1, 0, tmp_path / "copy", clock, before)
    assert not found.changed
    assert "doctor: damaged" in found.told


@pytest.mark.parametrize("data", [b"", b"{", b'{"size":1}', b'{"size":1,"root":"AA=="}', b'{"size":"1","root":"x"}'])
def test_a_damaged_memory_of_the_signer_is_named_and_nothing_is_signed(sqlite_ledger: Ledger, data: bytes) -> None:
    sqlite_ledger.service.publisher.publish_all()
    sqlite_ledger.submit([submission(1)])
    (sqlite_ledger.folder / "signed" / "records.signed").write_bytes(data)
    with pytest.raises(RolledBack, match=r"records\.signed is damaged: nothing was signed") as refused:
        sqlite_ledger.service.publisher.publish_all()
    assert "Restore the newest copy" in refused.value.advice
