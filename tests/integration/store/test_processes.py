"""Four processes append to one ledger at once: no fork, no loss, nothing twice."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.checking import assert_log_holds
from tests.support.ledgers import RECORDS, Ledger

REPOSITORY = Path(__file__).parents[3]
PROCESSES = 4
RUNS = 200 if "TRAILSEAL_SOAK" in os.environ else 12
A_RUN = 8
PRODUCER = """
import sys
from pathlib import Path
from ledger.service import Service
from tests.support.ledgers import AUTHORITY, batch, submission
folder, source, runs, size = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
service = Service(folder)
print("ready", flush=True)
sys.stdin.readline()
for run in range(runs):
    numbers = range(run * size, (run + 1) * size)
    made = batch([submission(n, source, data=b"%d" % n) for n in numbers], source)
    print(*(one.index for one in service.ingest.submit(made, AUTHORITY).outcomes), flush=True)
service.close()
"""


def produce(ledger: Ledger, sources: list[str]) -> list[list[int]]:
    """Runs a process for each source, all let go at once; returns the indices that each was answered."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", PRODUCER, str(ledger.folder), source, str(RUNS), str(A_RUN)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=REPOSITORY,
            text=True,
        )
        for source in sources
    ]
    try:
        for process in started:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in started:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        answers = [process.communicate(timeout=5 * RUNS)[0] for process in started]
    finally:
        for process in started:
            process.kill()
            process.wait()
    assert [process.returncode for process in started] == [0] * len(started)
    return [[int(index) for index in answer.split()] for answer in answers]


def stored(ledger: Ledger) -> dict[int, tuple[str, str]]:
    """Source and record id of every record, by index."""
    rows = ledger.query("SELECT pos, source, record_id FROM source_key")
    return {pos & ((1 << 40) - 1): (source, record_id) for pos, source, record_id in rows}


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
