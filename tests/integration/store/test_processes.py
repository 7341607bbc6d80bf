"""Four processes append to one ledger at once: no fork, no loss, nothing twice."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from ledger.store.known import decode_record
from tests.support.checking import assert_log_holds
from tests.support.ledgers import RECORDS, Ledger

pytestmark = pytest.mark.sampled

REPOSITORY = Path(__file__).parents[3]
PROCESSES = 4
RUNS = 200 if "TRAILSEAL_SOAK" in os.environ else 12
A_RUN = 8
PRODUCERS = """
import os, sys
from pathlib import Path
from ledger.service import Service
from ledger.store import key_filter
from tests.support.ledgers import AUTHORITY, batch, submission

folder, answers, runs, size, *sources = sys.argv[1:]
(ready, is_ready), (go, gone) = os.pipe(), os.pipe()

def produce(number, source):
    if number % 2:
        key_filter.SOME = 0  # these two have a filter of what is known from the first record on
    service = Service(Path(folder))
    os.write(is_ready, b"r")
    os.read(go, 1)
    with Path(answers, str(number)).open("w") as file:
        for run in range(int(runs)):
            numbers = range(run * int(size), (run + 1) * int(size))
            made = batch([submission(n, source, data=b"%d" % n) for n in numbers], source)
            print(*(one.index for one in service.ingest.submit(made, AUTHORITY).outcomes), file=file)
    service.close()

children = []
for number, source in enumerate(sources):
    children.append(os.fork())
    if not children[-1]:
        code = 1
        try:
            produce(number, source)
            code = 0
        finally:
            if code:
                sys.excepthook(*sys.exc_info())
                os.write(is_ready, b"r")  # nobody waits for it
            os._exit(code)
for _ in children:
    os.read(ready, 1)
os.write(gone, b"g" * len(children))
sys.exit(sum(os.waitpid(pid, 0)[1] != 0 for pid in children))
"""
"""Forked before any of them opens the ledger: to load what they need takes longer than what they do."""


def produce(ledger: Ledger, sources: list[str]) -> list[list[int]]:
    """Runs a process for each source, all let go at once; returns the indices that each was answered."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", PRODUCERS, str(ledger.folder), folder, str(RUNS), str(A_RUN), *sources],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            timeout=60 + 5 * RUNS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        answers = [Path(folder, str(number)).read_text() for number in range(len(sources))]
    return [[int(index) for index in answer.split()] for answer in answers]


def stored(ledger: Ledger) -> dict[int, tuple[str, str]]:
    """Source and record id of every record, by index."""
    with ledger.store.reader(RECORDS) as reader:
        found = reader.entries(0, reader.head().size)
        records = {entry.index: decode_record(entry.body or b"") for entry in found}
    return {
        index: (one.record.source, one.record.source_record_id) for index, one in records.items() if one is not None
    }


def assert_verifies(ledger: Ledger) -> None:
    """Every level that is built finds nothing."""
    ledger.service.publisher.publish_all()
    report = ledger.service.verifier.run(ledger.service.log())
    assert report.holds, report
    assert_log_holds(ledger.store, RECORDS)


def test_four_processes_make_one_log_that_lacks_and_doubles_nothing(ledger: Ledger) -> None:
    sources = [f"line{n}" for n in range(PROCESSES)]
    for source in sources:
        ledger.register(source)
    answers = produce(ledger, sources)
    found = stored(ledger)
    for source, indices in zip(sources, answers, strict=True):
        assert [found[index] for index in indices] == [(source, str(n)) for n in range(RUNS * A_RUN)]
    assert len(found) == PROCESSES * RUNS * A_RUN == ledger.query("SELECT count(*) FROM record")[0][0]
    assert_verifies(ledger)


def test_the_same_records_from_four_processes_are_stored_once(ledger: Ledger) -> None:
    answers = produce(ledger, ["erp"] * PROCESSES)
    assert all(indices == answers[0] for indices in answers), "a record has two entries"
    found = stored(ledger)
    assert [found[index] for index in answers[0]] == [("erp", str(n)) for n in range(RUNS * A_RUN)]
    assert len(found) == RUNS * A_RUN == ledger.query("SELECT count(*) FROM record")[0][0]
    assert ledger.query("SELECT count(*), sum(duplicates) FROM collection_run") == [
        (PROCESSES * RUNS, (PROCESSES - 1) * RUNS * A_RUN)
    ]
    assert_verifies(ledger)
