"""Level 1 with the column check, against bare hashlib over the same bodies; and what a second core adds."""

import hashlib
import time

from ledger.domains import assembly
from ledger.integrity.run import LogRun, Runner
from ledger.integrity.tasks import Here, Processes
from ledger.service import Service
from tests.bench.harness import LOG, Bench, Database, size

SAMPLE = 200_000
"""Bodies that bare hashlib is measured over, at most."""
ROUNDS = 2
"""A run over a million entries takes half a minute: its noise is small."""


def measure(bench: Bench, database: Database, service: Service) -> None:
    """Adds verify.*.1core and verify.*.2core_speedup over the whole record log."""
    entries = size(service)
    bare = _bare(service, min(entries, SAMPLE))
    one = _best(service, Here(service.verifier._reading, service.store.kinds, service.store.projections)) / entries
    processes = Processes(service.store.readers.url, assembly, 2)
    try:
        _seconds(service, processes)  # starts the processes
        two = _best(service, processes) / entries
    finally:
        processes.close()
    bench.add(
        f"verify.{database.name}.1core",
        bare / one,
        "≥ 0.09",
        f"{1 / one:,.0f} entries/s against {1 / bare:,.0f} bare SHA-256/s over the same bodies ({entries:,} entries)",
    )
    bench.add(f"verify.{database.name}.2core_speedup", one / two, "≥ 1.7", f"{1 / two:,.0f} entries/s on two cores")


def _bare(service: Service, entries: int) -> float:
    """Seconds a body: SHA-256 of bodies that lie in memory already."""
    with service.store.reader(LOG) as reader:
        bodies = [body for _, _, _, body in reader.rows(0, entries) if body is not None]
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for body in bodies:
            hashlib.sha256(body).digest()
        best = min(best, time.perf_counter() - started)
    return best / len(bodies)


def _best(service: Service, runner: Runner) -> float:
    return min(_seconds(service, runner) for _ in range(ROUNDS))


def _seconds(service: Service, runner: Runner) -> float:
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
    seconds = time.perf_counter() - started
    assert found.levels[0].fault is None, found.levels[0].fault
    return seconds
