"""Level 1 with the column check, against bare hashlib over the same bodies; and what a second core adds."""

import hashlib
import statistics
import time

from ledger.domains import assembly
from ledger.integrity.run import LogRun, Runner
from ledger.integrity.tasks import SMALLEST, Here, Processes, spans
from ledger.service import Service
from tests.bench.harness import LOG, Bench, Database, size

SAMPLE = 50_000
"""Bodies that bare hashlib is measured over, at most."""
PASSES = 5
FIRST = 4 * SMALLEST
"""Entries that are looked at before anything is measured: a piece of work for each process."""
ROUNDS, LONG = 3, 500_000
"""Each round measures all three, one right after the other: a machine that others use as well changes its pace. One
round suffices for so many entries: it takes long enough to even that out."""


def measure(bench: Bench, database: Database, service: Service) -> None:
    """Adds verify.*.1core, .2core and .2core_speedup over the whole record log, each the median of the rounds."""
    entries = size(service)
    bodies = _bodies(service, min(entries, SAMPLE))
    here = Here(service.verifier._reading, service.store.kinds, service.store.projections)
    processes = Processes(service.store.readers.url, assembly, 2)
    rounds = []
    try:
        list(processes.run(spans(1, LOG, 0, min(entries, FIRST), True, 2), lambda _: None))  # starts the processes
        for _ in range(ROUNDS if entries < LONG else 1):
            rounds.append((_bare(bodies), seconds(service, here) / entries, seconds(service, processes) / entries))
    finally:
        processes.close()
    bare, one, two = (statistics.median(figures) for figures in zip(*rounds, strict=True))
    bench.add(
        f"verify.{database.name}.1core",
        statistics.median(bare / one for bare, one, _ in rounds),
        "≥ 0.09",
        f"{1 / one:,.0f} entries/s against {1 / bare:,.0f} bare SHA-256/s over the same bodies ({entries:,} entries)",
    )
    speedup = statistics.median(one / two for _, one, two in rounds)
    both = statistics.median(bare / two for bare, _, two in rounds)
    bench.add(f"verify.{database.name}.2core", both, "≥ 0.15", f"of bare SHA-256 on one core; {1 / two:,.0f} entries/s")
    bench.add(f"verify.{database.name}.2core_speedup", speedup, "≥ 1.7", f"{1 / two:,.0f} entries/s on two cores")


def _bodies(service: Service, entries: int) -> list[bytes]:
    with service.store.reader(LOG) as reader:
        return [body for _, _, _, body in reader.rows(0, entries) if body is not None]


def _bare(bodies: list[bytes]) -> float:
    """Seconds a body: SHA-256 of bodies that lie in memory already, the quickest of some passes."""

    def once() -> float:
        started = time.perf_counter()
        for body in bodies:
            hashlib.sha256(body).digest()
        return time.perf_counter() - started

    return min(once() for _ in range(PASSES)) / len(bodies)


def seconds(service: Service, runner: Runner) -> float:
    """How long level 1 with the column check takes over the whole record log."""
    verifier = service.verifier
    run = LogRun(
        verifier._reading,
        runner,
        service.store.kinds,
        service.store.projections,
        service.log("records"),
        verifier._keys,
    )
    started = time.perf_counter()
    found = run.verify((1,), None, None, True, lambda level, done, total: None, lambda stand: None)
    spent = time.perf_counter() - started
    assert found.levels[0].fault is None, found.levels[0].fault
    return spent
