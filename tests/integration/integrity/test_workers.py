"""Several processes find what one finds, and their spans are joined at the seams."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.domains import assembly
from ledger.integrity.edge import START
from ledger.integrity.fault import Fault
from ledger.integrity.tasks import ALIGNED, SMALLEST, Here, Processes, spans
from ledger.integrity.verifier import Verifier
from ledger.store.projections import Projections
from tests.support.ledgers import RECORDS, Ledger, new_ledger, submission
from tests.support.trusted import copied

ENTRIES = 17_000


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    with contextlib.closing(new_ledger(tmp_path_factory.mktemp("large") / "ledger")) as ledger:
        for at in range(0, ENTRIES, 1000):
            ledger.submit([submission(number) for number in range(at, at + 1000)])
        yield ledger


@pytest.fixture
def large(whole: Ledger, tmp_path: Path) -> Iterator[Ledger]:
    """A copy of it, to be damaged."""
    with contextlib.closing(copied(whole, tmp_path / "ledger")) as ledger:
        yield ledger


def test_tasks_cover_a_range_without_gap_or_overlap_and_start_at_whole_tiles() -> None:
    for low, high, workers in [(0, 0, 2), (0, 1, 2), (0, 100_000, 1), (300, 100_000, 2), (777, 3_000_000, 4)]:
        tasks = spans(1, RECORDS, low, high, False, workers)
        assert [task.low for task in tasks] + [high] == [low, *(task.high for task in tasks)] or not tasks
        assert all(task.low % ALIGNED == 0 for task in tasks[1:])
        assert all(task.low < task.high for task in tasks)
        if high - low > workers * SMALLEST * 2:
            assert len(tasks) >= workers


def test_two_processes_find_what_one_finds_and_name_the_same_entry(large: Ledger) -> None:
    with large.store.reader(RECORDS) as reader:
        size = reader.head().size
    kinds, projectors = assembly("sqlite")
    here = Here(large.store.reading, kinds, Projections(projectors))
    processes = Processes(large.store.readers.url, assembly, 2)
    told: list[int] = []
    try:
        tasks = spans(1, RECORDS, 0, size, True, 2)
        alone = list(here.run(tasks, lambda done: None))
        together = list(processes.run(tasks, told.append))
        assert together == alone
        assert [outcome.fault for outcome in alone] == [None] * len(tasks)
        assert sum(told) == size
        edge = START
        for outcome in together:
            assert outcome.span is not None
            assert outcome.span.before == edge
            edge = outcome.span.after
        assert edge.size == size
        index = tasks[1].low + 3
        with large.administrator() as connection:
            connection.exec_driver_sql(f"UPDATE body SET salt = zeroblob(32) WHERE pos = {(RECORDS << 40) + index}")
        faults: list[Fault | None] = [outcome.fault for outcome in processes.run(tasks, told.append)]
        assert [fault.index for fault in faults if fault is not None] == [index]
    finally:
        processes.close()


def test_a_verifier_with_two_processes_names_the_first_of_two_bad_entries(large: Ledger) -> None:
    with large.administrator() as connection:
        for index in (16_500, 9_000):
            connection.exec_driver_sql(f"UPDATE body SET body = x'7b7d' WHERE pos = {(RECORDS << 40) + index}")
    verifier = Verifier(large.store, assembly, lambda data: data[:32], workers=2)
    try:
        report = verifier.run(large.service.log(), levels=(1, 2))
    finally:
        verifier.close()
    assert [level.fault and level.fault.index for level in report.result.levels[:2]] == [9_000, 9_000]
