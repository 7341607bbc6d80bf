"""SQLite's write-ahead log: copied into its file by a thread, and short again, while commits go on."""

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ledger.store import engine
from tests.support.ledgers import Ledger, submission

PAGES = 60
"""So many pages of the log are copied, in place of some ten thousands."""
FRAME = 4120


@pytest.fixture(autouse=True)
def short_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "CHECKPOINT_PAGES", PAGES)
    # No commit comes to copy by itself: only the thread does.
    monkeypatch.setattr(engine, "CHECKPOINT_AT_MOST", 1_000_000)


def waiting(ledger: Ledger) -> int:
    """Bytes of the write-ahead log."""
    return Path(f"{ledger.service.store.writer.url.database}-wal").stat().st_size


def begun(ledger: Ledger) -> int:
    """How often the log was begun anew (SQLite file format, 4.1: the checkpoint sequence number)."""
    return int.from_bytes(Path(f"{ledger.service.store.writer.url.database}-wal").read_bytes()[12:16])


def grow(ledger: Ledger, first: int) -> None:
    ledger.submit([submission(first + at) for at in range(20)])


def test_the_log_is_copied_and_begun_anew_while_commits_go_on(sqlite_ledger: Ledger) -> None:
    lengths = []
    for at in range(60):
        grow(sqlite_ledger, at * 20)
        lengths.append(waiting(sqlite_ledger))
        time.sleep(0.01)
    grown = [after - before for before, after in itertools.pairwise(lengths)]
    assert PAGES * FRAME <= max(lengths) < sum(pages for pages in grown if pages > 0)
    assert min(grown) < 0


def test_a_reader_that_stays_holds_the_log_up_and_no_commit(sqlite_ledger: Ledger) -> None:
    with sqlite_ledger.service.store.reading() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM leaf").scalar()
        for at in range(20):
            grow(sqlite_ledger, at * 20)
        held = waiting(sqlite_ledger)
        assert held > 3 * PAGES * FRAME
    for at in range(20, 40):
        grow(sqlite_ledger, at * 20)
        time.sleep(0.02)
    assert waiting(sqlite_ledger) < held


def test_what_is_committed_while_the_log_is_copied_is_copied_too(sqlite_ledger: Ledger) -> None:
    copier = sqlite_ledger.service.store._copier
    assert copier is not None
    turn, numbers, during = copier._turn, itertools.count(), list[int]()

    @contextmanager
    def one_more_commit() -> Iterator[None]:
        copier._turn = turn
        for _ in range(4):
            grow(sqlite_ledger, 20 * next(numbers))
        during.append(begun(sqlite_ledger))
        with turn:
            yield

    copier._turn = one_more_commit()
    while not copier._busy.locked() and not during:
        grow(sqlite_ledger, 20 * next(numbers))
    copier.close()
    grow(sqlite_ledger, 20 * next(numbers))
    assert begun(sqlite_ledger) > during[0]
